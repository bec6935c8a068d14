"""Conditions on what a contact is: what each takes, when it holds, and when time may change that."""

import math
from abc import ABC, abstractmethod
from datetime import date
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from drumbeat.segments.facts import ATTRIBUTES, BUILT_IN, Facts
from drumbeat.segments.operators import HOLD_WHEN_MISSING, NEGATED, OperandError, Operation, OperatorName, build
from drumbeat.segments.values import is_missing, number, text
from drumbeat.segments.windows import NEVER, Changes, merge


def _between(lowest: float, highest: float, *, above: bool = False) -> BeforeValidator:
    def read(value: object) -> Decimal:
        found = number(value)
        if found is None or not lowest <= found <= highest or (above and found == lowest):
            raise PydanticCustomError("range", "must be a number {above}{lowest}, at most {highest}", {
                "above": "above " if above else "from ", "lowest": lowest, "highest": highest,
            })  # fmt: skip
        return Decimal(found)

    return BeforeValidator(read)


Name = Annotated[str, Field(min_length=1, max_length=128)]


class Condition(BaseModel, ABC):
    """One question about a contact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        """Whether it is so today, a day of the tenant's zone."""

    @abstractmethod
    def actual(self, facts: Facts, today: date, zone: ZoneInfo) -> object:
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

    def actual(self, facts: Facts, today: date, zone: ZoneInfo) -> object:
        return facts.value(self.field)

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        found = self.actual(facts, today, zone)
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
        found = self.actual(facts, today, zone)
        items = found if isinstance(found, list | tuple | set | frozenset) else (found,)
        return merge(changes(item, today, zone) for item in items)


class ConsentCondition(Condition):
    consent: Literal["email", "sms", "push"]
    status: Literal["granted", "revoked", "pending", "expired", "none"]

    def actual(self, facts: Facts, today: date, zone: ZoneInfo) -> str:
        """`pending` while a double opt-in waits to be confirmed, `expired` when nobody did, `none` without any."""
        return facts.consents.get(self.consent) or "none"

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        return self.actual(facts, today, zone) == self.status


class TagCondition(Condition):
    tag: Name
    operator: Literal["is_set", "is_not_set"] = "is_set"

    def actual(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        if self.tag in facts.tags:
            return True
        wanted = text(self.tag)
        return any(text(tag) == wanted for tag in facts.tags)

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        return self.actual(facts, today, zone) is (self.operator == "is_set")


class SegmentCondition(Condition):
    """Membership of another segment, as it is known when this one is evaluated."""

    segment: Name

    def actual(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        return self.segment in facts.segments

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        return self.actual(facts, today, zone)


class SampleCondition(Condition):
    """The same random share of contacts each time: those whose fixed place in 0 to 100 is at least `from_percent`, and
    less than `sample_percent` above it.

    The place follows from the salt and the contact's id. With one salt (all segments share the empty one) a larger
    share contains a smaller one that begins at the same place, and shares of different ranges have nobody in common;
    shares of different salts are independent of each other.
    """

    sample_percent: Annotated[Decimal, _between(0, 100, above=True)]
    from_percent: Annotated[Decimal, _between(0, 100)] = Decimal(0)
    salt: Annotated[str, Field(max_length=128)] = ""

    @field_validator("from_percent")
    @classmethod
    def _ends(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        if value + info.data.get("sample_percent", Decimal(0)) > 100:
            raise PydanticCustomError("range", "and `sample_percent` must be at most 100 together")
        return value

    @cached_property
    def _range(self) -> tuple[int, int]:
        return _scaled(self.from_percent), _scaled(self.from_percent + self.sample_percent)

    def _place(self, facts: Facts) -> int:
        named = f"{self.salt}\0{facts.contact_id}".encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(named, digest_size=8).digest())

    def actual(self, facts: Facts, today: date, zone: ZoneInfo) -> float:
        """The contact's fixed place in 0 to 100."""
        return self._place(facts) * 100 / 2**64

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        low, high = self._range
        return low <= self._place(facts) < high


def _scaled(percent: Decimal) -> int:
    return int(percent * 2**64 / 100)


class Place(BaseModel):
    """A point on earth, in degrees."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    latitude: Annotated[Decimal, _between(-90, 90)]
    longitude: Annotated[Decimal, _between(-180, 180)]


class LocationCondition(Condition):
    """Nearness to a place. Where the contact is stands in its attributes `latitude` and `longitude`, or in those of the
    attribute `at`."""

    near: Place
    within_km: Annotated[Decimal, _between(0, 20_037, above=True)]
    at: Name | None = None

    def actual(self, facts: Facts, today: date, zone: ZoneInfo) -> float | None:
        """The distance in kilometres; None where the contact has no place."""
        within = f"{ATTRIBUTES}{self.at}." if self.at else ATTRIBUTES
        latitude, longitude = number(facts.value(f"{within}latitude")), number(facts.value(f"{within}longitude"))
        if latitude is None or longitude is None or not -90 <= latitude <= 90 or not -180 <= longitude <= 180:
            return None
        return round(_kilometres(self.near, float(latitude), float(longitude)), 3)

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        distance = self.actual(facts, today, zone)
        return distance is not None and distance <= float(self.within_km)


def _kilometres(place: Place, latitude: float, longitude: float) -> float:
    """The great-circle distance by the haversine formula, on a sphere of the earth's mean radius."""
    one, other = math.radians(place.latitude), math.radians(latitude)
    across = math.sin((other - one) / 2) ** 2
    along = math.cos(one) * math.cos(other) * math.sin(math.radians(longitude - float(place.longitude)) / 2) ** 2
    return 2 * 6371.0088 * math.asin(min(1.0, math.sqrt(across + along)))
