"""mcp-marketing.md, e-mail sequences: mails with delays. The document has no body; this is ours:

    {"trigger": "lead_created",                                       or "segment": "…"; without any, requests enrol
     "emails": [{"template_id": "welcome_email_1"},
                {"subject": "Getting started", "html_content": "<p>…</p>", "delay_days": 3}]}

A delay counts from the mail before; the first mail has none unless it says so, every later one has a day. `day` counts
from the beginning instead.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from drumbeat.journeys.documented import Converted, actions, triggers, words
from drumbeat.journeys.documented.rules import TRIGGER, delayed, listed
from drumbeat.journeys.documented.words import Wrong, an_object

FIELDS = (*TRIGGER, "emails", "steps", "terms")
_USUAL = timedelta(days=1)


def listed_as(said: Mapping[str, Any]) -> str:
    """What the document calls its mails."""
    return "steps" if said.get("emails") is None and said.get("steps") is not None else "emails"


def converted(said: Mapping[str, Any]) -> Converted:
    """The sequence in our words. Raises Invalid."""
    name, problems, steps, places = listed_as(said), words.Problems(), list[dict[str, Any]](), list[str]()
    trigger: dict[str, Any] = {}
    day = 0.0
    with problems.noted():
        words.only(said, "", FIELDS)
        trigger = triggers.plain(said)
    for number, raw in listed(said.get(name), name, problems):
        place = f"{name}[{number}]"
        with problems.noted():
            mail = dict(an_object(raw, place))
            if "day" in mail:
                day, mail["delay_days"] = _day(mail.pop("day"), day, place)
            made = delayed(mail, place, str(number + 1), _mail, _USUAL if number else timedelta())
            steps += made
            places += [place] * len(made)
    problems.refuse()
    definition = {"trigger": trigger, "steps": steps} | ({"terms": said["terms"]} if said.get("terms") else {})
    return Converted(definition, places, "trigger", actions.NAMES)


def _day(value: Any, before: float, place: str) -> tuple[float, float]:
    """The day of a mail, and how many days that is after the one before."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < before:
        raise Wrong(f"{place}.day", "must be a number of days, and not before the day of the mail above")
    return float(value), float(value) - before


def _mail(said: Mapping[str, Any], place: str) -> dict[str, Any]:
    kind = said.get("type", "send_email")
    if kind not in ("send_email", "email"):
        raise Wrong(f"{place}.type", "a sequence consists of e-mails; a workflow may do more")
    return actions.made({**said, "type": "send_email"}, place)
