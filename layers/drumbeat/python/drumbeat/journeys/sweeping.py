"""Finds work of journeys whose start was lost or whose run died, and what is due by the clock."""

from contextlib import suppress
from datetime import datetime

from drumbeat import clock
from drumbeat.journeys import enrolments, measuring, recurring, wakes
from drumbeat.journeys.model import Journey, Status
from drumbeat.journeys.wakes import Wake
from drumbeat.logs import logger
from drumbeat.sends import environment
from drumbeat.table import ConditionFailed

MOST_A_SHARD = 100


def sweep(now: datetime) -> dict[str, int]:
    """Look at all tenants' journeys; `now` is business time. Data that is not at home is left alone."""
    if not environment.is_home():
        return {"journeys": 0, "enrolments": 0, "wakes": 0, "measures": 0}
    wall = clock.wall()
    late = list(wakes.late(wall, MOST_A_SHARD))
    for wake in late:
        _again(wake, wall)
    return {
        "journeys": recurring.sweep(now), "enrolments": enrolments.sweep(wall), "wakes": len(late),
        "measures": measuring.sweep(wall),
    }  # fmt: skip


def _again(wake: Wake, wall: datetime) -> None:
    journey = Journey.fetch(*Journey.key(wake.tenant, wake.journey_id))
    if journey is not None and journey.status == Status.PAUSED:
        wakes.hold(wake)
        return
    with suppress(ConditionFailed):
        later = clock.iso(wall + wakes.LATE)
        wake.change(Wake.gsi2sk.set(later), Wake.held.remove(), condition=Wake.gsi2sk == wake.gsi2sk)
        if not wake.held:
            logger.warning("a wake is late, starting it again", extra={"journey": wake.journey_id})
        wakes.start(wake, f"-s{int(wall.timestamp())}")
