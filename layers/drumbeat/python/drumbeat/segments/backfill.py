"""Walks over a whole segment, in rounds of some seconds: the task of the machine `backfill`.

    evaluate   every contact of the tenant, shard by shard; then
    measure    add the members up, store the figures, and the segment is ready
    remove     delete the members of a deleted segment, then the segment

A walk misses nothing that happens meanwhile. A contact that changes after the walk read it has a record in the stream,
and whoever works on that reads the definitions first: those of after the walk's start, as the change came later. One
that changed before the walk read it was read with the change, and consistently. `membership.refresh` orders what both
write. New contacts come by the stream too; the first round waits a moment so that those who were added just before the
definition, and were evaluated without it, are in the index, which lags behind by a fraction of a second.

A repeated round does the same again, which changes nothing. When the segment has another version than the walk, the
walk ends: the newer one's has begun.
"""

import itertools
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from drumbeat import clock
from drumbeat.contacts import model as contacts
from drumbeat.segments import changes, figures, membership, model, people
from drumbeat.segments.figures import Figures
from drumbeat.segments.model import SHARDS, Segment, State
from drumbeat.table import ConditionFailed

ROUND_SECONDS = 20.0
INDEX_LAG_SECONDS = 5
Walk = dict[str, Any]


def round_of(walk: Walk) -> Walk:
    """Do one round; gives the walk's next state.

    Reads `membership.READS`; writes Segment, and `WRITES` of membership.
    """
    segment = model.find(walk["tenant"], walk["segment"])
    if segment is None or int(segment.version) != walk["version"] or segment.state not in _STATES[walk["phase"]]:
        return {**walk, "done": True}
    if walk["phase"] == "evaluate" and "shard" not in walk:
        return {**walk, "shard": 0, "after": None, "wait_seconds": INDEX_LAG_SECONDS}
    walk = {"shard": 0, "after": None, **walk, "wait_seconds": 0}
    if walk["phase"] != "measure" or segment.state == State.BUILDING:
        try:
            segment.change(*changes.held_until_swept(), condition=Segment.version == walk["version"])
        except ConditionFailed:
            return {**walk, "done": True}
    return _PHASES[walk["phase"]](walk, segment, time.monotonic() + ROUND_SECONDS)


def contact_pages(walk: Walk) -> Iterator[tuple[int, list[str]]]:
    """Pages of contact ids from where the walk stands, each with its shard."""
    for shard in range(walk["shard"], contacts.SHARDS):
        after = walk["after"] if shard == walk["shard"] else None
        yield from ((shard, page) for page in people.pages(contacts.ids_in(walk["tenant"], shard, after=after)))


def _evaluate(walk: Walk, segment: Segment, until: float) -> Walk:
    filling = None if segment.dynamic else segment.segment_id
    silent = segment.segment_id if walk["version"] == 1 else None
    for shard, page in contact_pages(walk):
        if time.monotonic() > until:
            return walk
        scope = {segment.segment_id}
        membership.refresh(walk["tenant"], page, clock.business(), scope=scope, filling=filling, silent=silent)
        walk = {**walk, "shard": shard, "after": page[-1]}
    return {**walk, "phase": "measure", "shard": 0, "after": None}


def _measure(walk: Walk, segment: Segment, until: float) -> Walk:
    found = Figures(**walk.get("figures", {}))
    for shard in range(walk["shard"], SHARDS):
        if time.monotonic() > until:
            return {**walk, "shard": shard, "figures": asdict(found)}
        found.add(model.raw_members(walk["tenant"], segment.segment_id, shard, only=figures.COLUMNS))
    now = clock.business()
    _ready(walk, segment, now)
    figures.store(walk["tenant"], segment, found, now)
    return {**walk, "done": True}


def _ready(walk: Walk, segment: Segment, now: datetime) -> None:
    due = figures.next_measure(now)
    try:
        segment.change(
            Segment.state.set(State.READY), Segment.gsi2pk.set(due["gsi2pk"]), Segment.gsi2sk.set(due["gsi2sk"]),
            condition=(Segment.version == walk["version"]) & (Segment.state != State.DELETING),
        )  # fmt: skip
    except ConditionFailed:
        return


def _remove(walk: Walk, segment: Segment, until: float) -> Walk:
    for shard in itertools.takewhile(lambda _: time.monotonic() < until, range(walk["shard"], SHARDS)):
        changes.remove_rows(walk["tenant"], segment.segment_id, shard)
        walk = {**walk, "shard": shard + 1}
    if walk["shard"] < SHARDS:
        return walk
    Segment._get_connection().delete_item(segment.pk, segment.sk)
    return {**walk, "done": True}


# A ready static segment keeps its members: a walk that comes late must not fill it again.
_STATES = {
    "evaluate": {State.BUILDING}, "measure": {State.BUILDING, State.READY}, "remove": {State.DELETING},
}  # fmt: skip
_PHASES = {"evaluate": _evaluate, "measure": _measure, "remove": _remove}
