"""Lists of a segment's members, and what members have in common."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from drumbeat import clock, ids, lists, money, table
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.activity.model import Timeline
from drumbeat.contacts import model as contacts
from drumbeat.contacts import shown as contact_views
from drumbeat.contacts.model import Contact
from drumbeat.errors import Invalid
from drumbeat.segments import figures, history, model, people
from drumbeat.segments.history import SegmentVersion, Spell
from drumbeat.segments.model import SHARDS, Member, Segment
from drumbeat.segments.values import number
from drumbeat.segments.views import Insights, Members, MembersQuery, MemberView
from drumbeat.slugs import Slug

# What a function that lists members declares.
READS = (Tenant, Contact, Timeline, Member, Spell, SegmentVersion, Slug)
WRITES = (Segment,)
# Whose purchases are looked at for categories, and how many of their latest events.
SAMPLE, EVENTS = 100, 100
MOST_CATEGORIES = 5
_FOREIGN = "is not a cursor of this list; leave it out to start from the first page"
# Sorting reads all members: of so many some 25 MB, in a few seconds.
MOST_SORTED = 100_000
Row = dict[str, Any]
Window = list[tuple[str, datetime]]


def page(tenant: str, segment: Segment, query: MembersQuery, now: datetime) -> Members:
    """One page of members. Raises Invalid: sorting and page numbers need a segment of at most 100,000."""
    if query.on is not None:
        return _past(tenant, segment, query, now)
    found = figures.fresh(tenant, segment, now)
    sorted_ = query.sort or (query.page or 1) > 1 or found.members <= figures.MOST_ADDED
    if query.cursor:
        sorted_ = lists.decode(query.cursor)[0] == "all"
    if sorted_ and found.members > MOST_SORTED:
        field = "sort" if query.sort else "page"
        raise Invalid.field(field, f"works for segments of at most {MOST_SORTED:,} members; use cursor for this one")
    window, following = (_of_all if sorted_ else _in_shards)(tenant, segment.segment_id, query)
    known = {one.contact_id: one for one in contacts.many(tenant, [contact_id for contact_id, _ in window])}
    about = settings.of(tenant)
    return Members(
        items=[_view(known[contact_id], since, about) for contact_id, since in window if contact_id in known],
        total_count=found.members, limit=query.limit, next_cursor=following,
        insights=insights(tenant, segment, found, now) if query.insights else None,
    )  # fmt: skip


def _past(tenant: str, segment: Segment, query: MembersQuery, now: datetime) -> Members:
    """One page of those who were members at a moment. Raises Invalid."""
    for name, asked in (("sort", query.sort), ("page", (query.page or 1) > 1), ("insights", query.insights)):
        if asked:
            raise Invalid.field(name, "is for today's members; leave it out, or leave `on` out")
    about = settings.of(tenant)
    when = history.moment_of(query.on or "", segment, ZoneInfo(about.time_zone), now)
    first, after = _place_in_shards(query.cursor, "past")
    stays = history.at(tenant, segment.segment_id, when, shard=first, after=after)
    window = list(itertools.islice(stays, query.limit + 1))
    shown, more = window[: query.limit], len(window) > query.limit
    everyone = history.at(tenant, segment.segment_id, when)
    total = sum(1 for _ in itertools.islice(everyone, history.MOST_COUNTED + 1))
    known = {one.contact_id: one for one in contacts.many(tenant, [stay.contact_id for stay in shown])}
    return Members(
        items=[
            _view(contact, stay.joined, about, stay.left) if (contact := known.get(stay.contact_id)) else _gone(stay)
            for stay in shown
        ],
        total_count=min(total, history.MOST_COUNTED), total_count_exact=total <= history.MOST_COUNTED,
        limit=query.limit, next_cursor=_cursor_in_shards("past", shown[-1].contact_id) if more else None, on=when,
        version=history.version_at(tenant, segment.segment_id, when),
    )  # fmt: skip


def _gone(stay: history.Stay) -> MemberView:
    """A past member who was deleted since."""
    return MemberView(
        contact_id=stay.contact_id, since=stay.joined, left_at=stay.left, customer_lifetime_value=None,
        total_orders=None, avg_order_value=None, last_purchase_date=None, contact=None,
    )  # fmt: skip


def _view(contact: Contact, since: datetime, about: settings.Settings, left: datetime | None = None) -> MemberView:
    facts = people.facts_of(contact, about, {})
    value, orders = number(facts.value("customer_lifetime_value")) or 0, number(facts.value("total_orders")) or 0
    average = number(facts.value("avg_order_value"))
    average = round(Decimal(value) / Decimal(orders), 2) if average is None and orders > 0 else average or 0
    last = facts.value("last_purchase_date")
    return MemberView(
        contact_id=contact.contact_id, since=since, left_at=left, customer_lifetime_value=_json(value),
        total_orders=int(orders), avg_order_value=_json(average),
        last_purchase_date=clock.iso(last) if isinstance(last, datetime) else None if last is None else str(last),
        contact=contact_views.view(contact),
    )  # fmt: skip


def _json(value: int | Decimal) -> float | int:
    return int(value) if value == int(value) else float(value)


def _number_of(row: Row, column: str) -> int | None:
    return int(row[column]["N"]) if column in row else None


def _text_of(row: Row, column: str) -> str | None:
    return row[column]["S"] if column in row else None


def _average(row: Row) -> Decimal | None:
    value, orders = _number_of(row, "value"), _number_of(row, "orders")
    return None if value is None or not orders or orders < 0 else Decimal(value) / orders


# What members are sorted by: the columns that it needs, and its value.
_KEYS: Final[Mapping[str, tuple[Sequence[str], Callable[[Row], Any]]]] = {
    "customer_lifetime_value": (("value",), lambda row: _number_of(row, "value")),
    "total_orders": (("orders",), lambda row: _number_of(row, "orders")),
    "avg_order_value": (("value", "orders"), _average),
    "first_purchase_date": (("first",), lambda row: _text_of(row, "first")),
    "last_purchase_date": (("last",), lambda row: _text_of(row, "last")),
    "name": (("name",), lambda row: _text_of(row, "name")),
    "since": ((), lambda row: _text_of(row, "since")),
    "joined": ((), lambda row: _text_of(row, "since")),
}


def _of_all(tenant: str, segment_id: str, query: MembersQuery) -> tuple[Window, str | None]:
    """A page of all members in the wanted order: theirs is the order of ids without one."""
    name, _, direction = (query.sort or "").rpartition("_")
    columns, value_of = _KEYS.get(name, ((), lambda row: ""))
    only = ["sk", "since", *columns]
    read = (row for shard in range(SHARDS) for row in model.raw_members(tenant, segment_id, shard, only=only))
    rows = sorted(((row["sk"]["S"], row["since"]["S"], value_of(row)) for row in read), key=lambda row: row[0])
    valued = sorted((row for row in rows if row[2] is not None), key=lambda row: row[2], reverse=direction == "desc")
    rows = valued + [row for row in rows if row[2] is None]
    start = ((query.page or 1) - 1) * query.limit
    if query.cursor:
        _, offset, last = lists.decode(query.cursor)
        place = next((place for place, row in enumerate(rows) if row[0] == last), None)
        # A last member that has left since is not there to go on behind: the next are where it was.
        start = _number(offset) if place is None else place + 1
    window = [(contact_id, clock.parse(since)) for contact_id, since, _ in rows[start : start + query.limit]]
    if start + query.limit >= len(rows) or not window:
        return window, None
    return window, lists.encode(("all", str(start + query.limit), window[-1][0]))


def _in_shards(tenant: str, segment_id: str, query: MembersQuery) -> tuple[Window, str | None]:
    """A page of a large segment: shard by shard in the order of ids, from the cursor on."""
    first, after = _place_in_shards(query.cursor, "shard")
    window: Window = []
    for shard in range(first, SHARDS):
        behind = after if shard == first else None
        for row in model.raw_members(tenant, segment_id, shard, after=behind, limit=query.limit + 1):
            if len(window) == query.limit:
                return window, _cursor_in_shards("shard", window[-1][0])
            window.append((row["sk"]["S"], clock.parse(row["since"]["S"])))
    return window, None


def _place_in_shards(cursor: str | None, kind: str) -> tuple[int, str | None]:
    """The shard, and the contact in it, behind which a list goes on. Raises Invalid for another list's cursor."""
    if not cursor:
        return 0, None
    of, shard, last = lists.decode(cursor)
    if of != kind:
        raise Invalid.field("cursor", _FOREIGN)
    return _number(shard), last


def _cursor_in_shards(kind: str, last: str) -> str:
    return lists.encode((kind, str(ids.shard(last, SHARDS)), last))


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise Invalid.field("cursor", _FOREIGN)
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
