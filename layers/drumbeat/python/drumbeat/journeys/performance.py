"""How a journey performs: its funnel step by step, its messages, what people did after entering, and what its holdout
group did meanwhile. Rates are fractions."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from pydantic import Field, model_validator

from drumbeat import money, statistics, table
from drumbeat.accounts import settings
from drumbeat.fields import Body, FieldNeeded, Instant, View
from drumbeat.journeys import measuring, model, sending, tallies
from drumbeat.journeys.documented import faces
from drumbeat.journeys.entries import State
from drumbeat.journeys.measuring import Cell
from drumbeat.journeys.model import Journey
from drumbeat.journeys.steps import Definition, MessageStep
from drumbeat.journeys.tallies import Group, StepTally, Tally
from drumbeat.sends.model import Outcome
from drumbeat.sends.totals import Totals

# Channels whose providers report deliveries: of others, what the provider took is what succeeded.
REPORTED = frozenset({"email", "sms"})
_MESSAGE = ("delivered", "bounced", "opened", "clicked", "unsubscribed", "complained")


class PerformanceQuery(Body):
    """Which entries: of a version, and that began on these days (of the account's zone, both included)."""

    version: int | None = Field(None, ge=1)
    start_date: date | None = None
    end_date: date | None = None

    @model_validator(mode="after")
    def _a_range(self) -> "PerformanceQuery":
        if self.start_date and self.end_date and self.start_date > self.end_date:
            raise FieldNeeded("end_date", "must not be before start_date")
        return self


class Messages(View):
    """What became of a step's messages, of sends in the chosen days; opens and clicks are people's. `not_sent` are
    those who must not or could not get it."""

    sent: int
    not_sent: int
    delivered: int
    bounced: int
    opened: int
    clicked: int
    unsubscribed: int
    complained: int


class SaidAs(View):
    """How the face that the journey was said in calls a step."""

    step_id: str
    step_type: str


class StepPerformance(View):
    """A step: entries that came to it, how often it was done, how that ended, and who waits there now. `successes` of a
    message are those that arrived, where its channel tells that (e-mail, SMS), else those that were taken; of other
    steps, those that did not fail. `success_rate` is of the executions; where days are chosen, of those days' messages,
    as they may be of entries of other days."""

    step: str
    type: str
    channel: str | None
    said_as: SaidAs
    entered: int
    executions: int
    successes: int
    success_rate: float
    failed: int
    waiting: int
    outcomes: dict[str, int]
    messages: Messages | None


class GroupPerformance(View):
    """People, each once, and what they did after they first entered, whether messages led to it or not."""

    members: int
    converted: int
    conversion_rate: float
    conversions: int
    revenue: float | int
    revenue_per_member: float


class Lift(View):
    """What the journey changed: the members' conversion rate less the holdout group's, between `low` and `high` with
    95 % confidence, and as a part of the holdout's rate. It is `significant` when `p_value` (of both rates being the
    same, by `test`) is below 0.05. `incremental_revenue` is what members spent more than as many of the holdout group
    would have."""

    difference: float
    low: float
    high: float
    relative: float | None
    p_value: float
    test: str
    significant: bool
    incremental_revenue: float | int


class Performance(View):
    """A journey's figures. Entries are known as they were at `as_of`; `complete` is false while a large journey is
    being added up, and the figures are as they were found so far.

    An entry `converted` when its contact reached the journey's goal within the goal's time, or, without a goal, bought
    something within the account's lookback window; an event counts for one entry. `conversions` are those events.
    """

    journey_id: str
    name: str
    kind: str
    status: str
    version: int | None
    as_of: Instant | None
    complete: bool
    currency: str
    entries: int
    waiting: int
    completed: int
    exited: int
    failed: int
    ended_by_reason: dict[str, int]
    success_rate: float
    completion_rate: float
    goals_reached: int
    steps: list[StepPerformance]
    converted: int
    conversions: int
    conversion_rate: float
    revenue: float | int
    revenue_in_other_currencies: dict[str, float | int]
    members: GroupPerformance
    holdout: GroupPerformance
    lift: Lift | None


class _Mails(NamedTuple):
    """The numbers of a step's messages, its channel, and whether they are of chosen days."""

    channel: str
    numbers: Counter[str]
    by_day: bool


def of(journey: Journey, query: PerformanceQuery, now: datetime) -> Performance:
    """The figures now. Raises NotFound for a version that there is not. Reads `measuring.READS`, Journey, DailySend,
    Totals; writes Cell."""
    known = measuring.measured(journey.tenant, journey.journey_id, now)
    total = tallies.together(_chosen(known.cells, query))
    currency = settings.of(journey.tenant).currency
    mails = _mails(journey, query)
    shown = _definition(journey, query.version)
    entries, states = total.members.members, total.states
    completed = states[State.DONE] + total.reasons["goal"]
    members, holdout = _group(total.people, currency), _group(total.holdout, currency)
    others = {name: amount for name, amount in total.members.revenue.items() if name != currency and amount}
    return Performance(
        journey_id=journey.journey_id, name=journey.name, kind=journey.face, status=journey.status,
        version=query.version, as_of=known.as_of, complete=known.complete, currency=currency,
        entries=entries, waiting=states[State.WAITING], completed=completed,
        exited=states[State.EXITED] - total.reasons["goal"], failed=states[State.FAILED],
        ended_by_reason=dict(sorted(total.reasons.items())),
        success_rate=_ratio(entries - states[State.FAILED], entries), completion_rate=_ratio(completed, entries),
        goals_reached=total.goals, steps=_steps(journey, shown, total, mails), converted=total.members.converted,
        conversions=total.members.events, conversion_rate=_ratio(total.members.converted, entries),
        revenue=money.shown(total.members.revenue[currency], currency),
        revenue_in_other_currencies={name: money.shown(amount, name) for name, amount in sorted(others.items())},
        members=members, holdout=holdout, lift=lift(total.people, total.holdout, currency),
    )  # fmt: skip


def lift(members: Group, holdout: Group, currency: str) -> Lift | None:
    """The members against the holdout group; None while there is nobody to compare."""
    if not members.members or not holdout.members:
        return None
    sides = members.converted, members.members, holdout.converted, holdout.members
    verdict, within = statistics.compare(*sides), statistics.difference(*sides)
    rate, usual = members.converted / members.members, holdout.converted / holdout.members
    spent = members.revenue[currency] - holdout.revenue[currency] * members.members / holdout.members
    return Lift(
        difference=round(rate - usual, 6), low=round(within.low, 6), high=round(within.high, 6),
        relative=round((rate - usual) / usual, 6) if usual else None, p_value=round(verdict.p_value, 6),
        test=verdict.method, significant=verdict.p_value < statistics.LEVEL,
        incremental_revenue=money.shown(round(spent), currency),
    )  # fmt: skip


def _ratio(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _chosen(cells: Iterable[Cell], query: PerformanceQuery) -> Iterable[Mapping[str, Any]]:
    for cell in cells:
        day = date.fromisoformat(cell.day)
        if (query.start_date or day) <= day <= (query.end_date or day):
            for version, numbers in (cell.numbers or {}).items():
                if query.version in (None, int(version)):
                    yield numbers


def _group(group: Group, currency: str) -> GroupPerformance:
    spent = group.revenue[currency]
    return GroupPerformance(
        members=group.members, converted=group.converted, conversion_rate=_ratio(group.converted, group.members),
        conversions=group.events, revenue=money.shown(spent, currency),
        revenue_per_member=round(float(money.to_decimal(spent, currency)) / group.members, 4) if group.members else 0.0,
    )  # fmt: skip


def _definition(journey: Journey, version: int | None) -> Definition:
    """The steps in their order: of the version that was asked for, or the latest; of a draft, its own. Raises
    NotFound."""
    number = version or int(journey.version or 0)
    return model.version(journey.tenant, journey.journey_id, number).read if number else journey.definition


def _mails(journey: Journey, query: PerformanceQuery) -> dict[str, _Mails]:
    """The messages of each step, from the totals of its daily sends."""
    found: dict[str, _Mails] = {}
    rows = [
        row
        for row in sending.of_journey(journey.tenant, journey.journey_id)
        if query.version in (None, int(row.version)) and _on(row.sk[:10], query)
    ]
    for place in range(0, len(rows), table.MOST_IN_BATCH_GET):
        page = rows[place : place + table.MOST_IN_BATCH_GET]
        keys = {Totals.key(journey.tenant, row.send_id): row for row in page}
        for totals in Totals.many(keys, consistent=False):
            row = keys[totals.pk, totals.sk]
            by_day = bool(query.start_date or query.end_date)
            numbers = found.setdefault(row.step, _Mails(row.channel, Counter(), by_day)).numbers
            numbers.update({name: totals.numbers.get(name, 0) for name in _MESSAGE})
            numbers["sent"] += totals.numbers["accepted"]
            numbers["not_sent"] += sum(
                size
                for letter, size in totals.numbers["outcomes"].items()
                if letter not in (Outcome.ACCEPTED, Outcome.TO_DO)
            )
    return found


def _on(day: str, query: PerformanceQuery) -> bool:
    at = date.fromisoformat(day)
    return (query.start_date or at) <= at <= (query.end_date or at)


def _steps(
    journey: Journey, definition: Definition, total: Tally, mails: Mapping[str, _Mails]
) -> list[StepPerformance]:
    """The version's steps in their order; then those of other versions that somebody came to."""
    known = {step.id: step for step in definition.steps}
    names = faces.step_names(journey.said, definition)
    return [
        _step(name, names, total.steps.get(name) or StepTally(known[name].type), mails.get(name), known.get(name))
        for name in [*known, *(name for name in total.steps if name not in known)]
    ]


def _step(
    name: str, names: Mapping[str, tuple[str, str]], found: StepTally, mails: _Mails | None, step: Any
) -> StepPerformance:
    channel = mails.channel if mails else step.channel if isinstance(step, MessageStep) else None
    numbers = mails.numbers if mails else Counter()
    if channel is None:
        successes = found.executions - found.failed
    else:
        successes = numbers["delivered" if channel in REPORTED else "sent"]
    tried = numbers["sent"] + numbers["not_sent"] if mails and mails.by_day else found.executions
    said_id, said_type = names.get(name, (name, found.type))
    return StepPerformance(
        step=name, type=found.type, channel=channel, said_as=SaidAs(step_id=said_id, step_type=said_type),
        entered=found.entered, executions=found.executions, successes=successes,
        success_rate=_ratio(successes, tried), failed=found.failed, waiting=found.waiting,
        outcomes=dict(sorted(found.outcomes.items())),
        messages=_messages(numbers) if channel is not None else None,
    )  # fmt: skip


def _messages(numbers: Mapping[str, int]) -> Messages:
    return Messages(**{name: numbers.get(name, 0) for name in ("sent", "not_sent", *_MESSAGE)})
