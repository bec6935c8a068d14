"""Field types that request and answer models share."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    StringConstraints,
    TypeAdapter,
)

from drumbeat import clock

T = TypeVar("T")
# Validators are built for the models that a function uses, not for all that its imports define (`reader`, `build`).
BUILT_WHEN_USED = ConfigDict(defer_build=True)


def reader(kind: Any) -> TypeAdapter[Any]:
    """What reads values of this type. It is built now: a function starts on a whole processor, and has a seventh of
    one for its first request."""
    build(kind)
    made = TypeAdapter[Any](kind)
    made.rebuild()
    return made


def build(kind: Any) -> None:
    """Build the models of a type, such as `Answer[ContactView]`."""
    for part in (kind, *get_args(kind)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            part.model_rebuild()


class FieldNeeded(ValueError):
    """What is wrong with a body as a whole and would be right with this field: the refusal names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Body(BaseModel):
    """What a request says. Unknown fields are refused, so that a typing error is not silently ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, **BUILT_WHEN_USED)


class Message(BaseModel):
    """What a queue carries. During an upgrade it may come from a later release, with fields that this one does not know
    and does not need; a field that is added is optional, because messages of the release before have none."""

    model_config = ConfigDict(
        extra="ignore", allow_inf_nan=False, frozen=True, hide_input_in_errors=True, **BUILT_WHEN_USED
    )


class View(BaseModel):
    """What an answer shows."""

    model_config = ConfigDict(frozen=True, **BUILT_WHEN_USED)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is UTC and not moment.microsecond % 1000:
        return moment  # as ours all are
    try:
        return clock.parse(clock.iso(moment)) if moment.tzinfo else clock.parse(moment.isoformat())
    except OverflowError as error:  # the first and last hours of the calendar have no UTC
        raise ValueError("must be a moment that UTC can express") from error


def _bounded(value: Any) -> Any:
    if len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")) > 65_536:
        raise ValueError("must be at most 64 KB of JSON")
    return value


def _storable(text: str) -> str:
    """Lone surrogates cannot be stored as UTF-8."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("must be valid Unicode text")
    return text


Instant = Annotated[
    datetime, AfterValidator(_aware), PlainSerializer(clock.iso, return_type=str, when_used="json-unless-none")
]
"""A moment: ISO 8601 in, UTC with milliseconds and Z out; without a zone it is UTC."""

Text = Annotated[str, AfterValidator(_storable)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255), AfterValidator(_storable)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,127}$")]
Attributes = Annotated[dict[str, JsonValue], AfterValidator(_bounded)]
"""Free JSON of the tenant's, at most 64 KB."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


def country(code: str) -> str:
    """Two letters of ISO 3166, upper case. Raises ValueError."""
    if not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise ValueError("must be a country code of two letters such as BD")
    return code.upper()


Country = Annotated[str, AfterValidator(country)]
"""ISO 3166-1 alpha-2: `BD`, `US`."""


class Listing(Body):
    """How to page through a list: `cursor` from the last answer, or a page number."""

    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = None
    page: int | None = Field(None, ge=1, le=10_000)


class Page(View, Generic[T]):
    """One page of a list. `total_count` is exact unless `total_count_exact` says that counting stopped."""

    items: list[T]
    total_count: int
    total_count_exact: bool = True
    limit: int
    next_cursor: str | None = None
