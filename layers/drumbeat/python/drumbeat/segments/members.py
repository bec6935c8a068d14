"""Lists of a segment's members, and what members have in common."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from drumbeat import clock, ids, lists, money, table
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.activity.model import Timeline
from drumbeat.contacts import model as contacts
from drumbeat.contacts import shown as contact_views
from drumbeat.contacts.model import Contact
from drumbeat.errors import Invalid
from drumbeat.segments import figures, model, people
from drumbeat.segments.model import SHARDS, Member, Segment
from drumbeat.segments.values import number
from drumbeat.segments.views import Insights, Members, MembersQuery, MemberView
from drumbeat.slugs import Slug

# What a function that lists members declares.
READS = (Tenant, Contact, Timeline, Member, Slug)
WRITES = (Segment,)
# Whose purchases are looked at for categories, and how many of their latest events.
SAMPLE, EVENTS = 100, 100
MOST_CATEGORIES = 5
_COLUMN: Final = {
    "customer_lifetime_value": ("value", "N"), "total_orders": ("orders", "N"), "last_purchase_date": ("last", "S"),
    "since": ("since", "S"),
}  # fmt: skip
Row = dict[str, Any]


def page(tenant: str, segment: Segment, query: MembersQuery, now: datetime) -> Members:
    """One page of members. Raises Invalid: sorting and page numbers need a segment of at most 10,000."""
    found = figures.fresh(tenant, segment, now)
    if found.members <= figures.MOST_ADDED:
        window, following = _of_all(tenant, segment.segment_id, query)
    else:
        window, following = _in_shards(tenant, segment.segment_id, query)
    found_contacts = {one.contact_id: one for one in contacts.many(tenant, [row["sk"]["S"] for row in window])}
    about = settings.of(tenant)
    shown = [
        _view(found_contacts[row["sk"]["S"]], clock.parse(row["since"]["S"]), about)
        for row in window
        if row["sk"]["S"] in found_contacts
    ]
    return Members(
        items=shown, total_count=found.members, limit=query.limit, next_cursor=following,
        insights=insights(tenant, segment, found, now) if query.insights else None,
    )  # fmt: skip


def _view(contact: Contact, since: datetime, about: settings.Settings) -> MemberView:
    facts = people.facts_of(contact, about, {})
    value, orders = number(facts.value("customer_lifetime_value")) or 0, number(facts.value("total_orders")) or 0
    average = number(facts.value("avg_order_value"))
    average = round(Decimal(value) / Decimal(orders), 2) if average is None and orders > 0 else average or 0
    last = facts.value("last_purchase_date")
    return MemberView(
        since=since, customer_lifetime_value=_json(value), total_orders=int(orders), avg_order_value=_json(average),
        last_purchase_date=clock.iso(last) if isinstance(last, datetime) else None if last is None else str(last),
        contact=contact_views.view(contact),
    )  # fmt: skip


def _json(value: int | Decimal) -> float | int:
    return int(value) if value == int(value) else float(value)


def _of_all(tenant: str, segment_id: str, query: MembersQuery) -> tuple[list[Row], str | None]:
    """A page of all members in the wanted order: theirs is the order of ids without one."""
    rows = [row for shard in range(SHARDS) for row in model.raw_members(tenant, segment_id, shard)]
    rows.sort(key=lambda row: str(row["sk"]["S"]))
    if query.sort:
        name, _, direction = query.sort.rpartition("_")
        valued = [row for row in rows if _COLUMN[name][0] in row]
        valued.sort(key=_place(name), reverse=direction == "desc")
        rows = valued + [row for row in rows if _COLUMN[name][0] not in row]
    start = ((query.page or 1) - 1) * query.limit
    if query.cursor:
        _, offset, last = lists.decode(query.cursor)
        place = next((place for place, row in enumerate(rows) if row["sk"]["S"] == last), None)
        # A last member that has left since is not there to go on behind: the next are where it was.
        start = _number(offset) if place is None else place + 1
    window = rows[start : start + query.limit]
    if start + query.limit >= len(rows) or not window:
        return window, None
    return window, lists.encode(("all", str(start + query.limit), window[-1]["sk"]["S"]))


def _place(name: str) -> Callable[[Row], Any]:
    column, kind = _COLUMN[name]
    return lambda row: int(row[column]["N"]) if kind == "N" else str(row[column]["S"])


def _in_shards(tenant: str, segment_id: str, query: MembersQuery) -> tuple[list[Row], str | None]:
    """A page of a large segment: shard by shard in the order of ids, from the cursor on."""
    if query.sort or (query.page or 1) > 1:
        field = "sort" if query.sort else "page"
        raise Invalid.field(field, "works for segments of at most 10,000 members; use cursor to go through this one")
    first, after = 0, None
    if query.cursor:
        _, shard, last = lists.decode(query.cursor)
        first, after = _number(shard), last
    window: list[Row] = []
    for shard_number in range(first, SHARDS):
        behind = after if shard_number == first else None
        for row in model.raw_members(tenant, segment_id, shard_number, after=behind, limit=query.limit + 1):
            if len(window) == query.limit:
                last = window[-1]["sk"]["S"]
                return window, lists.encode(("shard", str(ids.shard(last, SHARDS)), last))
            window.append(row)
    return window, None


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise Invalid.field("cursor", "is not a cursor of this list; leave it out to start from the first page")
    return int(text)


def insights(tenant: str, segment: Segment, found: figures.Figures, now: datetime) -> Insights:
    """Computed from the figures; categories from the purchases of a sample."""
    currency = settings.of(tenant).currency
    large = found.members > figures.MOST_ADDED
    channels = sorted(found.channels, key=lambda name: (-found.channels[name], name))
    return Insights(
        avg_customer_lifetime_value=money.shown(found.avg_value, currency),
        avg_order_value=money.shown(found.avg_order, currency),
        avg_order_frequency=found.order_frequency,
        top_categories=_top_categories(tenant, _sample(tenant, segment.segment_id)),
        preferred_communication_channels=channels,
        as_of=segment.counted_at if large and segment.counted_at else now,
    )


def _sample(tenant: str, segment_id: str) -> list[str]:
    """Some members of each shard; ids are spread evenly over shards."""
    each = -(-SAMPLE // SHARDS)
    return [one for shard in range(SHARDS) for one in model.member_ids(tenant, segment_id, shard, limit=each)]


def _top_categories(tenant: str, contact_ids: Iterable[str]) -> list[str]:
    """The categories that most of these contacts bought from; each counts once for a contact."""
    bought: Counter[str] = Counter()
    for contact_id in contact_ids:
        partition = Timeline.partition(tenant, contact_id)
        events = table.rows(Timeline, partition, newest_first=True, limit=EVENTS, consistent=False)
        bought.update({one for event in events if event.name == "purchase" for one in categories(event.properties)})
    return [name for name, _ in sorted(bought.items(), key=lambda entry: (-entry[1], entry[0]))[:MOST_CATEGORIES]]


def categories(properties: Any) -> Iterator[str]:
    """What a purchase's properties name as `category` or `categories`, also of its items and products."""
    if not isinstance(properties, dict):
        return
    said = [properties.get("category"), *_listed(properties.get("categories"))]
    yield from (one.strip() for one in said if isinstance(one, str) and one.strip())
    for inner in (*_listed(properties.get("items")), *_listed(properties.get("products"))):
        yield from categories(inner)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
