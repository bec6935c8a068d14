"""mcp-marketing.md, automation rules: a trigger, conditions and actions. The document has no body; this is ours:

    {"trigger": "cart_abandoned",                   an event, or {"event", "filters"}, {"segment"}, {"type": "date", …}
     "conditions": [{"field": "customer_lifetime_value", "operator": "greater_than", "value": 100}],
     "actions": [{"type": "send_email", "template_id": "cart_reminder", "delay_hours": 1},
                 {"type": "add_tag", "tag": "abandoned"}]}

Actions are done in their order, each after its delay, when all conditions hold. `event.…` fields are of the trigger's
event. Every event fires a rule again, unless its terms say otherwise.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from drumbeat.journeys.documented import Converted, actions, triggers, words
from drumbeat.journeys.documented.words import Wrong, an_object
from drumbeat.journeys.steps import END
from drumbeat.journeys.terms import MINUTE

TRIGGER = ("trigger", "trigger_type", "trigger_event", "trigger_conditions", "event", "segment", "segment_id",
           "target_segment")  # fmt: skip
FIELDS = (*TRIGGER, "conditions", "actions", "terms")
DELAYS = {"delay_minutes": "minutes", "delay_hours": "hours", "delay_days": "days"}
_EVENT = ("event.", "trigger.", "properties.")


def converted(said: Mapping[str, Any]) -> Converted:
    """The rule in our words. Raises Invalid."""
    problems, steps, places = words.Problems(), list[dict[str, Any]](), list[str]()
    trigger: dict[str, Any] = {}
    with problems.noted():
        words.only(said, "", FIELDS)
        trigger = triggers.plain(said)
        if asked := _conditions(said.get("conditions"), trigger):
            criteria = {"logic": "AND", "conditions": asked}
            steps.append({"id": "conditions", "type": "branch", "criteria": criteria, "if_false": END})
            places.append("conditions")
    for number, one in listed(said.get("actions"), "actions", problems):
        place = f"actions[{number}]"
        with problems.noted():
            made = delayed(an_object(one, place), place, str(number + 1), actions.made)
            steps += made
            places += [place] * len(made)
    problems.refuse()
    terms = {"re_entry": "always", **(said.get("terms") or {})}
    return Converted({"trigger": trigger, "steps": steps, "terms": terms}, places, "trigger", actions.NAMES)


def listed(raw: Any, place: str, problems: words.Problems) -> Iterator[tuple[int, Any]]:
    """The entries of a list with their numbers; none of what is no list."""
    with problems.noted():
        yield from enumerate(words.a_list(raw, place))


def _conditions(raw: Any, trigger: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions on the contact; those on the event become the trigger's filters."""
    if isinstance(raw, Mapping) and "conditions" in raw:
        return [dict(raw)]  # criteria, whole
    found = []
    for one in words.filters(raw or None, "conditions"):
        prefix = next((start for start in _EVENT if str(one.get("field", "")).startswith(start)), None)
        if prefix is None:
            found.append(one)
        elif trigger.get("type") == "event":
            trigger["filters"] = [*trigger["filters"], {**one, "field": one["field"].removeprefix(prefix)}]
        else:
            raise Wrong("conditions", f"{one['field']} is of an event, and the trigger is none")
    return found


def delayed(said: Mapping[str, Any], place: str, step_id: str, read: Any, usual: timedelta = timedelta()) -> Any:
    """The steps of an action or a mail: the wait before it, if it has one, and the thing itself."""
    pause = delay(said, place, usual)
    more = ("delay", "enabled", *DELAYS)
    made = [{"id": step_id, **read({n: v for n, v in said.items() if n not in more or _waits(said)}, place)}]
    if pause >= MINUTE:
        made.insert(0, {"id": f"{step_id}.wait", "type": "wait", "duration": pause.total_seconds()})
    return made


def _waits(said: Mapping[str, Any]) -> bool:
    """Whether the action is itself a wait, whose `delay` is its own."""
    return said.get("type", said.get("action")) in ("wait", "delay")


def delay(said: Mapping[str, Any], place: str, usual: timedelta) -> timedelta:
    """How long after the one before; `usual` where nothing is said."""
    if _waits(said):
        return timedelta()
    parts = [
        words.duration(said[name], f"{place}.{name}", unit)
        for name, unit in DELAYS.items()
        if said.get(name) is not None
    ]
    if said.get("delay") is not None:
        parts.append(words.duration(said["delay"], f"{place}.delay", "days"))
    return sum(parts, timedelta()) if parts else usual
