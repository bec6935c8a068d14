"""The versions that entries are in, and go on with."""

from typing import Any, NamedTuple

from drumbeat.journeys import model, rules
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.steps import END, Definition


class At(NamedTuple):
    """Where an entry is: in a version, at a step of it. `before` is the version that it comes from now."""

    number: int
    definition: Definition
    step: str
    before: int | None = None


class Versions:
    """A journey's versions, each read once. Reads JourneyVersion."""

    def __init__(self, tenant: str, journey_id: str) -> None:
        self.tenant, self.journey_id = tenant, journey_id
        self._known: dict[int, tuple[Definition, int | None]] = {}

    def at(self, entry: Entry) -> At:
        """The version that an entry goes on with: its own, or the one that those inside it were moved to. Whose step
        has vanished goes on with the next one that has not; where there is none, with its own version."""
        number, step = int(entry.version), str(entry.step)
        definition, to = self.of(number)
        before = None
        while to is not None:
            newer, further = self.of(to)
            there = step if step == END else rules.carried_over(definition, newer, step)
            if there is None:
                break
            before, number, definition, step, to = int(entry.version), to, newer, there, further
        return At(number, definition, step, before)

    def of(self, number: int) -> tuple[Definition, int | None]:
        """A version's definition, and the version that those inside were moved to."""
        if number not in self._known:
            found = model.version(self.tenant, self.journey_id, number)
            moved: Any = found.moved_to
            self._known[number] = found.read, None if moved is None else int(moved)
        return self._known[number]
