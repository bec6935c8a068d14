"""The documented faces of a journey: workflows (getit-marketing.md 4.5), automation rules and sequences
(mcp-marketing.md) become a trigger, steps and terms. Pure.

`workflows`, `rules` and `sequences` each turn a document into `Converted`; `read` checks what came out, and says what
is wrong in the document's own words and places.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from drumbeat.errors import Detail, Invalid
from drumbeat.journeys import fitting, steps
from drumbeat.journeys.steps import STEP_TYPES, Definition

_TAGS = frozenset({*STEP_TYPES, "event", "segment", "api", "date", "schedule"})


@dataclass(frozen=True, slots=True)
class Converted:
    """A definition as plain JSON. `places` say where in the document each of its steps stands, `trigger` where its
    trigger does; `names` are the document's words for canonical fields."""

    definition: Mapping[str, Any]
    places: Sequence[str]
    trigger: str = "trigger"
    names: Mapping[str, str] = field(default_factory=dict)

    def located(self, place: str) -> str:
        """A canonical place as the document has it: `steps[3].template` is `workflow_steps[2].template_id`."""
        step = re.match(r"steps\[(\d+)\]", place)
        if step and int(step[1]) < len(self.places):
            return self.places[int(step[1])] + self._named(place[step.end() :])
        if place == "trigger" or place.startswith("trigger."):
            return self.trigger + self._named(place.removeprefix("trigger"))
        return place

    def _named(self, rest: str) -> str:
        head = re.match(r"\.\w+", rest)
        name = head[0][1:] if head else ""
        return f".{self.names[name]}{rest[len(name) + 1 :]}" if name in self.names else rest


def canonical(definition: Mapping[str, Any]) -> Converted:
    """A definition in our own words."""
    return Converted(definition, [f"steps[{place}]" for place in range(len(definition.get("steps") or ()))])


def read(converted: Converted) -> Definition:
    """The definition, whole. Raises Invalid with everything that is wrong, where the document has it."""
    try:
        found = steps.read(converted.definition)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        details = [
            Detail(converted.located(_place(problem["loc"])), problem["msg"].removeprefix("Value error, "))
            for problem in problems
            # Of steps that cannot be read, pydantic also says that they are missing.
            if not (problem["loc"] == ("steps",) and len(problems) > 1)
        ]
        raise Invalid("Some fields are not valid; see details.", details) from error
    if broken := fitting.problems(found):
        raise Invalid("The steps do not fit together; see details.", [
            Detail(converted.located(detail.field), detail.message) for detail in broken
        ])  # fmt: skip
    return found


def _place(location: tuple[int | str, ...]) -> str:
    """`steps[3].template` of pydantic's location, in which the chosen type of a step or trigger is a part."""
    text = ""
    for number, part in enumerate(location):
        before = location[number - 1] if number else ""
        if part in _TAGS and (before == "trigger" or isinstance(before, int)):
            continue
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if re.fullmatch(r"\w+", part) else ""
    return text.lstrip(".")
