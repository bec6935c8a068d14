"""Journeys: what starts them, which steps they have, and the versions that were published.

    pk                                    sk         gsi1pk               gsi1sk      gsi2pk           gsi2sk
    JOURNEY#<tenant>#<journey>            JOURNEY    JOURNEYS#<tenant>#…  <journey>   DUE#journeys#0   <business time>
    JOURNEYVERSION#<tenant>#<journey>     <number>   -                    -           -                -
    COUNT#<tenant>#journeys_<face>        <shard>    see drumbeat.counts
    SLUG#<tenant>#journey#<slug>          SLUG       see drumbeat.slugs

A journey is due when its trigger is a schedule or a date: then somebody is to be enrolled. A version is frozen when it
is published and never written again, but for `moved_to`. Journeys are listed by face, archived ones apart from them:
JOURNEYS#<tenant>#<face>, JOURNEYS#<tenant>#archived.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

from pynamodb.attributes import BooleanAttribute, JSONAttribute

from drumbeat import counts, ids, slugs, table
from drumbeat.errors import Conflict, NotFound
from drumbeat.journeys.steps import Definition
from drumbeat.table import (
    ConditionFailed,
    Entity,
    InstantAttribute,
    NumberAttribute,
    Transaction,
    TransactionRefused,
    UnicodeAttribute,
    index,
)

KIND = "journey"
ARCHIVED = "archived"
# Faces of which a tenant has so many at most (accounts.automation): those are counted in one place.
LIMITED = ("rule", "sequence")
PREFIX = "jrn"
# Journeys that somebody is to be enrolled in at a time.
DUE = "DUE#journeys#0"


class Status(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


class Face(StrEnum):
    """As what it was made; a journey is the same thing behind every face."""

    JOURNEY = "journey"
    WORKFLOW = "workflow"
    RULE = "rule"
    SEQUENCE = "sequence"


class WrongStatus(Conflict):
    """The journey is not in a state in which this can be done."""

    code = "JOURNEY_STATUS"


class TooMany(Conflict):
    """The tenant has as many automation rules, or sequences, as it may have."""

    code = "AUTOMATION_LIMIT"

    @classmethod
    def of(cls, face: str, most: int) -> "TooMany":
        return cls(
            f"There are {most} {face}s, and no more are allowed. Archive one that nobody needs, make a workflow"
            f" instead, or raise `automation` in the settings."
        )


class Journey(Entity):
    """A journey. `draft` is a `steps.Definition` as JSON: what the next version will be. `version` is the latest that
    was published, 0 before the first.

    `reason` says why it is paused, `paused_at` since when (business time); `pauses` counts the pauses. `said` keeps
    what the face that it was made with said of it.
    """

    TYPE = "JOURNEY"
    INDEX_TYPES = {"gsi1": "JOURNEYS", "gsi2": "DUE"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    tenant = UnicodeAttribute()
    journey_id = UnicodeAttribute()
    face = UnicodeAttribute(default=Face.JOURNEY.value)
    name = UnicodeAttribute()
    names = JSONAttribute(default=dict)
    description = UnicodeAttribute(null=True)
    slug = UnicodeAttribute(null=True)
    status = UnicodeAttribute(default=Status.DRAFT.value)
    reason = UnicodeAttribute(null=True)
    draft = JSONAttribute()
    said = JSONAttribute(null=True)
    version = NumberAttribute(default=0)
    changed = BooleanAttribute(default=True)
    pauses = NumberAttribute(default=0)
    paused_at = InstantAttribute(null=True)
    activated_at = InstantAttribute(null=True)
    archived_at = InstantAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    updated_at = InstantAttribute()

    @staticmethod
    def key(tenant: str, journey_id: str) -> tuple[str, str]:
        return f"JOURNEY#{tenant}#{journey_id}", "JOURNEY"

    @staticmethod
    def partition(tenant: str, listed: str) -> str:
        """The index partition of a face's journeys, or of those that are archived."""
        return f"JOURNEYS#{tenant}#{listed}"

    @property
    def definition(self) -> Definition:
        """The draft, read."""
        return Definition.model_validate(self.draft)

    def require(self, *statuses: Status) -> None:
        """Raise WrongStatus unless the journey is in one of these states."""
        if self.status not in statuses:
            allowed = " or ".join(statuses)
            raise WrongStatus(f"The journey is {self.status}; this needs it to be {allowed}.")


class JourneyVersion(Entity):
    """What a journey was when it was published. `moved_to` is the version that those inside go on with, if not with
    this one."""

    TYPE = "JOURNEYVERSION"
    LEDGER = True

    definition = JSONAttribute()
    published_at = InstantAttribute()
    published_by = UnicodeAttribute(null=True)
    moved_to = NumberAttribute(null=True)

    @staticmethod
    def partition(tenant: str, journey_id: str) -> str:
        return f"JOURNEYVERSION#{tenant}#{journey_id}"

    @staticmethod
    def key(tenant: str, journey_id: str, number: int) -> tuple[str, str]:
        return JourneyVersion.partition(tenant, journey_id), f"{number:06d}"

    @property
    def number(self) -> int:
        return int(self.sk)

    @property
    def read(self) -> Definition:
        """The definition, read."""
        return Definition.model_validate(self.definition)


def counted(listed: str) -> str:
    """What the journeys of a face, or the archived ones, are counted as (drumbeat.counts)."""
    return f"journeys_{listed}"


def add(journey: Journey, most: int | None = None) -> Journey:
    """Store a new journey, if its face has fewer than `most`. Its id made again (by an Idempotency-Key) gives the
    stored one. Raises TooMany."""
    journey.slug = slugs.claim(journey.tenant, KIND, journey.name, journey.journey_id)
    transaction = Transaction().create(journey)
    if most is None:
        counts.into(transaction, journey.tenant, counted(journey.face), journey.journey_id, 1)
    else:
        counts.within(transaction, journey.tenant, counted(journey.face), most)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        if refused.found[0]:
            return Journey.from_raw_data(refused.found[0])
        if journey.slug:
            slugs.release(journey.tenant, KIND, journey.slug, journey.journey_id)
        raise TooMany.of(journey.face, most or 0) from refused
    return journey


def make(
    tenant: str, journey_id: str, name: str, definition: Definition, actor: str | None, now: datetime, **values: Any
) -> Journey:
    """A new draft, not stored yet; `values` are other attributes (face, names, description, said)."""
    listed = Journey.partition(tenant, values.get("face", Face.JOURNEY.value))
    return Journey(
        *Journey.key(tenant, journey_id), gsi1pk=listed, gsi1sk=journey_id, tenant=tenant,
        journey_id=journey_id, name=name, draft=definition.stored, created_by=actor, created_at=now, updated_at=now,
        **values,
    )  # fmt: skip


def get(tenant: str, reference: str) -> Journey:
    """By id or slug. Raises NotFound, also for a journey of another tenant."""
    journey_id = slugs.resolve(tenant, KIND, PREFIX, reference, "journey")
    found = Journey.fetch(*Journey.key(tenant, journey_id))
    if found is None:
        raise NotFound("There is no such journey. List journeys to see their ids.")
    return found


def version(tenant: str, journey_id: str, number: int) -> JourneyVersion:
    """A published version. Raises NotFound."""
    found = JourneyVersion.fetch(*JourneyVersion.key(tenant, journey_id, number))
    if found is None:
        raise NotFound("The journey has no such version. List its versions.")
    return found


def versions(tenant: str, journey_id: str) -> Iterator[JourneyVersion]:
    """The published versions, the latest first."""
    return table.rows(JourneyVersion, JourneyVersion.partition(tenant, journey_id), newest_first=True)


def change(journey: Journey, now: datetime, **values: Any) -> Journey:
    """Set attributes (None removes one) if nobody has changed the journey meanwhile. Raises Conflict."""
    try:
        journey.change(*actions({**values, "updated_at": now}), unchanged=True)
    except ConditionFailed as error:
        raise Conflict("The journey was changed by somebody else at the same time. Read it and try again.") from error
    return journey


def unlist(journey: Journey, now: datetime, **values: Any) -> Journey:
    """Move it to the archived ones, and set attributes (None removes one). Raises Conflict."""
    moved = {"gsi1pk": Journey.partition(journey.tenant, ARCHIVED), "archived_at": now, "updated_at": now, **values}
    transaction = Transaction().update(Journey, journey.pk, journey.sk, actions(moved), journey.unchanged())
    if journey.face in LIMITED:
        counts.less(transaction, journey.tenant, counted(journey.face))
    else:
        counts.into(transaction, journey.tenant, counted(journey.face), journey.journey_id, -1)
    counts.into(transaction, journey.tenant, counted(ARCHIVED), journey.journey_id, 1)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        raise Conflict("The journey was changed by somebody else at the same time. Read it and try again.") from refused
    journey.refresh(consistent_read=True)
    return journey


def actions(values: dict[str, Any]) -> list[Any]:
    """The update that sets attributes of a journey; None removes one."""
    return [
        getattr(Journey, name).remove() if value is None else getattr(Journey, name).set(value)
        for name, value in values.items()
    ]


def new_id() -> str:
    return ids.new(PREFIX)
