"""What the table knows of contacts, as segment rules and member rows need it."""

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat import clock, money, table
from drumbeat.accounts.settings import Settings
from drumbeat.activity.model import RollUp, Timeline
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.segments.facts import Facts, Happened
from drumbeat.segments.model import Member
from drumbeat.segments.rules import Needs
from drumbeat.segments.values import instant, moment, number, text

# What fits DynamoDB's numbers and is a sum of money.
MOST_VALUE = Decimal(10) ** 15
# Of more events, the earliest are not looked at: no person does so much, and a program must not hold up the others.
MOST_HAPPENED = 5_000
MOST_NAME = 64


@dataclass(frozen=True, slots=True)
class Person:
    """A contact's facts, and what its member rows say of it."""

    facts: Facts
    profile: dict[str, Any]


def load(
    tenant: str,
    contact_ids: Collection[str],
    needs: Needs,
    settings: Settings,
    *,
    without_events: Collection[str] = (),
) -> dict[str, Person]:
    """Those that exist, by id, read consistently, with the events that are needed; none for `without_events`.

    Reads Contact, RollUp, Timeline.
    """
    found: dict[str, Person] = {}
    for contact in contacts.many(tenant, contact_ids):
        needed = Needs() if contact.contact_id in without_events else needs
        counted = _rollups(tenant, contact.contact_id, needed.counted)
        happened = _happened(tenant, contact.contact_id, needed, settings)
        facts = replace(facts_of(contact, settings, counted), happened=happened)
        found[contact.contact_id] = Person(facts, _profile(contact, facts, settings))
    return found


def _rollups(tenant: str, contact_id: str, events: Collection[str]) -> dict[str, dict[date, int]]:
    """Event → day → how often, by one query over what the names begin with."""
    found: dict[str, dict[date, int]] = {}
    if not events:
        return found
    prefix = f"{next(iter(events))}#" if len(events) == 1 else _common_start(min(events), max(events))
    for row in table.rows(RollUp, RollUp.partition(tenant, contact_id), prefix=prefix):
        if row.name in events:
            found.setdefault(row.name, {})[date.fromisoformat(row.day)] = row.total
    return found


def _happened(tenant: str, contact_id: str, needs: Needs, settings: Settings) -> dict[str, list[Happened]]:
    """Event → single events, from the contact's timeline: its latest 5,000 rows at most."""
    found: dict[str, list[Happened]] = {}
    if not needs.detailed:
        return found
    zone = ZoneInfo(settings.time_zone)
    # One day more: a day may have 25 hours.
    start = clock.iso(clock.business() - timedelta(days=needs.days + 1))
    rows = table.rows(Timeline, Timeline.partition(tenant, contact_id), start=start, newest_first=True)
    for row in itertools.islice(rows, MOST_HAPPENED):
        if row.name in needs.detailed and not row.machine:
            said = {**(row.data or {}), **(row.properties or {})}
            day = row.at.astimezone(zone).date()
            found.setdefault(row.name, []).append(Happened(row.at, day, said, row.campaign))
    return found


def _common_start(first: str, last: str) -> str:
    """What all texts between the two, in the order of text, begin with."""
    return next((first[:place] for place, (one, two) in enumerate(zip(first, last, strict=False)) if one != two), first)


def facts_of(contact: Contact, settings: Settings, rollups: dict[str, dict[date, int]]) -> Facts:
    """A contact without purchases has spent nothing in no orders, unless its attributes (an import's) say otherwise."""
    attributes = contact.attributes or {}
    currency = contact.currency or settings.currency
    value, orders = contact.lifetime_value, contact.total_orders
    fields: dict[str, object] = {
        name: getattr(contact, name)
        for name in ("email", "phone", "first_name", "last_name", "language", "time_zone", "country", "external_id",
                     "created_at", "updated_at")
    }  # fmt: skip
    fields["first_purchase_date"] = contact.first_purchase_at
    fields["last_purchase_date"] = contact.last_purchase_at
    if value is not None or "customer_lifetime_value" not in attributes:
        fields["customer_lifetime_value"] = money.to_decimal(int(value or 0), currency)
    if orders is not None or "total_orders" not in attributes:
        fields["total_orders"] = int(orders or 0)
    if value is not None and orders:
        fields["avg_order_value"] = money.to_decimal(round(int(value) / int(orders)), currency)
    consents = {channel: str(said["status"]) for channel, said in (contact.consent or {}).items()}
    tags = frozenset(contact.tags or ())
    return Facts(contact.contact_id, fields, attributes, consents, tags, rollups)


def _profile(contact: Contact, facts: Facts, settings: Settings) -> dict[str, Any]:
    """The numbers by which members are sorted and added up."""
    zone = ZoneInfo(settings.time_zone)
    value = _within(facts.value("customer_lifetime_value"))
    orders = _within(facts.value("total_orders"))
    foreign = contact.currency is not None and contact.currency != settings.currency
    reached = {"email": contact.email, "sms": contact.phone, "push": contact.push_token}
    granted = [name for name, address in reached.items() if address and facts.consents.get(name) == "granted"]
    return {
        "value": None if value is None or foreign else money.to_minor(value, settings.currency),
        "orders": None if orders is None else int(orders),
        "first": _instant(facts.value("first_purchase_date"), zone),
        "last": _instant(facts.value("last_purchase_date"), zone),
        "channels": ",".join(granted) or None,
        "name": text(_name(contact))[:MOST_NAME] or None,
    }


def _name(contact: Contact) -> str:
    """As people are listed: by first and last name, else by what they have."""
    said = " ".join(filter(None, (contact.first_name, contact.last_name)))
    return said or contact.email or contact.phone or ""


def _within(value: object) -> Decimal | None:
    found = number(value)
    return None if found is None or not -MOST_VALUE < found < MOST_VALUE else Decimal(found)


def _instant(value: object, zone: ZoneInfo) -> datetime | None:
    when = moment(value)
    return None if when is None else instant(when, zone).astimezone(UTC)


def segments(tenant: str, contact_ids: Iterable[str], wanted: Collection[str]) -> dict[str, set[str]]:
    """Contact → those of the wanted segments that it is stored in. Reads Member."""
    keys = [Member.key(tenant, segment_id, contact_id) for contact_id in contact_ids for segment_id in wanted]
    found: dict[str, set[str]] = {}
    for item in table.raw_many(keys):
        found.setdefault(item["sk"]["S"], set()).add(item["pk"]["S"].split("#")[2])
    return found


def within(facts: Facts, inside: Collection[str]) -> Facts:
    """The facts of a contact that is in these segments."""
    return replace(facts, segments=frozenset(inside)) if inside else facts


def pages(contact_ids: Iterable[str]) -> Iterable[list[str]]:
    """The ids in groups that one batch read takes."""
    page: list[str] = []
    for contact_id in contact_ids:
        page.append(contact_id)
        if len(page) == table.MOST_IN_BATCH_GET:
            yield page
            page = []
    if page:
        yield page
