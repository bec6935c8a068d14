"""Journeys as requests say them and answers show them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, JsonValue, StringConstraints, TypeAdapter, model_validator
from pydantic_core import CoreSchema

from drumbeat.accounts.settings import Language
from drumbeat.fields import Body, FieldNeeded, Instant, Listing, Name, Text, View
from drumbeat.journeys.entries import Entry, State
from drumbeat.journeys.model import Face, Journey, JourneyVersion, Status
from drumbeat.journeys.steps import Step
from drumbeat.journeys.terms import Terms, Trigger
from drumbeat.sends.model import Place

Reason = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Description = Annotated[Text, StringConstraints(max_length=2000)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=128)]
DOCUMENTED = (Face.WORKFLOW.value, Face.RULE.value, Face.SEQUENCE.value)


class _Shown:
    """A part of the body that is read by `documented`, whose problems are told in the caller's own words; API documents
    show it as what it is."""

    def __init__(self, kind: Callable[[], Any]) -> None:
        self.kind = kind

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(TypeAdapter(self.kind()).core_schema)


class JourneyFields(Body):
    """A journey is said in one of four ways: `trigger`, `steps` and `terms`; a `workflow` (`trigger_type`,
    `trigger_conditions`, `workflow_steps`); a `rule` (`trigger`, `conditions`, `actions`); or a `sequence` (`trigger`,
    `emails` with delays). They are the same thing, and do the same."""

    name: Name | None = None
    names: Annotated[dict[Language, Name], Field(max_length=20)] | None = None
    description: Description | None = None
    trigger: Annotated[dict[str, JsonValue], _Shown(lambda: Trigger)] | None = None
    steps: Annotated[list[JsonValue], _Shown(lambda: list[Step])] | None = None
    terms: Annotated[dict[str, JsonValue], _Shown(lambda: Terms)] | None = None
    workflow: dict[str, JsonValue] | None = None
    rule: dict[str, JsonValue] | None = None
    sequence: dict[str, JsonValue] | None = None

    @property
    def faces(self) -> list[str]:
        """In which of the documented ways it is said."""
        return [name for name in DOCUMENTED if getattr(self, name) is not None]

    @model_validator(mode="after")
    def _one_way(self) -> "JourneyFields":
        ours = [name for name in ("trigger", "steps", "terms") if getattr(self, name) is not None]
        if len(self.faces) > 1 or (self.faces and ours):
            raise FieldNeeded(self.faces[-1], "is one of several ways to say a journey; choose one of them")
        return self


class NewJourney(JourneyFields):
    """A journey: a draft, or with `activate` one that lets people in at once."""

    name: Name
    activate: bool = False

    @model_validator(mode="after")
    def _whole(self) -> "NewJourney":
        if not self.faces:
            for field in ("trigger", "steps"):
                if getattr(self, field) is None:
                    raise FieldNeeded(field, "is needed; or say the journey as a workflow, a rule or a sequence")
        return self


class JourneyChange(JourneyFields):
    """What changes; fields that are left out stay. Trigger, steps and terms change the draft, and are in force when the
    next version is published."""


class Publication(Body):
    """Put the draft in force as a version. Those inside finish theirs, unless `move_those_inside`: then each goes on in
    the new one at the step where they are, or where that has vanished at the next one that is still there."""

    move_those_inside: bool = False


class Pause(Body):
    """Why; it is shown with the journey."""

    reason: Reason | None = None


class StatusChange(Body):
    """What it is to be, and why; the reason of a pause is shown with the journey."""

    status: Literal["active", "paused"]
    reason: Reason | None = None


class Ending(Body):
    """`end` takes out who is inside; without it a journey with somebody inside is kept."""

    end: bool = False


class Enrolled(View):
    """What became of the named contacts: how many `entered`, were `held_out`, and why others did not enter, by reason
    (`already_inside`, `entered_before`, `too_soon`, `journey_paused`, `journey_not_active`). `unknown` are names that
    no contact has; of these, the `awaited` enter when their profiles have been read from the customer system."""

    entered: int
    held_out: int
    not_entered: dict[str, int]
    unknown: list[str | int]
    awaited: list[str | int] = []


class VersionQuery(Body):
    """Versions before a number; the latest, if it is left out."""

    limit: int = Field(20, ge=1, le=100)
    before: int = Field(10**9, ge=1)


class JourneyQuery(Listing):
    """Filters of the list. Archived journeys are in it only when `archived` is true, or `status` is."""

    kind: Literal["journey", "workflow", "rule", "sequence"] | None = None
    status: Status | None = None
    archived: bool = False


class EntryQuery(Listing):
    """Which entries: of a state, at a step, of a contact (by its id)."""

    state: State | None = None
    step: str | None = None
    contact_id: Reference | None = None


class JourneyView(View):
    """A journey. `trigger`, `steps` and `terms` are those of the draft; `changed` says that the draft differs from the
    version in force. `workflow`, `rule` or `sequence` is how it was said, where it was said so."""

    id: str
    kind: str
    name: str
    names: dict[str, str]
    description: str | None
    slug: str | None
    status: str
    reason: str | None
    version: int
    changed: bool
    trigger: dict[str, Any]
    steps: list[dict[str, Any]]
    terms: dict[str, Any]
    workflow: dict[str, Any] | None
    rule: dict[str, Any] | None
    sequence: dict[str, Any] | None
    paused_at: Instant | None
    activated_at: Instant | None
    archived_at: Instant | None
    created_by: str | None
    created_at: Instant
    updated_at: Instant


class VersionView(View):
    """What a journey was when it was published. `moved_to` is the version in which those inside go on."""

    version: int
    trigger: dict[str, Any]
    steps: list[dict[str, Any]]
    terms: dict[str, Any]
    published_at: Instant
    published_by: str | None
    moved_to: int | None


class MessageRecord(View):
    """What became of a message: `outcome` is sent, not_sent (with the reason) or open, until when it is held back if it
    is, and what is known of it."""

    message_id: str
    outcome: str
    reason: str | None
    held_until: Instant | None
    events: list[str]


class StepRecord(View):
    """What happened at a step, when, and why. `message_id` is the message that was handed over there; `message`, shown
    for a single contact, what became of it."""

    step: str
    type: str
    at: str
    outcome: str
    why: str | None
    channel: str | None
    message_id: str | None
    message: MessageRecord | None
    event_id: str | None


class EntryView(View):
    """One time that a contact is or was in a journey. `status` is running, paused, completed, failed, exited or
    holdout; `current_step` is where it waits, until `next_execution`. `steps` say what happened, the earliest first."""

    execution_id: str
    journey_id: str
    contact_id: str
    number: int
    version: int
    status: str
    reason: str | None
    current_step: str | None
    next_execution: Instant | None
    entered_at: Instant
    ended_at: Instant | None
    cause: str
    goal: dict[str, Any] | None
    steps: list[StepRecord]


class ContactInJourney(View):
    """A contact in a journey: each time that it entered, the latest first. `inside`: it is there now."""

    journey_id: str
    journey_name: str
    journey_status: str
    contact_id: str
    inside: bool
    entries: list[EntryView]


def view(journey: Journey) -> JourneyView:
    said, draft = journey.said or {}, journey.draft
    return JourneyView(
        id=journey.journey_id, kind=journey.face, name=journey.name, names=journey.names or {},
        description=journey.description, slug=journey.slug, status=journey.status, reason=journey.reason,
        version=int(journey.version or 0), changed=bool(journey.changed), trigger=draft["trigger"],
        steps=draft["steps"], terms=draft.get("terms", {}), workflow=said.get("workflow"), rule=said.get("rule"),
        sequence=said.get("sequence"), paused_at=journey.paused_at, activated_at=journey.activated_at,
        archived_at=journey.archived_at, created_by=journey.created_by, created_at=journey.created_at,
        updated_at=journey.updated_at,
    )  # fmt: skip


def version_view(row: JourneyVersion) -> VersionView:
    frozen = row.definition
    return VersionView(
        version=row.number, trigger=frozen["trigger"], steps=frozen["steps"], terms=frozen.get("terms", {}),
        published_at=row.published_at, published_by=row.published_by,
        moved_to=None if row.moved_to is None else int(row.moved_to),
    )  # fmt: skip


_STATUS = {
    State.WAITING.value: "running", State.DONE.value: "completed", State.FAILED.value: "failed",
    State.EXITED.value: "exited", State.HOLDOUT.value: "holdout",
}  # fmt: skip


def entry_view(entry: Entry, paused: bool, messages: Mapping[str, MessageRecord] | None = None) -> EntryView:
    """`paused`: the journey is, so that nobody who is inside goes on. `messages` are those that were looked up."""
    waits = entry.state == State.WAITING
    return EntryView(
        execution_id=entry.entry_id, journey_id=entry.journey_id, contact_id=entry.contact_id, number=entry.number,
        version=int(entry.version), status="paused" if waits and paused else _STATUS[entry.state],
        reason=entry.reason, current_step=entry.step, next_execution=entry.due_at if waits else None,
        entered_at=entry.entered_at, ended_at=entry.ended_at, cause=entry.cause, goal=entry.goal,
        steps=[_record(entry.tenant, one, messages or {}) for one in entry.said],
    )  # fmt: skip


def place_of(tenant: str, message: Sequence[Any]) -> tuple[Place, int]:
    """The chunk of a record's message, and its number in it."""
    send_id, shard, chunk, number = message
    return Place(tenant, send_id, int(shard), int(chunk)), int(number)


def _record(tenant: str, said: dict[str, Any], messages: Mapping[str, MessageRecord]) -> StepRecord:
    message_id = None
    if said.get("message"):
        place, number = place_of(tenant, said["message"])
        message_id = place.message(number)
    return StepRecord(
        step=said["step"], type=said["type"], at=said["at"], outcome=said["outcome"], why=said.get("why"),
        channel=said.get("channel"), event_id=said.get("event"), message_id=message_id,
        message=messages.get(message_id or ""),
    )  # fmt: skip
