"""Why a contact is in a segment or not: each condition, whether it held, and what the contact has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic_core import to_jsonable_python

from drumbeat import clock
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.activity.model import RollUp, Timeline
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.segments import definitions, model, people
from drumbeat.segments.definitions import Definition
from drumbeat.segments.facts import Facts
from drumbeat.segments.model import Definitions, Member, Segment
from drumbeat.segments.rules import Explanation, explain, matches, next_change, together
from drumbeat.segments.views import ExplanationView, Part
from drumbeat.slugs import Slug

# What a function that explains declares.
READS = (Tenant, Contact, RollUp, Timeline, Definitions, Segment, Member, Slug)


@dataclass(slots=True)
class _Case:
    """One contact at one moment, and the segments that an explanation needs; those in `told` were explained."""

    facts: Facts
    now: datetime
    zone: ZoneInfo
    needed: Mapping[str, Definition]
    lists: Mapping[str, bool]
    told: set[str] = field(default_factory=set)

    def of(self, segment_id: str) -> Part:
        """The explanation of one segment; that of a list is whether the contact is on it."""
        self.told.add(segment_id)
        if segment_id in self.lists:
            on_it = self.lists[segment_id]
            return Part(path="", condition={"list": segment_id}, held=on_it, actual=on_it)
        return self.part(explain(self.needed[segment_id].criteria, self.facts, self.now, self.zone))

    def part(self, told: Explanation) -> Part:
        parts = [self.part(inner) for inner in told.parts]
        segment_id = told.condition.get("segment")
        # The same segment is explained where it comes first: a few that refer to each other would be endless lines.
        if isinstance(segment_id, str) and segment_id in self.needed and segment_id not in self.told:
            parts = [self.of(segment_id)]
        return Part(
            path=told.path, condition=_plain(dict(told.condition)), held=told.held, actual=_plain(told.actual),
            parts=parts,
        )  # fmt: skip


def explained(tenant: str, reference: str, contact_id: str, now: datetime) -> ExplanationView:
    """Raises NotFound for an unknown segment or contact. Reads `READS`.

    Segments that conditions refer to are evaluated too, and explained within: their answer is that of now.
    """
    segment, contact = model.get(tenant, reference), contacts.get(tenant, contact_id)
    about, known = settings.of(tenant), definitions.of(tenant)
    one = known.all.get(segment.segment_id)
    needed = {other.segment_id: other for other in known.needed([one])} if one else {}
    inside = people.segments(tenant, [contact.contact_id], {*needed, segment.segment_id}).get(contact_id, set())
    needs = together(other.references.needs for other in needed.values())
    facts = people.load(tenant, [contact_id], needs, about)[contact.contact_id].facts
    case = _case(segment, facts, needed, inside, now, ZoneInfo(about.time_zone))
    explanation = case.of(segment.segment_id)
    held = Member.fetch(*Member.key(tenant, segment.segment_id, contact_id))
    return ExplanationView(
        segment_id=segment.segment_id,
        contact_id=contact_id,
        member=held is not None,
        since=held.since if held else None,
        matches=explanation.held,
        next_change=next_change(one.criteria, case.facts, now, case.zone) if one and one.dynamic else None,
        explanation=explanation,
    )


def _case(
    segment: Segment, facts: Facts, needed: Mapping[str, Definition], stored: set[str], now: datetime, zone: ZoneInfo
) -> _Case:
    """The case, with the segments that the contact is in now: each is behind those that it refers to."""
    inside: set[str] = set()
    for one in needed.values():
        held = matches(one.criteria, people.within(facts, inside), now, zone) if one.dynamic else (
            one.segment_id in stored
        )  # fmt: skip
        if held:
            inside.add(one.segment_id)
    lists = {one.segment_id: one.segment_id in stored for one in needed.values() if not one.dynamic}
    if segment.criteria is None:
        lists[segment.segment_id] = segment.segment_id in stored
    else:
        # Asked for itself, a static segment tells whether its criteria would hold today.
        lists.pop(segment.segment_id, None)
    return _Case(people.within(facts, inside), now, zone, needed, lists)


def _plain(value: object) -> Any:
    """As JSON: money as a number, instants as ISO 8601 in UTC, tags in the order of text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return clock.iso(value) if isinstance(value, datetime) and value.tzinfo else to_jsonable_python(value)
