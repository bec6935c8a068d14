"""What requests say of events, and what answers show."""

import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    JsonValue,
    StringConstraints,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from drumbeat.activity import rules
from drumbeat.contacts.views import Email, ExternalReference, Reference
from drumbeat.fields import Body, Instant, Listing, Text, View

MOST_EVENTS = 500
MOST_PROPERTIES = 16_384


def _bounded(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties that fit and that can be stored and shown again: no infinity, no lone surrogates."""
    size = len(json.dumps(properties, ensure_ascii=False, allow_nan=False).encode())
    if size > MOST_PROPERTIES:
        raise ValueError(f"must be at most 16 KB of JSON, not {size} bytes")
    return properties


EventName = Annotated[str, BeforeValidator(rules.event_name)]
"""Letters, digits and `_.:-`, at most 64; upper case and spaces become lower case and `_`."""

EventId = Annotated[Text, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x20\x7f]+$")]
Properties = Annotated[dict[str, JsonValue], AfterValidator(_bounded)]
"""Free JSON of the tenant's, at most 16 KB."""


class ContactReference(Body):
    """Whose event it is: one of the three."""

    contact_id: Reference | None = None
    email: Email | None = None
    external_id: ExternalReference | None = None

    @model_validator(mode="after")
    def _one(self) -> "ContactReference":
        if sum(value is not None for value in (self.contact_id, self.email, self.external_id)) != 1:
            raise ValueError("must say whose event it is by one of contact_id, email and external_id")
        return self


class OneEvent(Body):
    """Something that a contact did. Sent again with the same `event_id` it is recorded once.

    The properties of a `purchase` have `value` (or `amount` or `total`), `currency` (default: the tenant's) and
    `order_id`; an order counts once in the contact's facts. The contact may stand in `contact` or beside it.
    """

    event_id: EventId | None = None
    name: EventName
    contact: ContactReference | None = None
    contact_id: Reference | None = None
    email: Email | None = None
    external_id: ExternalReference | None = None
    occurred_at: Instant | None = None
    properties: Properties = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whose(self) -> "OneEvent":
        beside = [value for value in (self.contact_id, self.email, self.external_id) if value is not None]
        if len(beside) + (self.contact is not None) != 1:
            raise ValueError("must say whose event it is by one of contact_id, email and external_id")
        return self

    @property
    def who(self) -> ContactReference:
        if self.contact is not None:
            return self.contact
        return ContactReference(contact_id=self.contact_id, email=self.email, external_id=self.external_id)


class SingleEvent(OneEvent):
    """One event. With `create_contacts`, an unknown e-mail address becomes a contact (scope `contacts:write`)."""

    create_contacts: bool = False


class FieldProblem(View):
    """A bad field of one event."""

    field: str
    message: str


class BadEvent(View):
    """An event of a batch that is not well-formed: it is rejected, the others are not."""

    event_id: str | None
    details: list[FieldProblem]


def _named(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """The event, or what is wrong with it; what is no object at all makes the whole batch malformed."""
    if not isinstance(value, dict):
        raise ValueError("must be an event, an object with a name and a contact")
    try:
        return read(value)
    except ValidationError as error:
        event_id = value.get("event_id")
        return BadEvent(
            event_id=event_id[:128] if isinstance(event_id, str) and event_id.isprintable() else None,
            details=[
                FieldProblem(field=_place(one["loc"]), message=one["msg"].removeprefix("Value error, "))
                for one in error.errors()
            ],
        )


def _place(location: tuple[int | str, ...]) -> str:
    """`properties.items[2]` of pydantic's location, without the names of types that a union tried."""
    steps = [step for step in location if isinstance(step, int) or (step.isidentifier() and step not in ("int", "str"))]
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".") or "event"


class EventBatch(Body):
    """Up to 500 events. A bad one is rejected by itself; see the results, which are in the order of the events."""

    events: Annotated[list[Annotated[OneEvent, WrapValidator(_named)]], Field(min_length=1, max_length=MOST_EVENTS)]
    create_contacts: bool = False


def _shape(value: Any) -> str:
    return (
        "many events"
        if isinstance(value, EventBatch) or (isinstance(value, dict) and "events" in value)
        else "one event"
    )


NewEvents = Annotated[
    Annotated[SingleEvent, Tag("one event")] | Annotated[EventBatch, Tag("many events")], Discriminator(_shape)
]
"""A single event, or `{"events": [...]}`."""


class EventResult(View):
    """What became of an event. `reason` says why it was rejected, or what of a purchase was not counted:
    `currency_differs`, `order_already_counted`, `value_missing`. One that is `waiting` names a customer whose profile
    is being read from your customer system; it is recorded when the contact is there."""

    event_id: str | None
    status: Literal["recorded", "duplicate", "rejected", "waiting"]
    reason: str | None = None
    details: list[FieldProblem] = Field(default_factory=list)


class EventResults(View):
    """One result for each event, in the same order."""

    results: list[EventResult]
    recorded: int
    duplicates: int
    rejected: int
    waiting: int = 0


class TimelineQuery(Listing):
    """Filters: names that begin with `name`, events after and before a moment (both excluded)."""

    name: Annotated[Text, StringConstraints(max_length=64)] | None = None
    after: Instant | None = None
    before: Instant | None = None


class TimelineView(View):
    """An event of a contact. `machine` marks opens and clicks of scanners and prefetching proxies."""

    event_id: str
    name: str
    occurred_at: Instant
    properties: dict[str, Any]
    campaign_id: str | None
    send_id: str | None
    message_id: str | None
    machine: bool


class ActivityQuery(Body):
    """Days in the tenant's time zone, both included; the last 90 when nothing is said. `name` is a name's beginning."""

    name: Annotated[Text, StringConstraints(max_length=64)] | None = None
    start_date: date | None = None
    end_date: date | None = None


class DayCount(View):
    """How often on a day."""

    date: date
    count: int


class EventActivity(View):
    """One event name: how often in the range, and on which days."""

    name: str
    total: int
    days: list[DayCount]


class ActivityView(View):
    """What a contact did in a range of days."""

    contact_id: str
    start_date: date
    end_date: date
    events: list[EventActivity]
