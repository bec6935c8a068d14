"""Conditions on what a contact did, and what it did with the mails of a campaign.

How often an event happened is known by day, for ever. What single events say is known as long as the timeline keeps
them: conditions that look at it (`where`, `aggregate`, `occurrence`, campaigns) look at the last 395 days, today
included, even if they do not say so.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from drumbeat.segments.conditions import Condition, FieldCondition, Name
from drumbeat.segments.facts import ATTRIBUTES, Facts, Happened
from drumbeat.segments.operators import NEGATED, whole
from drumbeat.segments.values import days_later, moment, number
from drumbeat.segments.windows import MAX_DAYS, NEVER, RELATIVE, Changes

# One day less than the timeline keeps its rows (activity.model.KEPT).
DETAIL_DAYS = 395
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS = get_args(Weekday)
# Larger numbers are none that can be added up: Decimal's sums end somewhere.
MOST_ADDED = Decimal(10) ** 30


def _whole(lowest: int, highest: int, what: str) -> BeforeValidator:
    def read(value: object) -> int | None:
        found = whole(value, lowest, highest)
        if value is not None and found is None:
            raise PydanticCustomError("whole", "must be {what} from {lowest} to {highest}", {
                "what": what, "lowest": lowest, "highest": highest,
            })  # fmt: skip
        return found

    return BeforeValidator(read)


def _local_day(value: object) -> object:
    when = moment(value) if isinstance(value, str) else value
    if value is not None and (isinstance(when, datetime) or not isinstance(when, date)):
        raise PydanticCustomError("day", "must be an ISO 8601 date without a time: events are counted by day")
    return when


def _number(value: object) -> Decimal:
    found = number(value)
    if found is None:
        raise PydanticCustomError("number", "must be a number")
    return Decimal(found)


LocalDay = Annotated[date, BeforeValidator(_local_day)]
Comparison = Literal["equals", "not_equals", "greater_than", "greater_or_equal", "less_than", "less_or_equal"]


def _compare(one: Decimal | int, operator: Comparison, other: Decimal | int) -> bool:
    match operator:
        case "equals":
            return one == other
        case "not_equals":
            return one != other
        case "greater_than":
            return one > other
        case "greater_or_equal":
            return one >= other
        case "less_than":
            return one < other
        case "less_or_equal":
            return one <= other


class Count(BaseModel):
    """How often: `{"operator": "greater_or_equal", "value": 2}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operator: Comparison
    value: Annotated[int, _whole(0, 1_000_000_000, "a whole number")]

    def holds(self, count: int) -> bool:
        return _compare(count, self.operator, self.value)


class Aggregate(BaseModel):
    """A property of the events added up: `{"function": "sum", "property": "value", "operator": "greater_than",
    "value": 100}`. Events in which it is no number are left out; of none, the sum is 0, and the others do not hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    function: Literal["sum", "avg", "min", "max"]
    property: Name
    operator: Comparison
    value: Annotated[Decimal, BeforeValidator(_number)]

    def of(self, events: Iterable[Happened]) -> Decimal | None:
        read = (number(_said(event).value(ATTRIBUTES + self.property)) for event in events)
        values = [Decimal(value) for value in read if value is not None and -MOST_ADDED < value < MOST_ADDED]
        if self.function == "sum":
            return sum(values, Decimal(0))
        if not values:
            return None
        if self.function == "avg":
            return sum(values, Decimal(0)) / len(values)
        return min(values) if self.function == "min" else max(values)

    def holds(self, found: Decimal | None) -> bool:
        return found is not None and _compare(found, self.operator, self.value)


def _said(event: Happened) -> Facts:
    """What an event says, where conditions on fields look for it."""
    return Facts("", attributes=event.properties)


class PropertyCondition(FieldCondition):
    """A condition on a property of an event: as on an attribute of a contact, with dots into what is nested."""

    @field_validator("field")
    @classmethod
    def _of_the_event(cls, name: str) -> str:
        return name if name.startswith(ATTRIBUTES) else ATTRIBUTES + name

    @field_validator("operator")
    @classmethod
    def _lasting(cls, operator: str) -> str:
        if NEGATED.get(operator, operator) in RELATIVE:
            raise PydanticCustomError("lasting", "is for fields of contacts; say `within_days` beside `where`")
        return operator


class EventCondition(Condition):
    """How often an event happened, on days of the tenant's zone; without `count`, at least once.

    `within_days: n` are the last n calendar days, today included; `after` and `before` are days that do not belong to
    the window themselves; `weekdays` are those of `mon` to `sun`. Given together, all must be true of a day. Only
    events that all conditions of `where` hold for count; `occurrence` looks at the first or last one in the window
    alone. `count` and `aggregate` must both hold; `not_performed` is the opposite of `performed`.
    """

    event: Name
    operator: Literal["performed", "not_performed"] = "performed"
    count: Count | None = None
    within_days: Annotated[int | None, _whole(1, MAX_DAYS, "a whole number of days")] = None
    after: LocalDay | None = None
    before: LocalDay | None = None
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] | None = None
    where: Annotated[tuple[PropertyCondition, ...], Field(max_length=20)] = ()
    occurrence: Literal["any", "first", "last"] = "any"
    aggregate: Aggregate | None = None

    @field_validator("before")
    @classmethod
    def _leaves_a_day(cls, before: date | None, info: ValidationInfo) -> date | None:
        after = info.data.get("after")
        if before and after and (before - after).days < 2:
            raise PydanticCustomError(
                "window", "must be at least two days later than `after`: neither is in the window"
            )
        return before

    @model_validator(mode="after")
    def _kept(self) -> "EventCondition":
        if self.detailed and self.within_days and self.within_days > DETAIL_DAYS:
            raise PydanticCustomError(
                "kept", "within_days is at most {days}: what events say is kept for 13 months", {"days": DETAIL_DAYS}
            )
        return self

    @property
    def detailed(self) -> bool:
        """Whether counts by day are not enough."""
        return bool(self.where) or self.aggregate is not None or self.occurrence != "any"

    @property
    def days(self) -> int | None:
        """The length of the window that moves on with time; None when there is none."""
        return self.within_days or (DETAIL_DAYS if self.detailed else None)

    def actual(self, facts: Facts, today: date, zone: ZoneInfo) -> object:
        """How often; with an `aggregate`, also what that is."""
        if not self.detailed:
            return self._count(facts, today)
        events = self._events(facts, today, zone)
        if self.aggregate is None:
            return len(events)
        return {"count": len(events), self.aggregate.function: self.aggregate.of(events)}

    def _count(self, facts: Facts, today: date) -> int:
        days = facts.rollups.get(self.event)
        return sum(count for day, count in days.items() if self._counts(day, today)) if days else 0

    def _events(self, facts: Facts, today: date, zone: ZoneInfo) -> Sequence[Happened]:
        found = [one for one in facts.happened.get(self.event, ()) if self._counts(one.day, today)]
        if self.occurrence != "any" and found:
            choose = min if self.occurrence == "first" else max
            found = [choose(found, key=lambda one: one.at)]
        return [one for one in found if all(part.holds(_said(one), today, zone) for part in self.where)]

    def _counts(self, day: date, today: date) -> bool:
        return (self.days is None or 0 <= (today - day).days < self.days) and self._between(day)

    def _between(self, day: date) -> bool:
        return (
            (self.after is None or day > self.after)
            and (self.before is None or day < self.before)
            and (self.weekdays is None or WEEKDAYS[day.weekday()] in self.weekdays)
        )

    def _answer(self, count: int) -> bool:
        performed = self.count.holds(count) if self.count else count > 0
        return performed is (self.operator == "performed")

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        if not self.detailed:
            return self._answer(self._count(facts, today))
        events = self._events(facts, today, zone)
        if self.aggregate is None:
            return self._answer(len(events))
        performed = self.count is None or self.count.holds(len(events))
        performed = performed and self.aggregate.holds(self.aggregate.of(events))
        return performed is (self.operator == "performed")

    def changes(self, facts: Facts, today: date, zone: ZoneInfo) -> Changes:
        if self.detailed:
            days = {one.day for one in facts.happened.get(self.event, ()) if self._between(one.day)}
            return Changes(tuple(sorted(self._edges(days, today))))
        counts = facts.rollups.get(self.event)
        if not counts or self.within_days is None:
            return NEVER
        steps: dict[date, int] = {}
        for day, count in counts.items():
            if self._between(day):
                leaves = days_later(day, self.within_days)
                steps[day] = steps.get(day, 0) + count
                steps[leaves] = steps.get(leaves, 0) - count
        total = self._count(facts, today)
        held, flips = self._answer(total), []
        for day in sorted(day for day in steps if day > today):
            total += steps[day]
            if self._answer(total) is not held:
                held = not held
                flips.append(day)
        return Changes(tuple(flips))

    def _edges(self, days: Iterable[date], today: date) -> Iterator[date]:
        """The days on which events come into the window, and leave it."""
        for day in days:
            yield from (edge for edge in (day, days_later(day, self.days or 0)) if edge > today)


class CampaignCondition(Condition):
    """What became of a campaign's message to the contact. Opens and clicks of machines are none."""

    campaign: Name
    activity: Literal["sent", "delivered", "opened", "clicked", "bounced", "complained", "unsubscribed"]
    operator: Literal["performed", "not_performed"] = "performed"

    @property
    def events(self) -> tuple[str, ...]:
        """The events that say so, by channel."""
        return f"email.{self.activity}", f"sms.{self.activity}"

    def _days(self, facts: Facts) -> list[date]:
        return [
            one.day for name in self.events for one in facts.happened.get(name, ()) if one.campaign == self.campaign
        ]

    def actual(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        return any(0 <= (today - day).days < DETAIL_DAYS for day in self._days(facts))

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        return self.actual(facts, today, zone) is (self.operator == "performed")

    def changes(self, facts: Facts, today: date, zone: ZoneInfo) -> Changes:
        edges = {edge for day in self._days(facts) for edge in (day, days_later(day, DETAIL_DAYS))}
        return Changes(tuple(sorted(edge for edge in edges if edge > today)))
