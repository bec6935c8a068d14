"""What happens to an accepted mail: by its address, as SES's own mailbox simulator does, or by a script.

A script is a list of rules, first match wins. A rule matches by `match` (a regular expression searched in the address),
`every` (each n-th recipient that this rule sees) and `rate` (a share of addresses, the same ones for the same `seed`),
all that are given. It sets `outcome`, and what becomes of the events about it, or those named in `events`: `delay_s`,
`duplicate` (further copies), `reorder` (shuffled within two seconds), `late_s` (business seconds by which a share
`late_rate` of the copies come later), `lose` (none comes), `lose_rate` (none comes about this share of the addresses).
All shares follow from `seed`. A rule ends after `count` matches.
"""

from __future__ import annotations

import os
import random
import re
import threading
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .config import BadConfig
from .mailbox import Happening, Mail

REORDER_WITHIN = 2.0
# How much faster than real time the product's business time runs (drumbeat.clock).
SCALE = float(os.environ.get("TIME_SCALE", "1"))

# What each outcome is made of: kinds of events in the order in which they happen, each with its detail.
OUTCOMES: dict[str, list[tuple[str, str]]] = {
    "delivery": [("Delivery", "")],
    "bounce": [("Bounce", "General")],
    "suppressed": [("Bounce", "Suppressed")],
    "account_suppressed": [("Bounce", "OnAccountSuppressionList")],
    "softbounce": [("Bounce", "Transient")],
    "complaint": [("Delivery", ""), ("Complaint", "abuse")],
    "reject": [("Reject", "Bad content")],
    "delay": [("DeliveryDelay", "TransientCommunicationFailure"), ("Delivery", "")],
    "rendering_failure": [("Rendering Failure", "Scripted failure")],
    "none": [],
    # What SendGrid itself tells of readers.
    "open": [("Delivery", ""), ("Open", "")],
    "machine_open": [("Delivery", ""), ("Open", "machine")],
    "click": [("Delivery", ""), ("Open", ""), ("Click", "https://shop.example/offers")],
    "unsubscribe": [("Delivery", ""), ("Unsubscribe", "")],
    "group_unsubscribe": [("Delivery", ""), ("Unsubscribe", "group")],
}
_BY_PREFIX = (
    ("bounce", "bounce"),
    ("complaint", "complaint"),
    ("suppressionlist", "suppressed"),
    ("softbounce", "softbounce"),
)


@dataclass
class Rule:
    """One line of the script; see the module's text. `count` ends the rule after so many matches, 0 never."""

    match: str = ""
    every: int = 0
    rate: float = 1.0
    seed: int = 0
    outcome: str = ""
    delay_s: float = 0.0
    duplicate: int = 0
    late_s: float = 0.0
    late_rate: float = 1.0
    lose: bool = False
    lose_rate: float = 0.0
    reorder: bool = False
    events: list[str] = field(default_factory=list)
    count: int = 0
    seen: int = 0
    hits: int = 0

    def matches(self, address: str) -> bool:
        """Counts what it sees, so the caller asks once for each recipient."""
        if self.match and not re.search(self.match, address):
            return False
        if self.count and self.hits >= self.count:
            return False
        self.seen += 1
        if self.every and self.seen % self.every:
            return False
        if self.rate < 1.0 and random.Random(f"{self.seed}:{address}").random() >= self.rate:
            return False
        self.hits += 1
        return True


@dataclass(frozen=True)
class Notice:
    """One event to be carried: once after each of `delays`, in seconds from now; never when it is lost."""

    happening: Happening
    delays: tuple[float, ...] = (0.0,)


def rule_of(values: dict[str, Any]) -> Rule:
    """A rule from JSON; BadConfig says what is wrong."""
    known = {item.name for item in fields(Rule)} - {"seen", "hits"}
    if unknown := values.keys() - known:
        raise BadConfig(f"unknown in a rule: {', '.join(sorted(unknown))}")
    rule = Rule(**values)
    if rule.outcome and rule.outcome not in OUTCOMES:
        raise BadConfig(f"outcome is one of {', '.join(OUTCOMES)}")
    try:
        re.compile(rule.match)
    except (re.error, TypeError) as error:
        raise BadConfig(f"match is a regular expression: {error}") from None
    return rule


class Script:
    """The rules in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, values: dict[str, Any]) -> None:
        """Append a rule."""
        rule = rule_of(values)
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules = []

    def as_json(self) -> list[dict[str, Any]]:
        """The rules with how often they were asked (`seen`) and matched (`hits`)."""
        return [asdict(rule) for rule in self._rules]

    def first(self, address: str) -> Rule | None:
        """The first rule that matches the address."""
        if not self._rules:
            return None
        with self._lock:
            return next((rule for rule in self._rules if rule.matches(address)), None)


def by_address(address: str) -> str:
    """The outcome that the local part asks for."""
    local = address.lower()
    return next((outcome for prefix, outcome in _BY_PREFIX if local.startswith(prefix)), "delivery")


def decide(mail: Mail, script: Script, suppressed: set[str], failure: str, now: float) -> list[Notice]:
    """What happens to each recipient of the mail, and how it is told. `failure` is why it cannot be rendered, if so."""
    notices = []
    for address in mail.recipients:
        rule = script.first(address)
        outcome = by_address(address)
        if address.lower() in suppressed:
            outcome = "account_suppressed"
        if rule and rule.outcome:
            outcome = rule.outcome
        steps = [("Rendering Failure", failure)] if failure else OUTCOMES[outcome]
        for place, (kind, detail) in enumerate(steps):
            happening = Happening(kind, [address], now, detail)
            notices.append(_notice(happening, rule, place, len(steps), address))
    return notices


def _notice(happening: Happening, rule: Rule | None, place: int, of: int, address: str) -> Notice:
    if rule is None or (rule.events and happening.kind not in rule.events):
        return Notice(happening)
    if rule.lose or random.Random(f"{rule.seed}:{address}:lost").random() < rule.lose_rate:
        return Notice(happening, ())
    return Notice(happening, tuple(_delay(rule, place, of, address, copy) for copy in range(1 + rule.duplicate)))


def _delay(rule: Rule, place: int, of: int, address: str, copy: int) -> float:
    """Seconds after which a copy of an event comes."""
    chance = random.Random(f"{rule.seed}:{address}:{place}" + (f":{copy}" if copy else ""))
    delay = rule.delay_s
    if rule.reorder:
        # Later steps get the shorter waits, so a complaint overtakes its delivery; further copies come anyhow.
        share = chance.random() if copy else (of - place - chance.random()) / of
        delay += share * REORDER_WITHIN
    if chance.random() < rule.late_rate:
        delay += rule.late_s / SCALE
    return delay
