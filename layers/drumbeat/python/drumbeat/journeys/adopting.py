"""Data that was restored from a backup: journeys in which somebody waits, or which are letting somebody in, pause
until a person resumes them, because nobody knows here who has gone on since."""

from contextlib import suppress

from drumbeat import table
from drumbeat.campaigns.answers import RESTORED
from drumbeat.journeys import enrolments, lifecycle
from drumbeat.journeys.enrolments import Enrolment
from drumbeat.journeys.model import DUE, Journey, Status
from drumbeat.journeys.wakes import DUE_SHARDS, Wake
from drumbeat.table import ConditionFailed

READS = (Wake, Enrolment)
WRITES = (Journey,)


def pause_all() -> int:
    """Pause them; gives how many. Repeating it does no harm. Reads Wake, writes Journey."""
    keys: set[tuple[str, str]] = set()
    for part in (DUE, enrolments.DUE, *(f"DUE#wakes#{shard}" for shard in range(DUE_SHARDS))):
        for pk, _, _ in table.keys_in_index(2, part):
            _, tenant, journey_id, *_ = pk.split("#")
            keys.add(Journey.key(tenant, journey_id))
    active = [journey for journey in _journeys(sorted(keys)) if journey.status == Status.ACTIVE]
    for journey in active:
        with suppress(ConditionFailed):
            lifecycle.pause_itself(journey.tenant, journey.journey_id, RESTORED)
    return len(active)


def _journeys(keys: list[tuple[str, str]]) -> list[Journey]:
    found: list[Journey] = []
    for place in range(0, len(keys), table.MOST_IN_BATCH_GET):
        found += Journey.many(keys[place : place + table.MOST_IN_BATCH_GET])
    return found
