"""What journeys are made of: a trigger and terms (drumbeat.journeys.terms), and steps.

Steps are done in their order; one with `next` goes on there, and `"end"` is behind the last. Everything that a person
gets wrong is named at once, by its place (`steps[3].if_true`).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, JsonValue, model_validator

from drumbeat.fields import Attributes, Body, Slug, Text
from drumbeat.journeys.deeds import AddToSegment, AwardPoints, Enrol, PlainStep, StepId, UpdateContact
from drumbeat.journeys.terms import (
    AttributeName,
    Duration,
    EventName,
    Filters,
    Happening,
    LocalTime,
    Offset,
    Reference,
    Terms,
    Trigger,
)
from drumbeat.segments import rules
from drumbeat.segments.behaviour import Weekday

END = "end"
MOST_STEPS = 100


def _criteria(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    rules.parse(value)
    return value


Criteria = Annotated[dict[str, JsonValue], AfterValidator(_criteria)]
"""As a segment's criteria."""


class Message(Body):
    """What a message says, where no template does; and what the channel needs besides (`said`)."""

    subject: Text | None = Field(None, max_length=500)
    html: Text | None = Field(None, max_length=300_000)
    text: Text | None = Field(None, max_length=100_000)
    said: Attributes = Field(default_factory=dict)


class Send(PlainStep):
    """A message on a channel: a template's, or its own. `subject` is instead of the template's. Whoever does not want
    its `category` is left out; who has had as much marketing as the caps allow is skipped or, with `over_cap` hold,
    gets it when there is room again."""

    type: Literal["send"] = "send"
    channel: str = Field("email", max_length=32)
    template: Reference | None = None
    message: Message | None = None
    subject: Text | None = Field(None, max_length=500)
    sender_name: Text | None = Field(None, max_length=200)
    sender_email: Text | None = Field(None, max_length=320)
    reply_to: Text | None = Field(None, max_length=320)
    purpose: Literal["marketing", "transactional"] = "marketing"
    priority: Literal["high", "normal", "low"] = "normal"
    category: Slug | None = None
    quiet: Literal["hold", "drop", "ignore"] | None = None
    over_cap: Literal["skip", "hold"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Send":
        if (self.template is None) == (self.message is None):
            raise ValueError("must have either `template` or `message`")
        if self.quiet == "ignore" and self.purpose != "transactional":
            raise ValueError("may ignore quiet hours only with purpose transactional: quiet is hold or drop")
        return self


class CallWebhook(PlainStep):
    """A request to the tenant's own system, over the webhook channel; `message` as there."""

    type: Literal["call_webhook"] = "call_webhook"
    message: Message

    @property
    def channel(self) -> str:
        return "webhook"


class UntilDate(Body):
    """An attribute of the contact that holds a date or a time; `offset` before or after it, `at` that local time of the
    day. `yearly` is its next anniversary: 29 February is 28 February in other years."""

    attribute: AttributeName
    offset: Offset = timedelta(0)
    at: LocalTime | None = None
    yearly: bool = False


class Wait(PlainStep):
    """Waits a time; until clocks of the recipient's zone show a time, on one of `weekdays` if they are given; or until
    a date that the contact has. A time that has passed is waited for no longer; without the attribute the entry
    fails."""

    type: Literal["wait"] = "wait"
    duration: Duration | None = None
    until_time: LocalTime | None = None
    weekdays: tuple[Weekday, ...] = ()
    until_date: UntilDate | None = None

    @model_validator(mode="after")
    def _one(self) -> "Wait":
        if sum(one is not None for one in (self.duration, self.until_time, self.until_date)) != 1:
            raise ValueError("must have one of `duration`, `until_time` and `until_date`")
        if self.weekdays and self.until_time is None:
            raise ValueError("`weekdays` go with `until_time`")
        return self

    @property
    def takes_time(self) -> bool:
        return True


class WaitForEvent(PlainStep):
    """Waits for an event of the contact, from the moment at which the step before it was over (for a first step, the
    trigger's): `next` when it comes, `on_time_out` when it did not within `time_out`."""

    type: Literal["wait_for_event"] = "wait_for_event"
    event: EventName
    filters: Filters = ()
    time_out: Duration
    on_time_out: StepId | None = None

    @property
    def targets(self) -> dict[str, str | None]:
        return {"next": self.next, "on_time_out": self.on_time_out}

    @property
    def takes_time(self) -> bool:
        return True


class Engagement(Body):
    """What became of this journey's messages to the contact in this entry, by people and not by machines. `step` is the
    message's; without it the latest message, or the latest one of `channel`."""

    activity: Literal["received", "opened", "clicked"]
    step: StepId | None = None
    channel: str | None = Field(None, max_length=32)


class Branch(PlainStep):
    """Goes on at `if_true` when the contact is as `criteria` say (a segment's criteria), or did with the journey's
    messages what `engagement` says; otherwise at `if_false`. Left out, either is the step below."""

    type: Literal["branch"] = "branch"
    criteria: Criteria | None = None
    engagement: Engagement | None = None
    if_true: StepId | None = None
    if_false: StepId | None = None

    @model_validator(mode="after")
    def _one(self) -> "Branch":
        if (self.criteria is None) == (self.engagement is None):
            raise ValueError("must have either `criteria` or `engagement`")
        if self.next is not None:
            raise ValueError("a branch has `if_true` and `if_false`, and no `next`")
        return self

    @property
    def targets(self) -> dict[str, str | None]:
        return {"if_true": self.if_true, "if_false": self.if_false}


class Path(Body):
    weight: float = Field(gt=0, le=1_000_000)
    next: StepId | None = None


class Split(PlainStep):
    """Takes one of its paths by chance, each as often as its weight says; an entry keeps its path for ever."""

    type: Literal["split"] = "split"
    paths: tuple[Path, ...] = Field(min_length=2, max_length=20)

    @model_validator(mode="after")
    def _by_paths(self) -> "Split":
        if self.next is not None:
            raise ValueError("a split goes on where its paths say, and has no `next`")
        return self

    @property
    def targets(self) -> dict[str, str | None]:
        return {f"paths[{place}].next": path.next for place, path in enumerate(self.paths)}


class Goal(PlainStep):
    """The goal is reached, and the entry ends with that; with `event`, only if that has happened since it began:
    otherwise it goes on."""

    type: Literal["goal"] = "goal"
    event: EventName | None = None
    filters: Filters = ()

    @property
    def targets(self) -> dict[str, str | None]:
        return {"next": self.next} if self.event else {"end": END}


class Exit(PlainStep):
    """The entry ends here."""

    type: Literal["exit"] = "exit"
    reason: Text | None = Field(None, max_length=255)

    @property
    def targets(self) -> dict[str, str | None]:
        return {"end": END}


Step = Annotated[
    Send | CallWebhook | Wait | WaitForEvent | Branch | Split | UpdateContact | AddToSegment | AwardPoints | Enrol
    | Goal | Exit,
    Field(discriminator="type"),
]  # fmt: skip
MessageStep = Send | CallWebhook


class Definition(Body):
    """A journey, whole."""

    trigger: Trigger
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MOST_STEPS)
    terms: Terms = Terms()

    @property
    def stored(self) -> dict[str, Any]:
        """As JSON, to be stored or shown."""
        shown: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        return shown

    @property
    def first(self) -> str:
        return self.steps[0].id

    def step(self, step_id: str) -> Any | None:
        """The step of an id; None for none, and for the end."""
        return next((step for step in self.steps if step.id == step_id), None)

    def below(self, step_id: str) -> str:
        """The step below one, or the end."""
        place = next(place for place, step in enumerate(self.steps) if step.id == step_id)
        return self.steps[place + 1].id if place + 1 < len(self.steps) else END

    def target(self, step: Any, named: str | None) -> str:
        """Where a field of a step leads."""
        return named or self.below(step.id)

    def channels(self) -> frozenset[str]:
        """The channels of its marketing messages."""
        return frozenset(step.channel for step in self.steps if isinstance(step, Send) and step.purpose == "marketing")

    def events(self) -> frozenset[str]:
        """The events whose happening matters to it."""
        happenings = (self.trigger, self.terms.goal, *self.steps)
        return frozenset(
            one.event for one in happenings if isinstance(one, Happening | WaitForEvent) and one.event is not None
        )


STEP_TYPES: tuple[str, ...] = tuple(str(kind.model_fields["type"].default) for kind in get_args(get_args(Step)[0]))


def read(body: Mapping[str, object]) -> Definition:
    """A definition of plain JSON. Raises pydantic's ValidationError."""
    return Definition.model_validate(body)
