"""What became of entries, added up: pure sums that can be added to each other, by version."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drumbeat.journeys.entries import Entry, Outcome, State

# A step that ended so did not do what it is for.
_FAILED = frozenset({Outcome.FAILED.value, Outcome.REFUSED.value})


@dataclass(frozen=True, slots=True)
class Conversion:
    """An entry's events that count: how many, and their worth in minor units by currency. `person`, of a contact's
    first entry: all that count in its time, whether the contact has entered again or not."""

    events: int = 0
    revenue: Mapping[str, int] = field(default_factory=dict)
    person: "Conversion | None" = None


@dataclass(slots=True)
class Group:
    """People, or their entries, how many of them converted, the events that did it, and what these were worth."""

    members: int = 0
    converted: int = 0
    events: int = 0
    revenue: Counter[str] = field(default_factory=Counter)

    def add(self, conversion: Conversion) -> None:
        self.members += 1
        self.converted += conversion.events > 0
        self.events += conversion.events
        self.revenue.update(conversion.revenue)


@dataclass(slots=True)
class StepTally:
    """Entries that came to a step, times that it was done, and how that ended; `waiting` are there now."""

    type: str
    entered: int = 0
    executions: int = 0
    failed: int = 0
    waiting: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Tally:
    """The entries of one version. `states` are those of members, `reasons` why some were over early; the holdout group
    is apart. `people` are members once each, by their first entry, as those of the holdout group are."""

    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    goals: int = 0
    steps: dict[str, StepTally] = field(default_factory=dict)
    members: Group = field(default_factory=Group)
    holdout: Group = field(default_factory=Group)
    people: Group = field(default_factory=Group)

    def add(self, entry: Entry, types: Mapping[str, str], conversion: Conversion) -> None:
        """`types` are the version's steps by id."""
        if entry.state == State.HOLDOUT:
            self.holdout.add(conversion)
            return
        self.members.add(conversion)
        if conversion.person is not None:
            self.people.add(conversion.person)
        self.states[entry.state] += 1
        self.goals += entry.goal is not None
        if entry.state in (State.EXITED, State.FAILED):
            self.reasons[str(entry.reason)] += 1
        self._steps(entry, types)

    def _steps(self, entry: Entry, types: Mapping[str, str]) -> None:
        seen: set[str] = set()
        for said in entry.said:
            step, kind = said["step"], types.get(said["step"])
            if kind is None or said["type"] != kind:
                continue  # that it entered, left, or came from another version
            found = self._step(step, kind, seen)
            found.executions += 1
            found.outcomes[said["outcome"]] += 1
            found.failed += said["outcome"] in _FAILED
        if entry.state == State.WAITING and entry.step in types:
            self._step(str(entry.step), types[str(entry.step)], seen).waiting += 1

    def _step(self, step: str, kind: str, seen: set[str]) -> StepTally:
        found = self.steps.setdefault(step, StepTally(kind))
        found.entered += step not in seen
        seen.add(step)
        return found


def stored(tally: Tally) -> dict[str, Any]:
    """As JSON."""
    return {
        "states": dict(tally.states), "reasons": dict(tally.reasons), "goals": tally.goals,
        "steps": {
            name: [one.type, one.entered, one.executions, one.failed, one.waiting, dict(one.outcomes)]
            for name, one in tally.steps.items()
        },
        "groups": [
            [one.members, one.converted, one.events, dict(one.revenue)]
            for one in (tally.members, tally.holdout, tally.people)
        ],
    }  # fmt: skip


def together(parts: Iterable[Mapping[str, Any]]) -> Tally:
    """The sum of stored tallies."""
    total = Tally()
    for part in parts:
        total.states.update(part["states"])
        total.reasons.update(part["reasons"])
        total.goals += part["goals"]
        for name, (kind, entered, executions, failed, waiting, outcomes) in part["steps"].items():
            step = total.steps.setdefault(name, StepTally(kind))
            step.entered += entered
            step.executions += executions
            step.failed += failed
            step.waiting += waiting
            step.outcomes.update(outcomes)
        for group, numbers in zip((total.members, total.holdout, total.people), part["groups"], strict=True):
            _add(group, numbers)
    return total


def _add(group: Group, numbers: Sequence[Any]) -> None:
    members, converted, events, revenue = numbers
    group.members += members
    group.converted += converted
    group.events += events
    group.revenue.update(revenue)
