"""Dry runs: a journey's draft, or a version, replayed against the last 90 days of real timelines. Nothing is written
but the result, and nothing is sent.

    pk                          sk        ttl
    DRYRUN#<tenant>#<job>       DRYRUN    two days

Up to 20,000 contacts all are replayed, and the counts are exact as far as replaying is (drumbeat.journeys.replaying
says what is assumed). Of more contacts a fixed random share is, and the estimate says how sure it is. Each round stores
its counts and the place that it has come to in one write, from where they were: a round that is done again counts
nobody twice. 20,000 contacts take about two minutes and $0.01.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, model_validator

from drumbeat import clock, counts, machines, statistics
from drumbeat.accounts.model import Tenant
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import CompactJSON
from drumbeat.counts import Count
from drumbeat.errors import NotFound
from drumbeat.fields import Body, FieldNeeded, Instant, View
from drumbeat.journeys import lifecycle, model, planning, references
from drumbeat.journeys.model import Journey, JourneyVersion
from drumbeat.journeys.steps import Definition
from drumbeat.journeys.views import JourneyFields
from drumbeat.journeys.work import DRY_RUN
from drumbeat.segments.model import Definitions, Segment
from drumbeat.slugs import Slug
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

DAYS = 90
MOST_CONTACTS = 20_000
KEPT = timedelta(days=2)
# What the request reads to look names up.
LOOKS_UP = (Tenant, Journey, JourneyVersion, Count, Slug, Segment, Definitions)


class DryRun(Entity):
    """A dry run. `share` is the part of all contacts that is looked at; `shard` and `after` say how far it is,
    `numbers` what it has found."""

    TYPE = "DRYRUN"

    tenant = UnicodeAttribute()
    journey_id = UnicodeAttribute(null=True)
    version = NumberAttribute(null=True)
    definition = CompactJSON()
    assumed = CompactJSON()
    since = InstantAttribute()
    until = InstantAttribute()
    total = NumberAttribute()
    share = NumberAttribute()
    shard = NumberAttribute(default=0)
    after = UnicodeAttribute(null=True)
    numbers = CompactJSON()
    state = UnicodeAttribute()
    created_at = InstantAttribute()
    finished_at = InstantAttribute(null=True)
    ttl = NumberAttribute()

    @staticmethod
    def key(tenant: str, job_id: str) -> tuple[str, str]:
        return f"DRYRUN#{tenant}#{job_id}", "DRYRUN"

    @property
    def job_id(self) -> str:
        return self.pk.split("#")[2]


class Assumptions(Body):
    """Percent of messages that would have arrived, been opened and been clicked by people."""

    received: Annotated[float, Field(ge=0, le=100)] = 100.0
    opened: Annotated[float, Field(ge=0, le=100)] = 30.0
    clicked: Annotated[float, Field(ge=0, le=100)] = 5.0


class DryRunRequest(JourneyFields):
    """What is replayed: the draft of `journey_id`, or its `version`; or a journey that is said here and stored nowhere.
    `days` are the last ones, at most 90."""

    journey_id: str | None = Field(None, max_length=128)
    version: int | None = Field(None, ge=1)
    days: int = Field(DAYS, ge=1, le=DAYS)
    assume: Assumptions = Assumptions()

    @property
    def is_whole(self) -> bool:
        """Whether the journey is in the request."""
        return bool(self.faces) or any(part is not None for part in (self.trigger, self.steps, self.terms))

    @model_validator(mode="after")
    def _one_journey(self) -> "DryRunRequest":
        if self.is_whole == (self.journey_id is not None):
            raise FieldNeeded("journey_id", "or a journey's trigger and steps are needed, and not both")
        if self.is_whole and self.version is not None:
            raise FieldNeeded("version", "is of a stored journey: name it as journey_id")
        return self


class SampleRun(View):
    """Somebody who would have entered, and what would have happened: `<step>:<outcome>`, in order."""

    contact_id: str
    path: list[str]


class DryRunView(View):
    """A dry run. The counts are of the contacts that were looked at: of all of them when `exact`, else of a random
    share; then `estimated_entered` is for all contacts, between `low` and `high` with 95 % confidence. They are whole
    when `state` is done.

    `entered` contacts would have entered `entries` times. `steps` count each step's outcomes (a branch's true and
    false, a split's path), `ended` why entries were over, `waiting` where the others would be now. `messages` are by
    day and channel; `withheld` are those that contacts could not get today, by reason.
    """

    job_id: str
    state: str
    journey_id: str | None
    version: int | None
    since: Instant
    until: Instant
    total_contacts: int
    looked_at: int
    exact: bool
    entered: int
    estimated_entered: int
    low: int
    high: int
    entries: int
    held_out: int
    steps: dict[str, dict[str, int]]
    ended: dict[str, int]
    waiting: dict[str, int]
    messages: dict[str, dict[str, int]]
    messages_total: int
    withheld: dict[str, int]
    sample: list[SampleRun]
    created_at: Instant
    finished_at: Instant | None


def begin(tenant: str, body: DryRunRequest, job_id: str, now: datetime) -> DryRunView:
    """Start one; the same id again is the stored one. Raises Invalid, NotReady, NotFound."""
    journey, version = None, None
    if body.is_whole:
        definition = planning.read(body, {})
        journey = model.make(tenant, job_id, "Dry run", definition, None, now, said=planning.said_in(body))
    else:
        journey = model.get(tenant, body.journey_id or "")
        version = body.version
        definition = model.version(tenant, journey.journey_id, version).read if version else journey.definition
    resolved = _resolved(journey, definition, None if version else journey.said)
    total = counts.total(tenant, contacts.KIND)
    row = DryRun(
        *DryRun.key(tenant, job_id), tenant=tenant, journey_id=body.journey_id and journey.journey_id, version=version,
        definition=resolved.stored, assumed=body.assume.model_dump(), since=now - timedelta(days=body.days), until=now,
        total=total, share=min(1.0, MOST_CONTACTS / total) if total else 1.0, numbers=nothing(), state="running",
        created_at=now, ttl=int((clock.wall() + KEPT).timestamp()),
    )  # fmt: skip
    try:
        row.create()
    except ConditionFailed as taken:
        row = DryRun.from_raw_data(taken.found or {})
    machines.start(DRY_RUN, job_id, {"tenant": tenant, "job": job_id})
    return view(row)


def _resolved(journey: Journey, definition: Definition, said: dict[str, Any] | None) -> Definition:
    """With ids for names. Messages need not be ready to be sent. Raises NotReady for a segment that there is not, named
    where it was `said`."""
    resolved, unknown = references.resolved(journey, definition, messages=False)
    if unknown:
        refused = lifecycle.NotReady("The journey names something that there is not; see details.", unknown)
        raise planning.located(refused, said)
    return resolved


def shown(tenant: str, job_id: str) -> DryRunView:
    """Raises NotFound."""
    row = DryRun.fetch(*DryRun.key(tenant, job_id))
    if row is None:
        raise NotFound("There is no such dry run; they are kept for two days.")
    return view(row)


def nothing() -> dict[str, Any]:
    """The counts of a dry run that has looked at nobody yet."""
    names = ("steps", "ended", "waiting", "messages", "withheld")
    zeros = dict.fromkeys(("looked_at", "entered", "entries", "held_out"), 0)
    return {**zeros, **{name: {} for name in names}, "sample": []}


def view(row: DryRun) -> DryRunView:
    numbers, total, share = row.numbers, int(row.total), float(row.share)
    exact, entered, looked_at = share >= 1.0, numbers["entered"], numbers["looked_at"]
    within = statistics.interval(entered, looked_at)
    guess = round(total * entered / looked_at) if looked_at else 0
    return DryRunView(
        job_id=row.job_id, state=row.state, journey_id=row.journey_id,
        version=None if row.version is None else int(row.version), since=row.since, until=row.until,
        total_contacts=total, looked_at=looked_at, exact=exact, entered=entered,
        estimated_entered=entered if exact else guess, low=entered if exact else int(within.low * total),
        high=entered if exact else -int(-within.high * total // 1), entries=numbers["entries"],
        held_out=numbers["held_out"], steps=numbers["steps"], ended=numbers["ended"], waiting=numbers["waiting"],
        messages=dict(sorted(numbers["messages"].items())),
        messages_total=sum(sum(day.values()) for day in numbers["messages"].values()), withheld=numbers["withheld"],
        sample=[SampleRun(contact_id=one, path=path) for one, path in numbers["sample"]], created_at=row.created_at,
        finished_at=row.finished_at,
    )  # fmt: skip
