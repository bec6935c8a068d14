"""After any changes, with records in any order, any number of times, membership is what evaluating everyone gives; and
what it was at any moment before can still be told."""

import random
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat import clock
from drumbeat.accounts import settings
from drumbeat.activity.model import RollUp
from drumbeat.contacts import changes as contact_changes
from drumbeat.contacts import model as contacts
from drumbeat.contacts.views import ContactChange
from drumbeat.segments import backfill, changes, definitions, history, membership, people, records
from drumbeat.segments.events import Telling
from drumbeat.segments.model import Member
from drumbeat.segments.rules import together
from drumbeat.segments.views import SegmentChange
from drumbeat.stream import Record
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from tests.unit.segments.conftest import (
    TENANT,
    contact,
    in_city,
    members,
    segment,
)
from tests.world import World

CITIES = ("Dhaka", "Rome", "Oslo")
CRITERIA: list[dict[str, Any]] = [
    in_city("Dhaka"),
    {"logic": "OR", "conditions": [{"field": "city", "operator": "in", "value": ["Rome", "Oslo"]}, {"tag": "vip"}]},
    {"logic": "AND", "conditions": [{"event": "visit", "count": {"operator": "greater_or_equal", "value": 2}}]},
    {"logic": "NOT", "conditions": [{"event": "visit", "within_days": 7}]},
    {"logic": "AND", "conditions": [{"segment": "s0"}, {"segment": "s3"}]},
    {"logic": "AND", "conditions": [{"sample_percent": 50, "from_percent": 25}, {"segment": "s1"}]},
]
STEPS = st.lists(
    st.tuples(st.sampled_from(("move", "visit", "redefine", "walk", "deliver")), st.integers(0, 4), st.integers(0, 2)),
    min_size=5,
    max_size=25,
)


@given(STEPS, st.randoms(use_true_random=False))
@how(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_membership_is_what_evaluating_everyone_gives(
    world: World, steps: list[tuple[str, int, int]], chance: random.Random
) -> None:
    base = _base(world)
    pending: list[Record] = []
    walks: list[dict[str, Any]] = []
    past: list[tuple[datetime, dict[str, set[str]]]] = []
    day = clock.business().date().isoformat()
    for step, who, which in steps:
        contact_id = base["contacts"][who]
        if step == "move":
            said = ContactChange(attributes={"city": CITIES[which]})
            contact_changes.change(TENANT, contact_id, said, clock.business())
            pending.append(Record("MODIFY", f"CONTACT#{TENANT}#{contact_id}", "CONTACT", {}, {}))
        elif step == "visit":
            RollUp.change_at(*RollUp.key(TENANT, contact_id, "visit", day), RollUp.times.add(1))
            pending.append(Record("INSERT", f"ROLLUP#{TENANT}#{contact_id}", f"visit#{day}", {}, {}))
        elif step == "redefine":
            new = SegmentChange(criteria=in_city(CITIES[which]))
            made = changes.change(TENANT, base["segments"][0], new, clock.business())
            walks.append({"tenant": TENANT, "segment": made.segment_id, "version": made.version, "phase": "evaluate"})
        elif step == "walk":
            walks = [backfill.round_of(walk) for walk in walks if not walk.get("done")]
        elif pending:
            assert records.evaluate(chance.choices(pending, k=3)) is None  # some may come again below
            if not past:
                past.append((_apart(), {one: members(one) for one in base["segments"]}))
                _apart()
    chance.shuffle(pending)
    assert records.evaluate([*pending, *pending[:2]]) is None
    while walks:
        walks = [after for walk in walks if not (after := backfill.round_of(walk)).get("done")]

    expected = _recomputed()
    assert {one: members(one) for one in base["segments"]} == {one: expected[one] for one in base["segments"]}
    for moment, then in past:
        found = {one: {stay.contact_id for stay in history.at(TENANT, one, moment)} for one in base["segments"]}
        assert found == then


def _apart() -> datetime:
    """A moment that no change has: they are told apart by the millisecond."""
    time.sleep(0.002)
    return clock.business()


_bases: dict[int, dict[str, list[str]]] = {}


def _base(world: World) -> dict[str, list[str]]:
    """Five contacts and six segments, the same for all examples of a run: they only wander on."""
    if id(world) not in _bases:
        _bases.clear()
        made = [segment(world, f"s{number}", criteria) for number, criteria in enumerate(CRITERIA)]
        named = [contact(world, f"c{number}", attributes={"city": CITIES[number % 3]}) for number in range(5)]
        world.settle()
        _bases[id(world)] = {"contacts": named, "segments": made}
    return _bases[id(world)]


def _recomputed() -> dict[str, set[str]]:
    """Everyone evaluated anew, without a look at what is stored."""
    about, known, now = settings.of(TENANT), definitions.of(TENANT), clock.business()
    everyone = [one for shard in range(contacts.SHARDS) for one in contacts.ids_in(TENANT, shard)]
    needs = together(one.references.needs for one in known.all.values())
    found: dict[str, set[str]] = {one: set() for one in known.all}
    moment = membership.Moment(TENANT, now, ZoneInfo(about.time_zone), Telling(TENANT, bus=False))
    for contact_id, person in people.load(TENANT, everyone, needs, about).items():
        for segment_id, row in membership._rows(moment, contact_id, person, known.all.values(), {}).items():
            if isinstance(row, Member):
                found[segment_id].add(contact_id)
    return found
