"""The conditions of a dynamic segment: what each takes, when it holds for a contact, and when time may change that."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from drumbeat.segments.facts import ATTRIBUTES, BUILT_IN, Facts
from drumbeat.segments.operators import HOLD_WHEN_MISSING, NEGATED, OperandError, Operation, OperatorName, build, whole
from drumbeat.segments.values import days_later, is_missing, moment, number, text
from drumbeat.segments.windows import MAX_DAYS, NEVER, Changes, merge


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


def _percent(value: object) -> Decimal:
    found = number(value)
    if found is None or not 0 < found <= 100:
        raise PydanticCustomError("percent", "must be a number above 0, at most 100")
    return Decimal(found)


Name = Annotated[str, Field(min_length=1, max_length=128)]
LocalDay = Annotated[date, BeforeValidator(_local_day)]


class Condition(BaseModel, ABC):
    """One question about a contact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        """Whether it is so today, a day of the tenant's zone."""

    @abstractmethod
    def actual(self, facts: Facts, today: date) -> object:
        """What the contact has, for a person who asks why the condition held or failed."""

    def changes(self, facts: Facts, today: date, zone: ZoneInfo) -> Changes:
        """The local days on which the passing of time may change the answer."""
        return NEVER


class FieldCondition(Condition):
    field: Name
    operator: OperatorName
    value: object = Field(default=None, validate_default=True)

    @field_validator("field")
    @classmethod
    def _named(cls, name: str) -> str:
        if name.isspace() or name == ATTRIBUTES:
            raise PydanticCustomError("name", "must name a field or an attribute")
        return name

    @field_validator("value")
    @classmethod
    def _fits(cls, value: object, info: ValidationInfo) -> object:
        value = tuple(value) if isinstance(value, list) else value
        name, operator = info.data.get("field"), info.data.get("operator")
        if name is None or operator is None:
            return value
        try:
            build(operator, BUILT_IN.get(name, "any"), value)
        except OperandError as refused:
            raise PydanticCustomError(
                "operand", "{reason}", {"reason": str(refused), "problems": refused.problems}
            ) from None
        return value

    @cached_property
    def _operation(self) -> Operation:
        return build(self.operator, BUILT_IN.get(self.field, "any"), self.value)

    def actual(self, facts: Facts, today: date) -> object:
        return facts.value(self.field)

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        found = self.actual(facts, today)
        if is_missing(found):
            return self.operator in HOLD_WHEN_MISSING
        operation = self._operation
        if isinstance(found, list | tuple | set | frozenset):
            held = any(operation.member(item, today, zone) for item in found)
        else:
            held = operation.test(found, today, zone)
        return held is not (self.operator in NEGATED)

    def changes(self, facts: Facts, today: date, zone: ZoneInfo) -> Changes:
        changes = self._operation.changes
        if changes is None:
            return NEVER
        found = self.actual(facts, today)
        items = found if isinstance(found, list | tuple | set | frozenset) else (found,)
        return merge(changes(item, today, zone) for item in items)


class ConsentCondition(Condition):
    consent: Literal["email", "sms", "push"]
    status: Literal["granted", "revoked", "none"]

    def actual(self, facts: Facts, today: date) -> str:
        """`none` also while a double opt-in is not yet confirmed."""
        status = facts.consents.get(self.consent)
        return status if status in ("granted", "revoked") else "none"

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        return self.actual(facts, today) == self.status


class TagCondition(Condition):
    tag: Name
    operator: Literal["is_set", "is_not_set"] = "is_set"

    def actual(self, facts: Facts, today: date) -> bool:
        if self.tag in facts.tags:
            return True
        wanted = text(self.tag)
        return any(text(tag) == wanted for tag in facts.tags)

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        return self.actual(facts, today) is (self.operator == "is_set")


class Count(BaseModel):
    """How often: `{"operator": "greater_or_equal", "value": 2}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operator: Literal["equals", "not_equals", "greater_than", "greater_or_equal", "less_than", "less_or_equal"]
    value: Annotated[int, _whole(0, 1_000_000_000, "a whole number")]

    def holds(self, count: int) -> bool:
        match self.operator:
            case "equals":
                return count == self.value
            case "not_equals":
                return count != self.value
            case "greater_than":
                return count > self.value
            case "greater_or_equal":
                return count >= self.value
            case "less_than":
                return count < self.value
            case "less_or_equal":
                return count <= self.value


class EventCondition(Condition):
    """How often an event happened, by the roll-ups per local day of the tenant; without `count`, at least once.

    `within_days: n` are the last n calendar days in the tenant's zone, today included; `after` and `before` are days
    that do not belong to the window themselves. Given together, all must be true of a day. `not_performed` is the
    opposite of `performed`.
    """

    event: Name
    operator: Literal["performed", "not_performed"] = "performed"
    count: Count | None = None
    within_days: Annotated[int | None, _whole(1, MAX_DAYS, "a whole number of days")] = None
    after: LocalDay | None = None
    before: LocalDay | None = None

    @field_validator("before")
    @classmethod
    def _leaves_a_day(cls, before: date | None, info: ValidationInfo) -> date | None:
        after = info.data.get("after")
        if before and after and (before - after).days < 2:
            raise PydanticCustomError(
                "window", "must be at least two days later than `after`: neither is in the window"
            )
        return before

    def actual(self, facts: Facts, today: date) -> int:
        days = facts.rollups.get(self.event)
        return sum(count for day, count in days.items() if self._counts(day, today)) if days else 0

    def _counts(self, day: date, today: date) -> bool:
        return (self.within_days is None or 0 <= (today - day).days < self.within_days) and self._between(day)

    def _between(self, day: date) -> bool:
        return (self.after is None or day > self.after) and (self.before is None or day < self.before)

    def _answer(self, count: int) -> bool:
        performed = self.count.holds(count) if self.count else count > 0
        return performed is (self.operator == "performed")

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        return self._answer(self.actual(facts, today))

    def changes(self, facts: Facts, today: date, zone: ZoneInfo) -> Changes:
        days = facts.rollups.get(self.event)
        if not days or self.within_days is None:
            return NEVER
        steps: dict[date, int] = {}
        for day, count in days.items():
            if self._between(day):
                leaves = days_later(day, self.within_days)
                steps[day] = steps.get(day, 0) + count
                steps[leaves] = steps.get(leaves, 0) - count
        total = self.actual(facts, today)
        held, flips = self._answer(total), []
        for day in sorted(day for day in steps if day > today):
            total += steps[day]
            if self._answer(total) is not held:
                held = not held
                flips.append(day)
        return Changes(tuple(flips))


class SegmentCondition(Condition):
    """Membership of another segment, as it is known when this one is evaluated."""

    segment: Name

    def actual(self, facts: Facts, today: date) -> bool:
        return self.segment in facts.segments

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        return self.actual(facts, today)


class SampleCondition(Condition):
    """The same random share of contacts each time. With one salt, a smaller share is a part of a larger one; with
    different salts, shares are independent."""

    sample_percent: Annotated[Decimal, BeforeValidator(_percent)]
    salt: Annotated[str, Field(max_length=128)] = ""

    @cached_property
    def _limit(self) -> int:
        return int(self.sample_percent * 2**64 / 100)

    def _place(self, facts: Facts) -> int:
        named = f"{self.salt}\0{facts.contact_id}".encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(named, digest_size=8).digest())

    def actual(self, facts: Facts, today: date) -> float:
        """The contact's fixed place in 0 to 100; the condition holds below `sample_percent`."""
        return self._place(facts) * 100 / 2**64

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        return self._place(facts) < self._limit


class Group(BaseModel):
    """`AND` of no conditions is everyone; only the root can be that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    logic: Literal["AND", "OR", "NOT"]
    conditions: tuple["Group | Leaf", ...]

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        if self.logic == "AND":
            return all(part.holds(facts, today, zone) for part in self.conditions)
        held = any(part.holds(facts, today, zone) for part in self.conditions)
        return not held if self.logic == "NOT" else held

    def leaves(self) -> Iterator["Leaf"]:
        for part in self.conditions:
            if isinstance(part, Group):
                yield from part.leaves()
            else:
                yield part


Leaf = FieldCondition | ConsentCondition | TagCondition | EventCondition | SegmentCondition | SampleCondition
Criteria = Group
"""A parsed tree. Only `parse` checks its size."""

# By the key that only this kind has.
KINDS: Mapping[str, type[Leaf]] = {
    "field": FieldCondition, "consent": ConsentCondition, "tag": TagCondition, "event": EventCondition,
    "segment": SegmentCondition, "sample_percent": SampleCondition,
}  # fmt: skip
