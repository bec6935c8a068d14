"""Creating, changing and deleting segments. What evaluations know (`Definitions`) changes in the same transaction."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pynamodb.expressions.update import Action

from drumbeat import clock, machines, slugs, table
from drumbeat.errors import Conflict, NotFound
from drumbeat.segments import definitions, figures, history, model
from drumbeat.segments.definitions import CriteriaRefused
from drumbeat.segments.history import SegmentVersion
from drumbeat.segments.model import BACKFILL, BACKFILLS, KIND, Definitions, Segment, State
from drumbeat.slugs import Slug
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

if TYPE_CHECKING:  # a campaign that makes a hidden segment has no use for what requests say of segments
    from drumbeat.segments.views import NewSegment, SegmentChange

# Every change of a contact is held against all of a tenant's segments.
MOST_SEGMENTS = 300
# Wall time after which work on a segment counts as lost; a round takes less than half of it.
LOST_AFTER = timedelta(minutes=2)
# What functions that make, change or delete segments declare.
WRITES = (Segment, SegmentVersion, Definitions, Slug)


class TooManySegments(Conflict):
    code = "TOO_MANY_SEGMENTS"


class SegmentInUse(Conflict):
    code = "SEGMENT_IN_USE"


def lost_at() -> str:
    """When a segment in work is to be swept, if nobody goes on with it: wall time, as it is a lease."""
    return clock.iso(clock.wall() + LOST_AFTER)


def held_until_swept() -> list[Action]:
    """The update that says that somebody works on the segment."""
    return [Segment.gsi2pk.set(BACKFILLS), Segment.gsi2sk.set(lost_at())]


def create(
    tenant: str, new: "NewSegment", *, segment_id: str, created_by: str, now: datetime, hidden: bool = False
) -> Segment:
    """Create a segment and start finding its members; made again with its id it is the stored one. A hidden one is in
    no list and has no slug: it is the filter of a campaign. One without criteria is an empty list, and ready.

    Raises CriteriaRefused, TooManySegments.
    """
    if new.criteria is not None:
        definitions.checked(tenant, new.criteria)
    if model.evaluated(tenant) >= MOST_SEGMENTS:
        raise TooManySegments(f"A tenant has at most {MOST_SEGMENTS} segments. Delete one that is not used any more.")
    segment = _built(tenant, new, segment_id, created_by, now, hidden)
    transaction = Transaction().create(segment)
    if not hidden:
        transaction.put(history.version(segment, 1, new.criteria, now))
    _announce(transaction, tenant, Definitions.segments.add({segment_id}))
    try:
        transaction.commit()
    except TransactionRefused as refused:
        segment = Segment.from_raw_data(refused.found[0] or {})
    if segment.state == State.BUILDING:
        start(segment)
    return segment


def _built(tenant: str, new: "NewSegment", segment_id: str, created_by: str, now: datetime, hidden: bool) -> Segment:
    """A segment that is not stored yet, whose name is claimed."""
    slug = None if hidden else slugs.claim(tenant, KIND, new.name, segment_id)
    empty = new.criteria is None
    waits: dict[str, Any] = figures.next_measure(now) if empty else {"gsi2pk": BACKFILLS, "gsi2sk": lost_at()}
    return Segment(
        *Segment.key(tenant, segment_id), gsi1pk=None if hidden else Segment.partition(tenant),
        gsi1sk=None if hidden else segment_id, tenant=tenant, segment_id=segment_id, hidden=hidden, name=new.name,
        names=new.names, description=new.description, segment_type=new.segment_type,
        kind="dynamic" if new.dynamic else "static", double_opt_in=new.double_opt_in or None, criteria=new.criteria,
        state=State.READY if empty else State.BUILDING, slug=slug, created_by=created_by, created_at=now,
        updated_at=now, **waits,
    )  # fmt: skip


def _announce(transaction: Transaction, tenant: str, *actions: Action) -> None:
    transaction.update(Definitions, *Definitions.key(tenant), [Definitions.number.add(1), *actions])


def start(segment: Segment, phase: str = "evaluate", again: str = "") -> None:
    """Start the machine that works on a segment, once for each version and `again`."""
    machines.start(
        BACKFILL,
        f"{segment.segment_id}-{segment.version}-{phase}{again and '-' + again}",
        {"tenant": segment.tenant, "segment": segment.segment_id, "version": int(segment.version), "phase": phase},
    )


def change(tenant: str, reference: str, said: "SegmentChange", now: datetime) -> Segment:
    """Change a segment. Its slug stays. Raises NotFound, CriteriaRefused, Conflict."""
    segment = model.get(tenant, reference)
    values = said.model_dump(exclude_unset=True, exclude={"criteria"})
    actions: list[Action] = [getattr(Segment, name).set(value) for name, value in values.items() if value is not None]
    actions += [getattr(Segment, name).remove() for name, value in values.items() if value is None and name != "names"]
    actions.append(Segment.updated_at.set(now))
    if values.get("names", {}) is None:
        actions.append(Segment.names.set({}))
    if said.criteria is None or said.criteria == segment.criteria:
        try:
            segment.change(*actions, condition=Segment.state != State.DELETING)
        except ConditionFailed as refused:
            raise NotFound("There is no such segment any more.") from refused
        return segment
    return _redefine(segment, said.criteria, actions, now)


def _redefine(segment: Segment, criteria: Mapping[str, Any], actions: list[Action], now: datetime) -> Segment:
    """New criteria. The check for circles holds only while nobody changes another definition, so the transaction
    requires that of `Definitions.number`."""
    tenant, segment_id, version = segment.tenant, segment.segment_id, int(segment.version)
    if not segment.dynamic:
        raise CriteriaRefused.field(
            "criteria", "cannot change: a static segment keeps its members; add and remove them"
        )
    number = definitions.of(tenant).number
    definitions.checked(tenant, criteria, segment_id)
    transaction = Transaction().update(
        Segment,
        *Segment.key(tenant, segment_id),
        [
            *actions, *held_until_swept(), Segment.criteria.set(dict(criteria)), Segment.version.set(version + 1),
            Segment.state.set(State.BUILDING),
        ],
        (Segment.version == version) & (Segment.state != State.DELETING),
    )  # fmt: skip
    transaction.put(history.version(segment, version + 1, criteria, now))
    bump = [Definitions.number.add(1)]
    transaction.update(Definitions, *Definitions.key(tenant), bump, Definitions.number == number)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        raise Conflict("Segments were changed at the same time. Read the segment and try again.") from refused
    changed = model.get(tenant, segment_id)
    start(changed)
    return changed


def delete(tenant: str, reference: str) -> Segment:
    """Delete a segment: at once for everyone who asks, its members in the background. Raises NotFound, SegmentInUse."""
    segment = model.get(tenant, reference)
    users = [one.segment_id for one in definitions.of(tenant).all.values()
             if segment.segment_id in one.references.segments]  # fmt: skip
    if users:
        raise SegmentInUse(f"The segment {users[0]} refers to this one. Change or delete it first.")
    transaction = Transaction().update(
        Segment,
        *Segment.key(tenant, segment.segment_id),
        [
            *held_until_swept(), Segment.state.set(State.DELETING), Segment.gsi1pk.remove(), Segment.gsi1sk.remove(),
        ],
        Segment.pk.exists(),
    )  # fmt: skip
    _announce(transaction, tenant, Definitions.segments.delete({segment.segment_id}))
    try:
        transaction.commit()
    except TransactionRefused as refused:
        raise NotFound("There is no such segment any more.") from refused
    if segment.slug:
        slugs.release(tenant, KIND, segment.slug, segment.segment_id)
    start(segment, "remove")
    return segment


def remove_rows(tenant: str, segment_id: str, shard: int) -> None:
    """Delete the members, watches and history of one shard of a segment."""
    for kind in (model.Member, model.Watch):
        pk = kind.partition(tenant, segment_id, shard)
        keys = ((pk, row["sk"]["S"]) for row in model.raw_members(tenant, segment_id, shard, only=["sk"], model=kind))
        table.write_many(deletes=keys)
    history.remove(tenant, segment_id, shard)
