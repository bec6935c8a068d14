"""Who bought because of a marketing campaign: by segment, place, age, gender and language."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from drumbeat import money, table
from drumbeat.campaigns.conversions import Conversion
from drumbeat.campaigns.model import Campaign
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.fields import View
from drumbeat.segments.model import Member, Segment

# So many purchases are looked at; with more, the answer says that it is not all of them.
MOST = 2_000
MOST_SEGMENTS = 20
# What functions that look at buyers declare.
READS = (Conversion, Contact, Segment, Member)
# Lower bounds of the usual age groups of advertising reports (as in Google Analytics' demographics).
AGES = (18, 25, 35, 45, 55, 65)
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sale:
    """A purchase and whose it was, as the person is today. `value` in minor units."""

    person: Contact | None
    value: int


class Share(View):
    """How many purchases, and what they were worth."""

    conversions: int
    revenue: float | int


class SegmentShare(Share):
    """The purchases of those who are members of a segment now."""

    segment_id: str
    segment_name: str


class Insights(View):
    """Buyers by what they have in common. `complete` is false where there were more purchases than were looked at."""

    complete: bool
    top_performing_segments: list[SegmentShare]
    geographic_performance: dict[str, Share]
    demographic_breakdown: dict[str, dict[str, Share]]


def insights(
    tenant: str, campaigns: Iterable[Campaign], segment_ids: Iterable[str], currency: str, today: date
) -> Insights:
    """Look at the purchases that were credited to these campaigns. Reads Conversion, Contact, Segment, Member."""
    rows = (row for one in campaigns for row in table.rows(Conversion, Conversion.partition(tenant, one.campaign_id)))
    found = list(islice(rows, MOST + 1))
    people = {one.contact_id: one for one in contacts.many(tenant, {row.contact for row in found[:MOST]})}
    sales = [Sale(people.get(row.contact), _worth(row, currency)) for row in found[:MOST]]
    return Insights(
        complete=len(found) <= MOST,
        top_performing_segments=_segments(tenant, sales, segment_ids, currency),
        geographic_performance=_by(sales, place, currency),
        demographic_breakdown={
            "age_range": _by(sales, lambda one: age_range(one, today), currency),
            "gender": _by(sales, lambda one: _said(one, "gender"), currency),
            "language": _by(sales, lambda one: one.language or UNKNOWN, currency),
        },
    )


def _worth(row: Conversion, currency: str) -> int:
    """A purchase in another currency counts, but is no revenue in this one."""
    return int(row.value) if row.currency in (None, currency) else 0


def place(contact: Contact) -> str:
    """The city if the tenant keeps one, else the country."""
    return next((text for name in ("city", "location") if (text := _said(contact, name)) != UNKNOWN), None) or (
        contact.country or UNKNOWN
    )


def age_range(contact: Contact, today: date) -> str:
    """`25-34` of an attribute `age` or `birth_date` (also `date_of_birth`, `birthday`)."""
    age = _age(contact.attributes or {}, today)
    if age is None:
        return UNKNOWN
    if age < AGES[0]:
        return f"under-{AGES[0]}"
    lower = max(bound for bound in AGES if bound <= age)
    upper = next((bound - 1 for bound in AGES if bound > age), None)
    return f"{lower}-{upper}" if upper else f"{lower}+"


def _age(attributes: dict[str, Any], today: date) -> int | None:
    age = attributes.get("age")
    if isinstance(age, int | float) and not isinstance(age, bool) and 0 <= age < 130:
        return int(age)
    for name in ("birth_date", "date_of_birth", "birthday"):
        try:
            born = datetime.fromisoformat(str(attributes.get(name))).date()
        except ValueError:
            continue
        return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return None


def _said(contact: Contact, name: str) -> str:
    value = (contact.attributes or {}).get(name)
    return value if isinstance(value, str) and value else UNKNOWN


def _by(sales: Iterable[Sale], key: Any, currency: str) -> dict[str, Share]:
    """Shares by a word about the buyer, the largest first."""
    groups: dict[str, list[int]] = {}
    for sale in sales:
        groups.setdefault(UNKNOWN if sale.person is None else key(sale.person), []).append(sale.value)
    ordered = sorted(groups.items(), key=lambda pair: (-sum(pair[1]), pair[0]))
    return {name: Share(conversions=len(v), revenue=money.shown(sum(v), currency)) for name, v in ordered}


def _segments(tenant: str, sales: list[Sale], segment_ids: Iterable[str], currency: str) -> list[SegmentShare]:
    wanted = list(dict.fromkeys(segment_ids))[:MOST_SEGMENTS]
    named = Segment.many(Segment.key(tenant, segment_id) for segment_id in wanted)
    shares = [_segment(tenant, segment, sales, currency) for segment in named]
    return sorted(shares, key=lambda share: (-share.revenue, share.segment_name))


def _segment(tenant: str, segment: Segment, sales: list[Sale], currency: str) -> SegmentShare:
    buyers = {sale.person.contact_id for sale in sales if sale.person}
    keys = {Member.key(tenant, segment.segment_id, contact_id): contact_id for contact_id in sorted(buyers)}
    inside = {keys[(row["pk"]["S"], row["sk"]["S"])] for row in table.raw_many(list(keys))}
    values = [sale.value for sale in sales if sale.person and sale.person.contact_id in inside]
    return SegmentShare(
        segment_id=segment.segment_id,
        segment_name=segment.name,
        conversions=len(values),
        revenue=money.shown(sum(values), currency),
    )


def segments_of(audience: dict[str, Any], campaigns: Iterable[Campaign]) -> list[str]:
    """The segments that a marketing campaign and the campaigns under it are for."""
    found = list(audience.get("segments", []))
    for campaign in campaigns:
        found += (campaign.audience or {}).get("segments", [])
    return list(dict.fromkeys(found))
