"""A tenant's segment definitions as evaluations use them: parsed, with references between segments resolved."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from drumbeat import slugs, table
from drumbeat.activity import interest
from drumbeat.activity.interest import Interest
from drumbeat.errors import Detail, Invalid
from drumbeat.segments.audience import audience_filters, equals_all
from drumbeat.segments.model import Definitions, Segment, State
from drumbeat.segments.rules import Criteria, CriteriaError, References, parse, references


class CriteriaRefused(Invalid):
    """Every bad field is named by its path below `criteria`."""

    @classmethod
    def because(cls, error: CriteriaError) -> "CriteriaRefused":
        details = [detail._replace(field=f"criteria.{detail.field}".rstrip(".")) for detail in error.details]
        return cls("The criteria are not valid; see details.", details)


@dataclass(frozen=True, slots=True)
class Definition:
    """One segment. `criteria` name other segments by id; a hidden one is the filter of a campaign."""

    segment_id: str
    dynamic: bool
    criteria: Criteria
    references: References
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """The definitions at one `number`, each behind those that it refers to."""

    number: int
    all: Mapping[str, Definition] = field(default_factory=dict)

    def affected(self, scope: Collection[str] | None) -> list[Definition]:
        """The segments of a scope (None: all) and those whose answer depends on them."""
        if scope is None:
            return list(self.all.values())
        found: set[str] = set()
        for definition in self.all.values():
            if definition.segment_id in scope or definition.references.segments & found:
                found.add(definition.segment_id)
        return [definition for definition in self.all.values() if definition.segment_id in found]

    def needed(self, definitions: Iterable[Definition]) -> list[Definition]:
        """These, and all that they refer to."""
        found: set[str] = {definition.segment_id for definition in definitions}
        for definition in reversed(list(self.all.values())):
            if definition.segment_id in found:
                found |= definition.references.segments
        return [definition for definition in self.all.values() if definition.segment_id in found]

    def using_event(self, name: str) -> set[str]:
        """The segments whose own conditions look at an event."""
        return {one.segment_id for one in self.all.values() if name in one.references.events}


# What happens to every mail, and is not counted by day as opens and clicks are.
_MASS = frozenset(f"{channel}.{kind}" for channel in ("email", "sms") for kind in ("sent", "delivered"))
_kept: dict[str, Known] = {}


def of(tenant: str) -> Known:
    """The definitions as they are now: one small read when they have not changed. Reads Definitions, Segment.

    The number is read consistently each time. That makes backfills complete: who evaluates a contact and does not see a
    new definition did so before it was made, hence before its backfill reads the contact.
    """
    return _known(tenant, Definitions.fetch(*Definitions.key(tenant)))


def _known(tenant: str, row: Definitions | None) -> Known:
    number = int(row.number) if row else 0
    known = _kept.get(tenant)
    if known is None or known.number != number:
        rows = Segment.many(Segment.key(tenant, one) for one in sorted((row and row.segments) or ()))
        known = Known(number, _ordered([one for one in rows if one.state != State.DELETING]))
        if len(_kept) > 200:
            _kept.clear()
        _kept[tenant] = known
    return known


class Marks(NamedTuple):
    """The events of messages whose timeline rows are to be marked. `asked` reach evaluation: those that segments look
    at, as far as they happen to every mail and nobody counts them by day. `waited` reach whoever waits for them."""

    asked: frozenset[str]
    waited: frozenset[str]


def marks(tenant: str) -> Marks:
    """As they are now, in one request. Reads Definitions, Segment, Interest."""
    keys = Definitions.key(tenant), Interest.key(tenant)
    items = {item["pk"]["S"]: item for item in table.raw_many(keys)}
    definitions, waiting = (items.get(pk) for pk, _ in keys)
    known = _known(tenant, Definitions.from_raw_data(definitions) if definitions else None)
    return Marks(
        _MASS & frozenset().union(*(one.references.needs.detailed for one in known.all.values())),
        interest.names(Interest.from_raw_data(waiting) if waiting else None),
    )


def forget() -> None:
    """Drop what this instance keeps."""
    _kept.clear()


def _ordered(rows: list[Segment]) -> dict[str, Definition]:
    names = {row.slug: row.segment_id for row in rows if row.slug}
    unplaced = {row.segment_id: _definition(row, names) for row in rows}
    placed: dict[str, Definition] = {}

    def place(definition: Definition) -> None:
        unplaced.pop(definition.segment_id, None)
        for other in sorted(definition.references.segments):
            if other in unplaced:
                place(unplaced[other])
        placed[definition.segment_id] = definition

    while unplaced:
        place(next(iter(unplaced.values())))
    return placed


def _definition(row: Segment, names: Mapping[str, str]) -> Definition:
    criteria = parse(resolved(tree(row.criteria or {}), names))
    return Definition(row.segment_id, row.dynamic, criteria, references(criteria), bool(row.hidden))


def tree(criteria: Mapping[str, Any]) -> Mapping[str, Any]:
    """Criteria as rules read them: a plain mapping of fields to values says what each must equal."""
    return criteria if "conditions" in criteria or "logic" in criteria else equals_all(criteria)


def resolved(part: Any, names: Mapping[str, str]) -> Any:
    """Criteria in which segments that are named by slug are named by id."""
    if not isinstance(part, Mapping):
        return part
    if isinstance(part.get("conditions"), list):
        return {**part, "conditions": [resolved(inner, names) for inner in part["conditions"]]}
    name = part.get("segment")
    return {**part, "segment": names.get(slugs.of(name), name)} if isinstance(name, str) else part


def checked(tenant: str, criteria: Mapping[str, object], segment_id: str | None = None) -> Criteria:
    """The criteria, with references resolved, as those of this segment. Raises CriteriaRefused: also for a segment that
    there is not, and one that refers, through others, to itself."""
    try:
        asked = parse(tree(criteria))  # before anything else walks them: now their depth is bounded
        known = of(tenant)
        names = _names(tenant, references(asked).segments, known)
        read = parse(resolved(tree(criteria), names))
    except CriteriaError as error:
        raise CriteriaRefused.because(error) from error
    for name in sorted(references(read).segments):
        if name not in known.all:
            raise CriteriaRefused.field("criteria", f"there is no segment {name!r}")
        if segment_id in {one.segment_id for one in known.needed([known.all[name]])}:
            raise CriteriaRefused.field("criteria", f"the segment {name!r} refers to this one")
    return read


def check_filters(tenant: str, filters: Mapping[str, object], named: str) -> None:
    """Raises Invalid, with the request's field that is `named`, for filters of an audience that are no criteria."""
    try:
        checked(tenant, audience_filters(filters))
    except CriteriaRefused as refused:
        said = dict.fromkeys(Detail(named, detail.message) for detail in refused.details)
        raise Invalid("The audience's filters are not valid; see details.", list(said)) from refused


def _names(tenant: str, wanted: Collection[str], known: Known) -> dict[str, str]:
    """Slug → id of the segments that are named so."""
    keys = {slugs.of(name): slugs.Slug.key(tenant, "segment", name) for name in wanted if name not in known.all}
    rows = {row.pk: row.target for row in slugs.Slug.many(keys.values())}
    return {slug: rows[key[0]] for slug, key in keys.items() if key[0] in rows}
