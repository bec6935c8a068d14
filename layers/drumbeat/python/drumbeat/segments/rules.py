"""Dynamic segments: reading criteria, and what they say of a contact at a moment.

What criteria are made of is written down in criteria.py, for those who send them too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from drumbeat.errors import Detail
from drumbeat.segments.behaviour import DETAIL_DAYS, CampaignCondition, EventCondition
from drumbeat.segments.conditions import ConsentCondition, FieldCondition, SegmentCondition, TagCondition
from drumbeat.segments.criteria import KINDS, Criteria, Group, Leaf
from drumbeat.segments.facts import Facts
from drumbeat.segments.operators import NEGATED
from drumbeat.segments.values import day_start
from drumbeat.segments.windows import RELATIVE, merge

__all__ = [
    "Criteria", "CriteriaError", "Explanation", "Facts", "Needs", "References",
    "explain", "matches", "next_change", "parse", "references", "together",
]  # fmt: skip

MAX_DEPTH: Final = 10
MAX_CONDITIONS: Final = 100
_MOST_DAYS_TRIED: Final = 32
_LOGIC: Final = ("AND", "OR", "NOT")


class CriteriaError(ValueError):
    """Criteria that cannot be used. `details` names every bad field by its path (`conditions[1].value`); the criteria
    as a whole have an empty path."""

    def __init__(self, details: Sequence[Detail]) -> None:
        self.details = list(details)
        super().__init__("; ".join(f"{path or 'criteria'}: {message}" for path, message in self.details))


def parse(criteria: Mapping[str, object]) -> Criteria:
    """Raises `CriteriaError`."""
    reader = _Reader()
    found = reader.group(criteria, "", 1)
    if reader.problems or found is None:
        raise CriteriaError(reader.problems)
    return found


class _Reader:
    """Walks the groups by hand, so that size is checked before recursion and all problems come out at once."""

    def __init__(self) -> None:
        self.problems: list[Detail] = []
        self.conditions = 0
        self.groups = 0

    def refuse(self, path: str, message: str) -> None:
        self.problems.append(Detail(path, message))

    def group(self, raw: object, path: str, depth: int) -> Group | None:
        if not isinstance(raw, Mapping):
            self.refuse(path, "must be an object with `logic` and `conditions`")
            return None
        self.groups += 1
        if depth > MAX_DEPTH or self.groups > MAX_CONDITIONS:
            self.refuse(path, f"groups nest at most {MAX_DEPTH} deep, and there are at most {MAX_CONDITIONS}")
            return None
        for key in raw.keys() - {"logic", "conditions"}:
            self.refuse(_join(path, key), "is not a key of a group")
        logic = self._logic(raw.get("logic", "AND"), _join(path, "logic"))
        entries = self._entries(raw.get("conditions"), _join(path, "conditions"), logic, root=depth == 1)
        parts = [self.part(entry, _join(path, "conditions", index), depth) for index, entry in enumerate(entries)]
        read = tuple(part for part in parts if part is not None)
        # An incomplete group is never used: what is missing in it has left a problem.
        return Group.model_construct(logic=logic or "AND", conditions=read)

    def _logic(self, raw: object, path: str) -> str | None:
        if isinstance(raw, str) and raw.upper() in _LOGIC:
            return raw.upper()
        self.refuse(path, "must be AND, OR or NOT")
        return None

    def _entries(self, raw: object, path: str, logic: str | None, *, root: bool) -> Sequence[object]:
        if not isinstance(raw, list | tuple):
            self.refuse(path, "must be a list of conditions")
            return ()
        if not raw and not (root and logic == "AND"):
            self.refuse(path, "must have at least one condition")
        if logic == "NOT" and len(raw) > 1:
            self.refuse(path, "NOT takes one condition; put several into a group with AND or OR")
        if len(raw) > MAX_CONDITIONS:
            self.refuse(path, f"must have at most {MAX_CONDITIONS} conditions")
            return ()
        return raw

    def part(self, raw: object, path: str, depth: int) -> Group | Leaf | None:
        if isinstance(raw, Mapping) and ("conditions" in raw or "logic" in raw):
            return self.group(raw, path, depth + 1)
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            if self.conditions == MAX_CONDITIONS + 1:
                self.refuse("", f"must have at most {MAX_CONDITIONS} conditions")
            return None
        kind = next((KINDS[key] for key in KINDS if key in raw), None) if isinstance(raw, Mapping) else None
        if kind is None:
            self.refuse(path, f"must be a group, or a condition with one of: {', '.join(KINDS)}")
            return None
        try:
            return kind.model_validate(raw)
        except ValidationError as invalid:
            self.problems += _details(path, invalid)
            return None


def _details(path: str, invalid: ValidationError) -> list[Detail]:
    found: list[Detail] = []
    for error in invalid.errors(include_url=False, include_input=False):
        inner: Sequence[tuple[str, str]] | None = error.get("ctx", {}).get("problems")
        if inner is not None:
            found += [Detail(_join(path, at), message) for at, message in inner]
        else:
            found.append(Detail(_join(path, *error["loc"]), error["msg"].removeprefix("Value error, ")))
    return found


def _join(path: str, *parts: object) -> str:
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def matches(criteria: Criteria, facts: Facts, now: datetime, zone: ZoneInfo) -> bool:
    """Whether the contact belongs to the segment at this moment. `now` is aware."""
    return criteria.holds(facts, _today(now, zone), zone)


def _today(now: datetime, zone: ZoneInfo) -> date:
    if now.tzinfo is None:
        raise ValueError("now must be aware")
    return now.astimezone(zone).date()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why: the criteria's tree, each part with whether it held. `condition` is the part as JSON (a group's logic),
    `actual` what the contact has: a value, a count, a status, whether it has the tag, its place in 0 to 100."""

    path: str
    condition: Mapping[str, object]
    held: bool
    actual: object = None
    parts: tuple["Explanation", ...] = ()


def explain(criteria: Criteria, facts: Facts, now: datetime, zone: ZoneInfo) -> Explanation:
    return _explain(criteria, "", facts, _today(now, zone), zone)


def _explain(part: Group | Leaf, path: str, facts: Facts, today: date, zone: ZoneInfo) -> Explanation:
    held = part.holds(facts, today, zone)
    if not isinstance(part, Group):
        return Explanation(path, part.model_dump(mode="json", exclude_none=True), held, part.actual(facts, today, zone))
    parts = tuple(
        _explain(inner, _join(path, "conditions", index), facts, today, zone)
        for index, inner in enumerate(part.conditions)
    )
    return Explanation(path, {"logic": part.logic}, held, None, parts)


def next_change(criteria: Criteria, facts: Facts, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The earliest instant (UTC) after `now` at which time alone could change `matches`: early at times, never late.

    None: only a change of the facts can. Results change at local midnights only, so it tries the days that the
    conditions name, and settles for an early answer after some tens of them or where anniversaries go on forever.
    """
    today = _today(now, zone)
    changes = merge(leaf.changes(facts, today, zone) for leaf in criteria.leaves())
    until = changes.until
    days = sorted(day for day in changes.days if day > today and (until is None or day < until))
    if len(days) > _MOST_DAYS_TRIED:
        until, days = days[_MOST_DAYS_TRIED], days[:_MOST_DAYS_TRIED]
    if not days and until is None:
        return None
    held = criteria.holds(facts, today, zone)
    flipped = next((day for day in days if criteria.holds(facts, day, zone) is not held), until)
    return None if flipped is None else day_start(flipped, zone)


@dataclass(frozen=True, slots=True)
class Needs:
    """What of a contact's events an evaluation reads: counts by day of `counted`, and the single events of `detailed`
    in the last `days`."""

    counted: frozenset[str] = frozenset()
    detailed: frozenset[str] = frozenset()
    days: int = 0


@dataclass(frozen=True, slots=True)
class References:
    """What criteria name. `fields` are as written (`city`, `attributes.city`, `email`); `events` are all whose
    happening can change the answer."""

    fields: frozenset[str]
    events: frozenset[str]
    tags: frozenset[str]
    consents: frozenset[str]
    segments: frozenset[str]
    uses_time: bool
    """False: `next_change` is None for every contact."""
    needs: Needs


def references(criteria: Criteria) -> References:
    leaves = list(criteria.leaves())
    needs = together(_needs(leaf) for leaf in leaves)
    return References(
        fields=frozenset(leaf.field for leaf in leaves if isinstance(leaf, FieldCondition)),
        events=needs.counted | needs.detailed,
        tags=frozenset(leaf.tag for leaf in leaves if isinstance(leaf, TagCondition)),
        consents=frozenset(leaf.consent for leaf in leaves if isinstance(leaf, ConsentCondition)),
        segments=frozenset(leaf.segment for leaf in leaves if isinstance(leaf, SegmentCondition)),
        uses_time=any(_uses_time(leaf) for leaf in leaves),
        needs=needs,
    )


def together(parts: Iterable[Needs]) -> Needs:
    """What several evaluations read."""
    found = list(parts)
    return Needs(
        frozenset().union(*(part.counted for part in found)), frozenset().union(*(part.detailed for part in found)),
        max((part.days for part in found), default=0),
    )  # fmt: skip


def _needs(leaf: Leaf) -> Needs:
    if isinstance(leaf, CampaignCondition):
        return Needs(detailed=frozenset(leaf.events), days=DETAIL_DAYS)
    if not isinstance(leaf, EventCondition):
        return Needs()
    named = frozenset({leaf.event})
    return Needs(detailed=named, days=leaf.days or 0) if leaf.detailed else Needs(counted=named)


def _uses_time(leaf: Leaf) -> bool:
    if isinstance(leaf, FieldCondition):
        return NEGATED.get(leaf.operator, leaf.operator) in RELATIVE
    return isinstance(leaf, CampaignCondition) or (isinstance(leaf, EventCondition) and leaf.days is not None)
