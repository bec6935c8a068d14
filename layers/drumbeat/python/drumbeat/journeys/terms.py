"""What starts a journey, and its terms: who may enter again, what it is for, and what ends it early."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from drumbeat.fields import Body, Instant
from drumbeat.segments.behaviour import PropertyCondition

MOST_WAIT = timedelta(days=400)
MINUTE = timedelta(minutes=1)

Reference = Annotated[str, StringConstraints(min_length=1, max_length=128)]
EventName = Annotated[str, StringConstraints(pattern=r"^[^#\s][^#]{0,127}$")]
AttributeName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
LocalTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""What clocks of the recipient's zone show: `09:00`."""
Duration = Annotated[timedelta, Field(ge=MINUTE, le=MOST_WAIT)]
"""One minute to 400 days: ISO 8601 (`P3D`, `PT1H`) or seconds."""
Offset = Annotated[timedelta, Field(ge=-MOST_WAIT, le=MOST_WAIT)]
Filters = Annotated[tuple[PropertyCondition, ...], Field(max_length=20)]
"""Conditions on an event's properties, all of which must hold: `{"field": "total", "operator": "greater_than", …}`."""


class Happening(Body):
    """An event of the contact, and what it must say."""

    event: EventName
    filters: Filters = ()


class EventTrigger(Happening):
    """An event of the contact."""

    type: Literal["event"] = "event"


class SegmentTrigger(Body):
    """The contact joins a segment."""

    type: Literal["segment"] = "segment"
    segment: Reference


class ApiTrigger(Body):
    """Only requests enrol contacts (they may do so whatever the trigger is)."""

    type: Literal["api"] = "api"


class DateTrigger(Body):
    """A date that contacts have as an attribute, such as a birthday: `days` after it (before it, when negative), when
    clocks of the contact's zone show `at`. `yearly` is every anniversary: 29 February is 28 February in other years.
    Only members of `segment`, if it is given."""

    type: Literal["date"] = "date"
    attribute: AttributeName
    days: int = Field(0, ge=-180, le=180)
    at: LocalTime = "09:00"
    yearly: bool = True
    segment: Reference | None = None


class ScheduleTrigger(Body):
    """All members of a segment: once `at` a time, or from then on every so often."""

    type: Literal["schedule"] = "schedule"
    segment: Reference
    at: Instant
    every: Annotated[timedelta, Field(ge=timedelta(hours=1), le=MOST_WAIT)] | None = None


Trigger = Annotated[
    EventTrigger | SegmentTrigger | ApiTrigger | DateTrigger | ScheduleTrigger, Field(discriminator="type")
]


class TermGoal(Happening):
    """What a journey is for: its conversion, within `within` of entering it."""

    within: Duration = timedelta(days=30)


class ExitOn(Body):
    """What ends an entry early. `segment`: leaving it. `unsubscribe`: consent is revoked on all channels of the
    journey's marketing messages."""

    goal: bool = True
    segment: Reference | None = None
    unsubscribe: bool = True


class Terms(Body):
    """`re_entry`: never, always, or not before so long after the last entry began (nobody is in a journey twice at a
    time). `holdout`: percent of contacts who are counted and get nothing. `quiet` is for messages that do not say
    what quiet hours mean for them. `while_paused`: whether contacts enter while it is paused, and wait (`enter`), or
    not (`refuse`)."""

    re_entry: Literal["never", "always"] | Duration = "never"
    goal: TermGoal | None = None
    exit_on: ExitOn = Field(default_factory=ExitOn)
    holdout: Annotated[float, Field(ge=0, le=90)] = 0
    quiet: Literal["hold", "drop"] = "hold"
    while_paused: Literal["enter", "refuse"] = "enter"
