"""Where data of a person is, as a table: how it is shown to the person, how much there is, and how it goes.

Whoever adds an entity adds a line: here, or to `IMPERSONAL` with the reason. A test finds what is in neither.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_jsonable_python

from drumbeat import clock, table
from drumbeat.activity import timeline
from drumbeat.activity.model import Event, Order, RollUp, Timeline
from drumbeat.campaigns.conversions import Conversion
from drumbeat.campaigns.model import Campaign
from drumbeat.contacts import ledger, shown, suppressions, unsubscribes
from drumbeat.contacts.customers.model import Customer
from drumbeat.contacts.ledger import Entry
from drumbeat.contacts.model import Contact, ContactAddress, ContactExternalId
from drumbeat.contacts.opt_in import rules as opt_in
from drumbeat.contacts.opt_in.model import OptIn
from drumbeat.contacts.suppressions import Suppression
from drumbeat.contacts.unsubscribes import Unsubscribe
from drumbeat.contacts.views import CHANNELS
from drumbeat.deliverability.soft_bounces import SoftBounces
from drumbeat.journeys import entries as journeys
from drumbeat.privacy.model import PrivacyLink
from drumbeat.segments import history
from drumbeat.segments.history import Spell
from drumbeat.segments.model import Definitions, Member, Segment, Watch
from drumbeat.sends.model import Send
from drumbeat.table import Entity

# So many rows go at once: a round does several of these.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Person:
    """Whose data: a contact (None when it is gone, or was none), its addresses, and the segments that may have it."""

    tenant: str
    contact_id: str | None
    contact: Contact | None = None
    addresses: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """Data of one kind. `shown` gives it as JSON, `counted` says how many rows there are (without one: as many as are
    shown), `erased` deletes some of it and gives how many rows; without one it goes with the contact itself."""

    name: str
    carries: tuple[type[Entity], ...]
    shown: Callable[[Person], Iterator[Any]]
    counted: Callable[[Person], int] | None = None
    erased: Callable[[Person], int] | None = None


def _contact(person: Person) -> Iterator[Any]:
    if person.contact is not None:
        yield shown.view(person.contact).model_dump(mode="json")


def _consents(person: Person) -> Iterator[Any]:
    for entry in ledger.history(person.tenant, person.contact_id) if person.contact_id else ():
        who = {name: value for name, value in (entry.personal or {}).items() if name != "salt"}
        yield {
            "recorded_at": clock.iso(entry.recorded_at), "statements": entry.statements, "recorded_by": entry.actor,
            "cause": entry.cause, **who,
        }  # fmt: skip


def _redacted(person: Person) -> int:
    return ledger.redact(person.tenant, person.contact_id, clock.business()) if person.contact_id else 0


def _partition(model: type[Entity], person: Person) -> str:
    return f"{model.TYPE}#{person.tenant}#{person.contact_id}"


def _rows(model: type[Entity]) -> Callable[[Person], Iterator[Any]]:
    return lambda person: table.rows(model, _partition(model, person)) if person.contact_id else iter(())


def _counted(model: type[Entity]) -> Callable[[Person], int]:
    return lambda person: table.count(_partition(model, person)) if person.contact_id else 0


def _deleted(model: type[Entity]) -> Callable[[Person], int]:
    """Deletes the first rows of the contact's own partition."""

    def delete(person: Person) -> int:
        rows = list(itertools.islice(_rows(model)(person), BATCH))
        table.write_many(deletes=[(row.pk, row.sk) for row in rows])
        return len(rows)

    return delete


def _timeline(person: Person) -> Iterator[Any]:
    return (timeline.view(row).model_dump(mode="json") for row in _rows(Timeline)(person))


def _timeline_deleted(person: Person) -> int:
    """With the marks of the events and of the orders, which name the contact."""
    rows = list(itertools.islice(_rows(Timeline)(person), BATCH))
    own = [row for row in rows if row.message is None]
    orders = {str(told["order_id"]) for row in own if (told := row.properties or {}).get("order_id") is not None}
    marks: list[Event | Order] = [
        *Event.many(Event.key(person.tenant, row.event_id) for row in own),
        *Order.many(Order.key(person.tenant, order) for order in orders),
    ]
    keys = {(row.pk, row.sk) for row in (*rows, *(mark for mark in marks if mark.contact_id == person.contact_id))}
    table.write_many(deletes=sorted(keys))
    return len(rows)


def _activity(person: Person) -> Iterator[Any]:
    return ({"name": row.name, "date": row.day, "count": row.total} for row in _rows(RollUp)(person))


def _opt_outs(person: Person) -> Iterator[Any]:
    keyed = [
        Unsubscribe.key_of_address(person.tenant, address, channel)
        for address in person.addresses
        for channel in CHANNELS
    ]
    rows = itertools.chain(_rows(Unsubscribe)(person), Unsubscribe.many(keyed))
    return (unsubscribes.view(row).model_dump(mode="json") for row in rows)


def _suppressed(person: Person) -> Iterator[Any]:
    rows = suppressions.many(person.tenant, person.addresses).values()
    return (suppressions.view(row).model_dump(mode="json") for row in rows)


def _opt_ins(person: Person) -> Iterator[Any]:
    keys = [OptIn.key(person.tenant, opt_in.address_key(person.tenant, one)) for one in person.addresses if "@" in one]
    for row in OptIn.many(keys):
        asked = [{"at": mail["at"], "outcome": mail["outcome"]} for mail in row.mails or ()]
        yield {"state": row.state, "source": row.source, "requested_at": clock.iso(row.requested_at), "mails": asked}


def _soft_bounces(person: Person) -> Iterator[Any]:
    for row in SoftBounces.many(SoftBounces.key(person.tenant, address) for address in person.addresses):
        yield {"bounces": sorted(row.bounces or ())}


def _memberships(person: Person) -> Iterator[Any]:
    if person.contact_id is None:
        return
    for segment in Segment.many(Segment.key(person.tenant, segment_id) for segment_id in person.segments):
        for stay in history.of_contact(person.tenant, segment.segment_id, person.contact_id):
            left = clock.iso(stay.left) if stay.left else None
            yield {"segment": segment.name, "joined": clock.iso(stay.joined), "left": left}


def _memberships_deleted(person: Person) -> int:
    """What says that the contact is in a segment, was in one, or may get into one."""
    if person.contact_id is None:
        return 0
    keys: list[tuple[str, str]] = []
    wanted = [
        model.key(person.tenant, segment_id, person.contact_id)
        for segment_id in person.segments
        for model in (Member, Watch)
    ]
    keys += [(item["pk"]["S"], item["sk"]["S"]) for item in table.raw_many(wanted)]
    for segment_id in person.segments:
        pk, _ = Spell.key(person.tenant, segment_id, person.contact_id, clock.wall())
        keys += [(row.pk, row.sk) for row in table.rows(Spell, pk, prefix=f"{person.contact_id}#")]
    table.write_many(deletes=keys)
    return len(keys)


def _messages(person: Person) -> Iterator[Any]:
    """The mails that reached the person, by campaign."""
    rows = [row for row in _rows(Timeline)(person) if row.name.endswith(".sent") and row.campaign]
    keys = dict.fromkeys(Campaign.key(person.tenant, row.campaign) for row in rows)
    names = {campaign.campaign_id: campaign.name for campaign in Campaign.many(keys)}
    for row in rows:
        yield {
            "sent_at": clock.iso(row.at), "campaign_id": row.campaign, "campaign": names.get(row.campaign),
            "message_id": row.message,
        }  # fmt: skip


def _conversions(person: Person) -> Iterator[Any]:
    """Purchases that count for a campaign."""
    bought = (row.event_id for row in _rows(Timeline)(person) if row.name == "purchase")
    keys = [Conversion.key_of_event(person.tenant, event_id) for event_id in bought]
    for row in Conversion.many(keys):
        yield {"campaign_id": row.campaign, "value_minor": to_jsonable_python(row.value), "at": clock.iso(row.at)}


def _entries(person: Person) -> Iterator[journeys.Entry]:
    """What happened to the person in journeys."""
    if person.contact_id is None:
        return
    for pk, sk, _ in table.keys_in_index(3, journeys.Entry.entered(person.tenant, person.contact_id)):
        if found := journeys.Entry.fetch(pk, sk):
            yield found


def _journeys(person: Person) -> Iterator[Any]:
    for row in _entries(person):
        yield {
            "journey_id": row.journey_id, "entered_at": clock.iso(row.entered_at), "state": row.state,
            "reason": row.reason, "step": row.step, "steps": row.said, "goal": row.goal,
        }  # fmt: skip


def _journeys_deleted(person: Person) -> int:
    rows = list(itertools.islice(_entries(person), BATCH))
    table.write_many(deletes=[(row.pk, row.sk) for row in rows])
    return len(rows)


def _customer(person: Person) -> Iterator[Any]:
    """What we know of the person as a customer of the tenant's customer system; it goes with the contact."""
    external_id = person.contact.external_id if person.contact else None
    for row in Customer.many([Customer.key(person.tenant, external_id)] if external_id else []):
        yield {"customer_id": row.customer, "state": row.state, "told": row.fields, "said": row.said}


def _nothing(person: Person) -> Iterator[Any]:
    return iter(())


HOLDINGS: tuple[Holding, ...] = (
    Holding("contact", (Contact, ContactAddress, ContactExternalId), _contact),
    Holding("consent_history", (Entry,), _consents, erased=_redacted),
    Holding("messages", (), _messages),
    Holding("timeline", (Timeline, Event, Order), _timeline, _counted(Timeline), _timeline_deleted),
    Holding("activity", (RollUp,), _activity, _counted(RollUp), _deleted(RollUp)),
    Holding("conversions", (Conversion,), _conversions),
    Holding("journeys", (journeys.Entry,), _journeys, erased=_journeys_deleted),
    Holding("customer", (Customer,), _customer),
    Holding("memberships", (Member, Spell, Watch), _memberships, erased=_memberships_deleted),
    Holding("unsubscribes", (Unsubscribe,), _opt_outs, erased=_deleted(Unsubscribe)),
    Holding("suppressions", (Suppression,), _suppressed),
    Holding("confirmations", (OptIn,), _opt_ins),
    Holding("soft_bounces", (SoftBounces,), _soft_bounces),
    Holding("links", (PrivacyLink,), _nothing, erased=_deleted(PrivacyLink)),
)
# What the task that shows and erases touches, besides its own.
CARRIED: tuple[type[Entity], ...] = tuple(dict.fromkeys(model for one in HOLDINGS for model in one.carries))

# What has no data of a person, or only the id that a contact had: that id leads nowhere once the contact is gone.
IMPERSONAL: Mapping[str, str] = {
    "CHUNK": "recipients of a send by id, so that its numbers stay exact; the domains of their addresses as a count",
    "STAT": "recipients by their number in a chunk",
    "SEND": "a launch and its numbers",
    "CONTENT": "what a send says, before anything personal is put in",
    "SENDKEY": "a key and the targets of links",
    "ROLLUPS": "numbers",
    "SEGMENTVERSION": "what the tenant wrote", "TEMPLATEVERSION": "what the tenant wrote",
    "BLOCK": "what the tenant wrote", "PRODUCT": "what the tenant sells",
    "MARKETING": "what the tenant wrote", "SPEND": "money", "CHANNELRESULT": "numbers", "COST": "money",
    "MONEY": "sums of money", "QUOTA": "numbers", "REPUTATION": "numbers",
    "FREQUENCY": "ids of messages by contact, for a month",
    "IDENTITY": "domains and addresses that the tenant sends from", "CLAIM": "which tenant has a domain",
    "HYGIENE": "contacts by id, for thirty days", "MIGRATION": "what was carried over, by name",
    "SEAL": "hashes of the consent ledger by id; they show that nothing was taken out of it but what is erased",
    "CAMPAIGN": "what the tenant wrote",
    "SEGMENT": "what the tenant wrote, and numbers",
    "JOURNEY": "what the tenant wrote", "JOURNEYVERSION": "what the tenant wrote",
    "WAKE": "contacts by id, until three months after they were woken", "DAILY": "which sends a journey made",
    "PERFORMANCE": "numbers", "DRYRUN": "numbers, and twenty contacts by id, for two days",
    "ENROLMENT": "ids of contacts that a request named, and numbers", "INTEREST": "names of events",
    "DEFINITIONS": "ids of segments",
    "PREVIEW": "criteria and a number",
    "TEMPLATE": "what the tenant wrote",
    "IMPORT": "numbers; its file and its rejected rows have people, and vanish after 30 days",
    "EXPORT": "numbers; its files have people, and vanish after 7 days",
    "PRIVACY": "the record of such requests",
    "TENANT": "the account", "USER": "people of the account, not its recipients", "LOGIN": "the same",
    "INVITE": "the same", "APIKEY": "credentials of the account", "SEQUENCE": "a number", "COUNT": "a number",
    "SLUG": "names of things", "OUTBOX": "an event on its way to the bus; gone after two days",
    "RATE": "numbers by credential, for two minutes",
    "REPLY": "answers kept for requests that are repeated; gone after two days",
    "PROVIDERMESSAGE": "ids of messages by a provider's ids, for forty days",
    "INBOUND": "ids of messages that were received, and when",
    "PROVIDER": "an account of the tenant's at a provider", "CALLBACK": "which account has an address",
    "SENDER": "a provider account", "CERT": "a provider's certificate", "ENVIRONMENT": "which table the data is of",
}  # fmt: skip


def counted(person: Person) -> dict[str, int]:
    """How many rows of each kind there are."""
    found = {}
    for one in HOLDINGS:
        found[one.name] = one.counted(person) if one.counted else sum(1 for _ in one.shown(person))
    return {name: many for name, many in found.items() if many}


def segments_of(tenant: str) -> Iterable[str]:
    """The ids of all segments that a contact may be in: listed ones, filters of campaigns, and the lists of those whom
    a request named. Reads Segment, Definitions, Campaign, Send."""
    listed = (pk.rsplit("#", 1)[1] for pk, _, _ in table.keys_in_index(1, Segment.partition(tenant)))
    row = Definitions.fetch(*Definitions.key(tenant))
    found = dict.fromkeys([*listed, *(row.segments or () if row else ())])
    keys = table.keys_in_index(1, Campaign.partition(tenant))
    while batch := list(itertools.islice(keys, table.MOST_IN_BATCH_GET)):
        launched = [row.send_id for row in Campaign.many(key[:2] for key in batch) if row.send_id]
        for send in Send.many(Send.key(tenant, send_id) for send_id in launched):
            if only := (send.audience or {}).get("only"):
                found[only] = None
    return found
