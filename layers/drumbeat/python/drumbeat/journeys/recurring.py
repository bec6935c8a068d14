"""Journeys that let contacts in by the clock: schedules, and dates that contacts have."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, table
from drumbeat.journeys import enrolments, model, triggering
from drumbeat.journeys.model import DUE, Journey, JourneyVersion
from drumbeat.journeys.steps import Definition
from drumbeat.journeys.terms import DateTrigger, ScheduleTrigger
from drumbeat.logs import logger
from drumbeat.table import ConditionFailed

DAY = timedelta(days=1)
# So long before a turn comes, everyone has been looked at for it: a walk over all contacts takes a while.
AHEAD = timedelta(hours=2)
MOST = 100


def first(definition: Definition, now: datetime) -> dict[str, Any]:
    """When a version that is published now lets somebody in by the clock first, as attributes of its journey."""
    trigger = definition.trigger
    if isinstance(trigger, DateTrigger):
        return _due(now)
    if isinstance(trigger, ScheduleTrigger):
        return _due(_next(trigger, now, trigger.at)) if trigger.every or trigger.at >= now else _due(None)
    return _due(None)


def _due(at: datetime | None) -> dict[str, Any]:
    return {"gsi2pk": DUE if at else None, "gsi2sk": clock.iso(at) if at else None}


def _next(trigger: ScheduleTrigger, now: datetime, at: datetime) -> datetime | None:
    """The first turn of a schedule that is not over, from `at` on."""
    if at >= now:
        return at
    if trigger.every is None:
        return None
    return at + -(-(now - at) // trigger.every) * trigger.every


def sweep(now: datetime) -> int:
    """Begin what is due. The enrolment is made first, under the turn's name: a turn that is met twice is one."""
    keys = table.keys_in_index(2, DUE, newest_first=False, limit=MOST)
    late = Journey.many([(pk, sk) for pk, sk, at in keys if at <= clock.iso(now)])
    for journey in late:
        try:
            _begin(journey, now)
        except Exception:  # noqa: BLE001 - the others begin all the same, and this one is tried again in a minute
            logger.exception("a journey's turn failed", extra={"journey": journey.journey_id})
    return len(late)


def _begin(journey: Journey, now: datetime) -> None:
    if journey.gsi2sk is None:
        return
    turn = clock.parse(journey.gsi2sk)
    version = model.version(journey.tenant, journey.journey_id, int(journey.version))
    definition = version.read
    trigger = definition.trigger
    wanted = triggering.refusal(journey, definition) is None
    after: datetime | None = None
    if isinstance(trigger, ScheduleTrigger):
        if wanted:
            size = enrolments.size_of(journey.tenant, trigger.segment)
            enrolments.begin(journey, f"schedule#{clock.iso(turn)}", turn, {"segment": trigger.segment}, size=size)
        after = _next(trigger, max(now, turn) + timedelta(seconds=1), turn)
    elif isinstance(trigger, DateTrigger):
        if wanted:
            _date(journey, version, trigger, turn)
        after = turn + DAY
    with suppress(ConditionFailed):
        journey.change(*model.actions(_due(after)), condition=Journey.gsi2sk == journey.gsi2sk)


def _date(journey: Journey, version: JourneyVersion, trigger: DateTrigger, turn: datetime) -> None:
    """Let in whose turn comes in the day from `AHEAD` after this one on; the first time of a version, from now on. Of
    the day before that, whoever got the date since the last time; they may be late, and are not forgotten."""
    is_first = turn < version.published_at + timedelta(minutes=1)
    again = {"looked": clock.iso(turn + AHEAD), "changed": clock.iso(turn - DAY)}
    source = {
        "segment": trigger.segment, "since": clock.iso(turn if is_first else turn + AHEAD - DAY),
        "until": clock.iso(turn + AHEAD + DAY), **({} if is_first else again),
        "date": {"attribute": trigger.attribute, "days": trigger.days, "at": trigger.at, "yearly": trigger.yearly},
    }  # fmt: skip
    size = enrolments.size_of(journey.tenant, trigger.segment)
    enrolments.begin(journey, f"date#{clock.iso(turn)}", turn, source, size=size)
