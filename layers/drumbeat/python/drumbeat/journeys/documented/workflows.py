"""getit-marketing.md 4.5: a workflow, word for word.

    {"trigger_type": "user_action", "trigger_conditions": {"event": "user_registered", "filters": {…}},
     "workflow_steps": [{"step_id": 1, "type": "wait", "duration": "1_hour"},
                        {"step_id": 2, "type": "send_email", "template_id": "welcome_email_1"}, …]}

Steps are done in their order. After a condition exactly one of its branches runs (DESIGN section 9, 6): the branch
whose target comes first ends before the target of the other one, unless its last step has a `next`. Of two branches
only one of which is named, the other is the step below; if the named one is that, it ends.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from drumbeat.journeys.documented import Converted, actions, triggers, words
from drumbeat.journeys.documented.words import Wrong, an_object, first
from drumbeat.journeys.steps import END

FIELDS = ("trigger_type", "trigger_conditions", "workflow_steps", "terms")
_CONDITION = ("condition", "branch", "if", "if_else")
_SPLIT = ("split", "random_split", "ab_split", "ab_test")
# The branch that a condition does not name.
_OTHERWISE = "\0otherwise"
_BRANCHING = (*_CONDITION, *_SPLIT)
_BRANCH = (*actions.COMMON, "condition", "conditions", "logic", "if_true", "if_false", "true_step", "false_step")
_PATHS = (*actions.COMMON, "paths", "variants", "branches")


def converted(said: Mapping[str, Any]) -> Converted:
    """The workflow in our words. Raises Invalid with everything that cannot be read."""
    read, problems = _Workflow(), words.Problems()
    trigger: dict[str, Any] = {}
    listed: Sequence[Any] = ()
    with problems.noted():
        words.only(said, "", FIELDS)
        trigger = triggers.of(said.get("trigger_type"), said.get("trigger_conditions"), "trigger_conditions")
    with problems.noted():
        listed = words.a_list(said.get("workflow_steps"), "workflow_steps")
    for number, step in enumerate(listed):
        with problems.noted():
            read.add(step, number)
    problems.refuse()
    read.close()
    definition = {"trigger": trigger, "steps": read.steps} | ({"terms": said["terms"]} if said.get("terms") else {})
    return Converted(definition, read.places, "trigger_conditions", actions.NAMES)


def _place(number: int) -> str:
    return f"workflow_steps[{number}]"


def step_id(value: Any, place: str) -> str:
    """A documented number (or name) of a step."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise Wrong(place, "must be the number of a step")
    return str(value)


def named(said: Mapping[str, Any], number: int, place: str) -> str:
    """The number or name of a documented step, the one of its place if it has none. Raises Wrong."""
    found = first(said, "step_id", "id")
    return step_id(number + 1 if found is None else found, f"{place}.step_id")


class _Workflow:
    """The steps so far, with where each stands in the document, and where branches lead."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self.places: list[str] = []
        self.last: dict[int, int] = {}
        self.heads: dict[str, int] = {}
        self.forks: list[tuple[int, list[str]]] = []

    def add(self, raw: Any, number: int) -> None:
        """Read one documented step; it may become several. Raises Wrong."""
        place = _place(number)
        said = an_object(raw, place)
        here = named(said, number, place)
        kind = said.get("type", said.get("action"))
        if kind in _CONDITION:
            made = self._condition(said, place, here)
        elif kind in _SPLIT:
            made = [{"id": here, **self._split(said, place)}]
        else:
            made = [{"id": here, **actions.made(said, place, _BRANCHING)}]
            follows = first(said, "next", "next_step", "next_step_id")
            if follows is not None:
                made[0]["next"] = step_id(follows, f"{place}.next")
        self.heads.setdefault(here, number)
        self.steps += made
        self.places += [place] * len(made)
        self.last[number] = len(self.steps) - 1
        if kind in _BRANCHING:
            self.forks.append((number, _targets(made, {step["id"] for step in made})))

    def _condition(self, said: Mapping[str, Any], place: str, here: str) -> list[dict[str, Any]]:
        """A step that branches, for each condition: all of them (AND), or one (OR), lead to `if_true`."""
        words.only(said, place, _BRANCH)
        asked = first(said, "condition", "conditions")
        logic = str(said.get("logic", "AND")).upper()
        if isinstance(asked, Mapping) and isinstance(asked.get("conditions"), list):
            logic, asked = str(asked.get("logic", "AND")).upper(), asked["conditions"]
        several = asked if isinstance(asked, list) else [asked]
        names = ["condition" if not isinstance(asked, list) else f"conditions[{n}]" for n in range(len(several))]
        if logic not in ("AND", "OR") or not several:
            raise Wrong(f"{place}.conditions", "must be conditions that AND or OR joins")
        true = first(said, "if_true", "true_step", "next", "next_step")
        false = first(said, "if_false", "false_step")
        if true is None and false is None:
            raise Wrong(f"{place}.if_true", "must name the step that follows when the condition holds")
        goal = {
            True: _OTHERWISE if true is None else step_id(true, f"{place}.if_true"),
            False: _OTHERWISE if false is None else step_id(false, f"{place}.if_false"),
        }
        made = []
        for number, one in enumerate(several):
            end, other = number == len(several) - 1, f"{here}.{number + 2}"
            ways = dict(goal) if end else {logic == "AND": other, logic == "OR": goal[logic == "OR"]}
            found = _asked(one, f"{place}.{names[number]}")
            meant = found.pop("meant")
            step = {"id": here if not number else f"{here}.{number + 1}", "type": "branch", **found}
            made.append(_with(step, ways[meant], ways[not meant]))
        return made

    def _split(self, said: Mapping[str, Any], place: str) -> dict[str, Any]:
        words.only(said, place, _PATHS)
        paths = words.a_list(first(said, "paths", "variants", "branches"), f"{place}.paths")
        found = []
        for number, raw in enumerate(paths):
            path = an_object(raw, f"{place}.paths[{number}]")
            to = first(path, "next", "next_step", "step_id", "goto")
            share = first(path, "weight", "percentage", "percent")
            found.append({"weight": 1 if share is None else share})
            if to is not None:
                found[-1]["next"] = step_id(to, f"{place}.paths[{number}].next")
        return {"type": "split", "paths": found}

    def close(self) -> None:
        """Say where branches lead that the document does not name, and end each before the target of the next one."""
        ends = {last for number, targets in self.forks for last in self._ends_of(number, targets)}
        for number, targets in self.forks:
            last = self.last[number]
            below = self.steps[last + 1]["id"] if last + 1 < len(self.steps) and last not in ends else END
            unnamed = END if below in targets else below
            own = [step for step, place in zip(self.steps, self.places, strict=True) if place == _place(number)]
            for step, way in itertools.product(own, ("if_true", "if_false")):
                if step.get(way) == _OTHERWISE:
                    step[way] = unnamed
        for last in ends:
            self._ends(self.steps[last])

    def _ends_of(self, number: int, targets: Sequence[str]) -> list[int]:
        """The places of the steps with which a fork's branches end, but for the last one."""
        behind = sorted({self.heads[one] for one in targets if self.heads.get(one, -1) > number})
        return [self.last[later - 1] for later in behind[1:]]

    def _ends(self, step: dict[str, Any]) -> None:
        if step["type"] == "branch":
            step.setdefault("if_true", END)
            step.setdefault("if_false", END)
        elif step["type"] == "split":
            for path in step["paths"]:
                path.setdefault("next", END)
        elif step["type"] not in ("exit",):
            step.setdefault("next", END)
            if step["type"] == "wait_for_event":
                step.setdefault("on_time_out", END)


def _targets(made: Sequence[Mapping[str, Any]], own: set[str]) -> list[str]:
    """The steps that a fork names, besides its own."""
    ways = [step.get(way) for step in made for way in ("if_true", "if_false")]
    ways += [path.get("next") for step in made for path in step.get("paths", ())]
    return [str(way) for way in ways if way not in (None, END, _OTHERWISE, *own)]


def _asked(one: Any, place: str) -> dict[str, Any]:
    """What a condition asks: `meant` is the answer that leads on to the true branch."""
    said = an_object(one, place)
    if (found := words.engagement(said)) is not None:
        return {"engagement": found[0], "meant": found[1]}
    criteria = {"logic": "AND", "conditions": [words.condition(said, place)]}
    return {"criteria": criteria, "meant": True}


def _with(step: dict[str, Any], true: str | None, false: str | None) -> dict[str, Any]:
    ways = {"if_true": true, "if_false": false}
    return step | {name: way for name, way in ways.items() if way is not None}


def steps_of(said: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The documented steps as they came, for those who show them."""
    return [step for step in said.get("workflow_steps") or () if isinstance(step, Mapping)]
