"""A segment's numbers: how many members, what they are worth, how it grows. All of it is added up from member rows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat import clock
from drumbeat.accounts import settings
from drumbeat.segments import model
from drumbeat.segments.model import MEASURES, SHARDS, Segment, State
from drumbeat.table import ConditionFailed

# Up to so many members a request adds up itself; above, stored figures are shown with their time.
MOST_ADDED, MOST_COUNTED = 10_000, 50_000
# Figures as young as that are good enough in a list of segments.
KEPT = timedelta(seconds=2)
# So often figures that did not change are stored again.
STORED_AGAIN = timedelta(minutes=5)
MONTH = timedelta(days=30)
DAYS_KEPT = 32
COUNTED_EVERY = timedelta(days=1)
COLUMNS = ["sk", "value", "orders", "first", "last", "channels", "since"]


@dataclass(slots=True)
class Figures:
    """Sums over members. `value` in minor units of `orders` orders, `buyers` those with orders; `spans` is the sum, in
    days, of the time between first and last purchase of those who came back, `returns` how often they did."""

    members: int = 0
    value: int = 0
    orders: int = 0
    buyers: int = 0
    spans: float = 0.0
    returns: int = 0
    channels: dict[str, int] = field(default_factory=dict)

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add raw member rows up."""
        channels = Counter(self.channels)
        for row in rows:
            orders = int(row["orders"]["N"]) if "orders" in row else 0
            self.members += 1
            if "value" in row:
                self.value += int(row["value"]["N"])
                self.orders += max(orders, 0)
            self.buyers += orders > 0
            channels.update(filter(None, row.get("channels", {}).get("S", "").split(",")))
            if orders > 1 and "first" in row and "last" in row:
                span = clock.parse(row["last"]["S"]) - clock.parse(row["first"]["S"])
                self.spans += max(span, timedelta(0)) / timedelta(days=1)
                self.returns += orders - 1
        self.channels = dict(channels)

    @property
    def avg_value(self) -> int:
        """Lifetime value of an average member, in minor units."""
        return round(self.value / self.members) if self.members else 0

    @property
    def avg_order(self) -> int:
        """An average order, in minor units."""
        return round(self.value / self.orders) if self.orders else 0

    @property
    def order_frequency(self) -> str:
        """How often those who buy again do: `none` where nobody has yet."""
        return frequency(self.spans / self.returns) if self.returns else "none"


# The longest mean of days between two orders that a word still fits.
_FREQUENCIES = (
    (1.5, "daily"), (10.5, "weekly"), (21.0, "biweekly"),
    (45.0, "monthly"), (135.0, "quarterly"), (270.0, "half-yearly"),
)  # fmt: skip


def frequency(days: float) -> str:
    return next((word for most, word in _FREQUENCIES if days <= most), "yearly")


def of(segment: Segment) -> Figures:
    """As they were at `counted_at`."""
    return Figures(**(segment.figures or {}))


def measured(tenant: str, segment_id: str) -> Figures:
    """The figures now, by reading all members: for segments of at most some ten thousand. Reads Member."""
    found = Figures()
    for shard in range(SHARDS):
        found.add(model.raw_members(tenant, segment_id, shard, only=COLUMNS))
    return found


def fresh(tenant: str, segment: Segment, now: datetime, kept: timedelta = timedelta(0)) -> Figures:
    """The figures as of now; the count is exact up to 50,000 members, the sums up to 10,000, above as of `counted_at`.

    Stored ones that are younger than `kept` are taken as they are. What was found is stored on the segment.
    Reads Tenant, Member; writes Segment.
    """
    before = of(segment)
    young = segment.counted_at is not None and now - segment.counted_at < kept
    if young or before.members > MOST_COUNTED:
        return before
    if before.members > MOST_ADDED:
        before.members = model.count(tenant, segment.segment_id)
        return before
    found = measured(tenant, segment.segment_id)
    if found != before or segment.counted_at is None or now - segment.counted_at > STORED_AGAIN:
        store(tenant, segment, found, now)
    else:
        segment.counted_at = now
    return found


def store(tenant: str, segment: Segment, found: Figures, now: datetime) -> None:
    """Keep the figures as true at `now`, and the day's count for growth. A segment deleted meanwhile is left alone."""
    actions = [Segment.figures.set(asdict(found)), Segment.counted_at.set(now)]
    if segment.state == State.READY:
        today = now.astimezone(ZoneInfo(settings.of(tenant).time_zone)).date()
        actions.append(Segment.days.set(with_day(segment.days or {}, today, found.members)))
    try:
        segment.change(*actions, condition=Segment.state != State.DELETING)
    except ConditionFailed:
        return


def next_measure(now: datetime) -> dict[str, str]:
    """Where a ready segment waits for its daily count."""
    return {"gsi2pk": MEASURES, "gsi2sk": clock.iso(now + COUNTED_EVERY)}


def with_day(days: Mapping[str, int], today: date, members: int) -> dict[str, int]:
    """The counts by day with today's, and without those too old for a month's comparison."""
    kept = {day: number for day, number in days.items() if date.fromisoformat(day) > today - timedelta(days=DAYS_KEPT)}
    return dict(sorted({**kept, today.isoformat(): members}.items()))


def growth(days: Mapping[str, int], today: date, members: int) -> float | None:
    """By what fraction the segment grew since 30 days ago, or since its first count if it is younger than that.

    None when there is nothing to compare with: no earlier count, or one of zero.
    """
    earlier = sorted(day for day in days if day < today.isoformat())
    month_ago = [day for day in earlier if day <= (today - MONTH).isoformat()]
    if not earlier:
        return None
    base = days[month_ago[-1] if month_ago else earlier[0]]
    return round((members - base) / base, 4) if base else None
