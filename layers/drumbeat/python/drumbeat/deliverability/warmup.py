"""Warming an identity up: how many recipients it may write to on each day, growing until mailbox providers know it.

The steps are those of Twilio SendGrid's published schedule for a new sending address
(www.twilio.com/docs/sendgrid/ui/sending-email/warming-up-an-ip-address, "hourly/daily send schedule"): from 50 on the
first day, about doubled each day. Days are those of UTC. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

STEPS = (
    50, 100, 500, 1_000, 5_000, 10_000, 20_000, 40_000, 70_000, 100_000, 150_000, 250_000, 400_000, 600_000, 1_000_000,
    2_000_000, 4_000_000,
)  # fmt: skip
State = Literal["running", "paused", "done"]


@dataclass(frozen=True)
class Plan:
    """Step `step` was in force on the day `since`; while the plan runs, each day after it is one step further. Ends at
    the first step of `target` recipients a day or more."""

    state: State
    step: int
    since: str
    target: int = STEPS[-1]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def plan_of(stored: Mapping[str, Any] | None) -> Plan | None:
    """The plan as it is stored on an identity."""
    return None if not stored else Plan(stored["state"], int(stored["step"]), stored["since"], int(stored["target"]))


def day_of(now: datetime) -> date:
    return now.astimezone(UTC).date()


def step_on(plan: Plan, day: date) -> int:
    """The number of the step in force; the number of steps when the plan is over."""
    passed = max(0, (day - date.fromisoformat(plan.since)).days) if plan.state == "running" else 0
    return min(plan.step + passed, length(plan))


def length(plan: Plan) -> int:
    """How many steps the plan has: those below its target."""
    return sum(1 for step in STEPS if step < plan.target)


def limit(plan: Plan | None, now: datetime) -> int | None:
    """How many recipients may be written to on this day; None without a limit."""
    if plan is None or plan.state == "done":
        return None
    step = step_on(plan, day_of(now))
    return None if step >= length(plan) else STEPS[step]


def start(target: int, now: datetime) -> Plan:
    return Plan("running", 0, day_of(now).isoformat(), target)


def pause(plan: Plan, now: datetime) -> Plan:
    """Stay at today's step."""
    return Plan("paused", step_on(plan, day_of(now)), day_of(now).isoformat(), plan.target)


def go_on(plan: Plan, now: datetime) -> Plan:
    """Grow again from tomorrow on."""
    return Plan("running", step_on(plan, day_of(now)), day_of(now).isoformat(), plan.target)


def skip(plan: Plan, now: datetime) -> Plan:
    """Take the next step today."""
    step = min(step_on(plan, day_of(now)) + 1, length(plan))
    return Plan(plan.state, step, day_of(now).isoformat(), plan.target)


def stop(plan: Plan) -> Plan:
    return replace(plan, state="done")


def days(plan: Plan, now: datetime) -> Iterator[tuple[date, int]]:
    """Today's limit and those of the days to come, as they are if nobody pauses or skips."""
    if plan.state == "done":
        return
    today = day_of(now)
    for ahead, step in enumerate(range(step_on(plan, today), length(plan))):
        yield today + timedelta(days=ahead), STEPS[step]
