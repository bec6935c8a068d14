"""The journeys that are played: steps, and terms that belong to them. The subject of a step's mail is the step's id."""

from collections.abc import Mapping
from typing import Any

Step = dict[str, Any]
# The other journey, and the list, that steps put contacts into; the segment that members leave.
OTHER, LIST, HOME = "Other", "seg_00000000000000000000000007", "seg_00000000000000000000000008"
BOUGHT, GOAL = "bought", "subscribed"


def mail(step: str, **fields: Any) -> Step:
    link = '<p><a href="https://shop.example/x">See</a> <a href="{{ unsubscribe_url }}">No more</a></p>'
    message = {"subject": step, "html": f"<html><body><p>{step}</p>{link}{{{{ postal_address }}}}</body></html>"}
    return {"id": step, "type": "send", "message": message, **fields}


def wait(step: str, duration: str, **fields: Any) -> Step:
    return {"id": step, "type": "wait", "duration": duration, **fields}


def bought(step: str, time_out: str, **fields: Any) -> Step:
    return {"id": step, "type": "wait_for_event", "event": BOUGHT, "time_out": time_out, **fields}


def more(step: str, **fields: Any) -> Step:
    """Raises a number of the contact's by one; the number has the step's name."""
    return {"id": step, "type": "update_contact", "increment": {f"n_{step}": 1}, **fields}


def branch(step: str, if_true: str, if_false: str, **condition: Any) -> Step:
    return {"id": step, "type": "branch", "if_true": if_true, "if_false": if_false, **condition}


ENROL: Step = {"id": "enrol", "type": "enrol", "journey": OTHER}
LISTED: Step = {"id": "listed", "type": "add_to_segment", "segment": LIST}
POINTS: Step = {"id": "points", "type": "award_points", "points": 5}
SPLIT: Step = {
    "id": "split", "type": "split",
    "paths": [{"weight": 5, "next": "a"}, {"weight": 3, "next": "b"}, {"weight": 2, "next": "end"}],
}  # fmt: skip
MORNING: Step = {"id": "morning", "type": "wait", "until_time": "09:00", "weekdays": ["mon", "wed", "fri"]}
OPENED = {"engagement": {"activity": "opened", "step": "one"}}
ENGAGED = {"criteria": {"conditions": [{"field": "n_first", "operator": "greater_than", "value": 0}]}}

SHAPES: Mapping[str, tuple[list[Step], dict[str, Any]]] = {
    "welcome": (
        [
            wait("w1", "PT1H"), mail("one"), wait("w2", "P3D"), branch("opened", "two", "three", **OPENED),
            mail("two", next="end"), mail("three"),
        ],
        {},
    ),
    "race": (
        [
            mail("one"), bought("w", "P1D", next="thanks", on_time_out="nudge"), mail("thanks", next="end"),
            mail("nudge"), bought("w2", "PT8H"), more("last"),
        ],
        {},
    ),
    "effects": (
        [more("first"), LISTED, POINTS, mail("one"), wait("w", "P1D"), more("second"), POINTS | {"id": "p2"}], {},
    ),
    "enrolling": ([mail("one"), wait("w", "PT6H"), ENROL, more("first"), wait("w2", "P1D"), ENROL | {"id": "e2"}], {}),
    "split": (
        [wait("w", "PT30M"), SPLIT, mail("a", next="join"), more("b"), mail("b2"), wait("join", "P1D"), mail("last")],
        {},
    ),
    "goal": (
        [mail("one"), wait("w", "P2D"), mail("two"), wait("w2", "P2D"), mail("three")],
        {"goal": {"event": GOAL, "within": "P5D"}},
    ),
    "home": (
        [wait("w", "PT4H"), mail("one"), wait("w2", "P2D"), mail("two")], {"exit_on": {"segment": HOME}},
    ),
    "morning": ([mail("one"), MORNING, mail("two"), wait("w", "PT3H"), more("first")], {}),
    "two_at_once": ([mail("one"), mail("two"), more("first"), mail("three"), mail("four"), POINTS], {}),
    "round": (
        [bought("w", "P2D", next="one", on_time_out="end"), mail("one"), more("first"), POINTS | {"next": "w"}], {},
    ),
    "criteria": (
        [
            bought("w", "PT12H", next="first", on_time_out="which"), more("first"),
            branch("which", "a", "b", **ENGAGED),
            mail("a", next="w2"), mail("b"), wait("w2", "PT20H"), LISTED, ENROL,
        ],
        {},
    ),
    "checked": (
        [
            mail("one"), wait("w", "P1D"), {"id": "had", "type": "goal", "event": GOAL}, mail("two"),
            wait("w2", "P1D"), {"id": "out", "type": "exit", "reason": "enough"},
        ],
        {},
    ),
}  # fmt: skip
