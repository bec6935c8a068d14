"""Reading a contact's timeline and its activity by day."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import islice

from drumbeat import clock, lists, table
from drumbeat.activity import rollups
from drumbeat.activity.model import Timeline
from drumbeat.activity.views import (
    ActivityQuery,
    ActivityView,
    DayCount,
    EventActivity,
    TimelineQuery,
    TimelineView,
)
from drumbeat.errors import Invalid
from drumbeat.fields import Page

MOST_READ = 10_000
USUAL_DAYS = 90
MOST_DAYS = 800
# Sort keys are `<instant>#<event id>`: nothing of an instant sorts behind this.
_BEHIND = "#\U0010ffff"


def page(tenant: str, contact_id: str, query: TimelineQuery) -> Page[TimelineView]:
    """A page of events, newest first. With a filter at most 10,000 rows are read, and the total says so."""
    pk = Timeline.partition(tenant, contact_id)
    start = clock.iso(query.after) + _BEHIND if query.after else "0"
    end = clock.iso(query.before) if query.before else "9" + _BEHIND
    after = _cursor(query.cursor, pk, start, end) if query.cursor else None
    if start > end:
        return Page(items=[], total_count=0, limit=query.limit)
    skip = ((query.page or 1) - 1) * query.limit if after is None else 0
    prefix = (query.name or "").lower()
    filtered = bool(prefix or query.after or query.before)
    total, exact = _total(pk, start, end, prefix) if filtered else _count(pk)
    rows = table.rows(Timeline, pk, start=start, end=end, after=after, newest_first=True)
    matching = (row for row in islice(rows, MOST_READ) if row.name.startswith(prefix))
    window = list(islice(matching, skip, skip + query.limit + 1))
    items = window[: query.limit]
    more = len(window) > query.limit
    return Page(
        items=[view(row) for row in items],
        total_count=total,
        total_count_exact=exact,
        limit=query.limit,
        next_cursor=lists.encode((pk, items[-1].sk, "")) if more else None,
    )


def _count(pk: str) -> tuple[int, bool]:
    many = table.count(pk, most=MOST_READ)
    return min(many, MOST_READ), many <= MOST_READ


def _total(pk: str, start: str, end: str, prefix: str) -> tuple[int, bool]:
    read = matching = 0
    for row in islice(table.rows(Timeline, pk, start=start, end=end, newest_first=True), MOST_READ + 1):
        read += 1
        matching += row.name.startswith(prefix)
    return matching, read <= MOST_READ


def _cursor(cursor: str, pk: str, start: str, end: str) -> str:
    """The sort key to go on behind. Raises Invalid for a cursor of another list, or of another range of this one."""
    found, sk, _ = lists.decode(cursor)
    if found != pk or not start <= sk <= end:
        raise Invalid.field("cursor", "is not a cursor of this list; leave it out to start from the first page")
    return sk


def view(row: Timeline) -> TimelineView:
    return TimelineView(
        event_id=row.event_id,
        name=row.name,
        occurred_at=row.at,
        properties=row.properties or row.data or {},
        campaign_id=row.campaign,
        send_id=row.send,
        message_id=row.message,
        machine=bool(row.machine),
    )


def activity(tenant: str, contact_id: str, query: ActivityQuery, today: Callable[[], date]) -> ActivityView:
    """Roll-ups by event name and day in a range of days. Raises Invalid for a range that is none or too long."""
    end = query.end_date or max(today(), query.start_date or date.min)
    start = query.start_date or end - timedelta(days=min(USUAL_DAYS, end.toordinal()) - 1)
    if start > end:
        raise Invalid.field("end_date", "must not be before start_date")
    if (end - start).days >= MOST_DAYS:
        raise Invalid.field("start_date", f"must be at most {MOST_DAYS} days before end_date")
    found = rollups.between(tenant, contact_id, (query.name or "").lower(), start, end)
    return ActivityView(
        contact_id=contact_id,
        start_date=start,
        end_date=end,
        events=[_by_day(name, days) for name, days in sorted(found.items())],
    )


def _by_day(name: str, days: dict[str, int]) -> EventActivity:
    counts = [DayCount(date=date.fromisoformat(day), count=many) for day, many in sorted(days.items())]
    return EventActivity(name=name, total=sum(days.values()), days=counts)


def today(now: datetime, zone: str) -> date:
    return date.fromisoformat(rollups.day_of(now, zone))
