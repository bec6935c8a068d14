"""The documented welcome series as a journey with a branch: people register, get a mail, some of them read it, and each
gets the second mail that fits. Run to the end, and held against the simulators' logs.

`python -m infra.local.demo` plugs it in; the stack tests run it with the document's own waits on a faster clock.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from infra.local.simulators import recipients
from infra.local.simulators.recipients import Behaviour
from infra.local.stack import Stack

FIRST, ENGAGED, OTHERS = "welcome_email_1", "welcome_email_2_engaged", "welcome_email_2_not_engaged"
# Nobody clicks or leaves here: only who reads the mail matters. Prefetching proxies are no readers.
READERS = Behaviour(opens=0.5, clicks=0.0, unsubscribes=0.0, scanners=0.0, prefetches=0.25)
WORKFLOWS = "/api/v1/marketing/automation/workflows"


class Stuck(Exception):
    """Something did not come about in time; the text says what."""


@dataclass(frozen=True)
class Outcome:
    """One side of the comparison: addresses by what they got, and what each person did."""

    first: frozenset[str]
    engaged: frozenset[str]
    others: frozenset[str]
    twice: frozenset[str] = frozenset()


@dataclass
class Run:
    """One run of the series. `ours` is what Drumbeat says of each contact, `truth` what the simulators saw."""

    journey: str
    people: dict[str, str]
    performance: Any = None
    entries: dict[str, Any] = field(default_factory=dict)
    ours: Outcome | None = None
    truth: Outcome | None = None
    failed: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return self.ours == self.truth and not self.failed


def series(first: str, second: str) -> dict[str, Any]:
    """The documented request; its own waits are `1_hour` and `3_days`."""
    condition = {"field": "email_opened", "operator": "equals", "value": True}
    return {
        "workflow_name": "Welcome Series",
        "description": "3-email welcome series for new customers",
        "trigger_type": "user_action",
        "trigger_conditions": {"event": "user_registered", "filters": {"registration_source": "website"}},
        "workflow_steps": [
            {"step_id": 1, "type": "wait", "duration": first},
            {"step_id": 2, "type": "send_email", "template_id": FIRST, "personalization": True},
            {"step_id": 3, "type": "wait", "duration": second},
            {"step_id": 4, "type": "condition", "condition": condition, "if_true": 5, "if_false": 6},
            {"step_id": 5, "type": "send_email", "template_id": ENGAGED},
            {"step_id": 6, "type": "send_email", "template_id": OTHERS},
        ],
    }


def run(
    api: httpx.Client,
    stack: Stack,
    *,
    people: Iterable[str],
    first: str,
    second: str,
    seed: int = 7,
    patience: float = 150.0,
    tell: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Run:
    """Create the journey, let everybody register, let some read their first mail, and wait until all are through.
    Raises Stuck."""
    journey = _ask(api, "POST", WORKFLOWS, series(first, second))["workflow_id"]
    known = {_person(api, address): address for address in people}
    running = Run(journey, known)
    _register(api, known)
    end = time.monotonic() + patience
    acted: set[str] = set()
    opened: set[str] = set()
    while True:
        running.entries = _entries(api, journey)
        sends = {step: _sends(running.entries.values(), step) for step in ("2", "5", "6")}
        # A send is read once all are in it whom it was handed over for; a day may end between two of them.
        for send in sends["2"] - acted if _past(running.entries, "2") == len(known) else ():
            if (log := _read(stack, send, seed)) is not None:
                acted.add(send)
                opened |= log.opened
                running.failed += log.failed
        done = sum(entry["status"] == "completed" for entry in running.entries.values())
        tell("people through the journey", done, len(known))
        if done == len(known) and _have_left(stack, sends, running.entries) and _is_quiet(stack):
            break
        if time.monotonic() > end:
            raise Stuck(f"the journey: {done} of {len(known)} people are through after {patience:.0f} s")
        time.sleep(0.3)
    running.performance = _ask(api, "GET", f"/v1/journeys/{journey}/performance")["data"]
    running.ours, running.truth = _ours(running), _truth(stack, sends, opened)
    return running


def _ask(api: httpx.Client, method: str, path: str, body: Any = None, **query: Any) -> Any:
    reply = api.request(method, path, json=body, params=query)
    if reply.status_code >= 300:
        raise Stuck(f"{method} {path}: {reply.status_code} {reply.text}")
    return reply.json()


def _person(api: httpx.Client, address: str) -> str:
    consent = {"email": {"status": "granted", "source": "sign-up", "method": "form"}}
    body = {"email": address, "first_name": address.partition("@")[0].title(), "consent": consent}
    return str(_ask(api, "POST", "/v1/contacts", body)["data"]["id"])


def _register(api: httpx.Client, known: Iterable[str]) -> None:
    """Everybody registers on the website, twice: the second time changes nothing. Somebody else's registration, in the
    shop, starts nothing."""
    for source in ("website", "website", "shop"):
        told = {"registration_source": source}
        events = [{"name": "user_registered", "contact_id": one, "properties": told} for one in known]
        _ask(api, "POST", "/v1/events", {"events": events})


def _entries(api: httpx.Client, journey: str) -> dict[str, Any]:
    """Entries by contact."""
    found: dict[str, Any] = {}
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": 100, **({"cursor": cursor} if cursor else {})}
        page = _ask(api, "GET", f"/v1/journeys/{journey}/entries", **query)["data"]
        for entry in page["items"]:
            if entry["contact_id"] in found:
                raise Stuck(f"{entry['contact_id']} is in the journey twice")
            found[entry["contact_id"]] = entry
        cursor = page["next_cursor"]
    return found


def _at(entry: Any, step: str) -> list[Any]:
    return [one for one in entry["steps"] if one["step"] == step and one["message_id"]]


def _past(entries: dict[str, Any], step: str) -> int:
    """How many have had a step's message handed over."""
    return sum(bool(_at(entry, step)) for entry in entries.values())


def _sends(entries: Iterable[Any], step: str) -> set[str]:
    """The sends that a step's messages left by."""
    return {f"snd_{one['message_id'].split('_')[1]}" for entry in entries for one in _at(entry, step)}


def _read(stack: Stack, send: str, seed: int) -> Any:
    """Let people read a send whose mails have all arrived; None while some have not."""
    group = _group(stack, send)
    if not group or group["delivered_recipients"] < group["recipients"] or not _is_sent(stack, send, group):
        return None
    return recipients.act(stack.mailbox_url, seed=seed, behaviour=READERS, tag=f"send:{send}", threads=2)


def _is_sent(stack: Stack, send: str, group: Any) -> bool:
    """Whether nothing of it is on its way any more: it looks the same a moment later."""
    time.sleep(0.4)
    return bool(_group(stack, send) == group)


def _group(stack: Stack, send: str) -> Any:
    asked = {"tag": "send", "value": send, "addresses": "true"}
    return httpx.get(f"{stack.simulators_url}/truth", params=asked, timeout=60).json()["groups"].get(send)


def _have_left(stack: Stack, sends: dict[str, set[str]], entries: dict[str, Any]) -> bool:
    """Whether the provider has all messages: an entry is completed when its last one was handed over."""
    groups = [_group(stack, send) for step in sends for send in sends[step]]
    accepted = sum(group["accepted"] for group in groups if group)
    return bool(accepted >= sum(_past(entries, step) for step in sends))


def _is_quiet(stack: Stack) -> bool:
    return bool(httpx.get(f"{stack.simulators_url}/health", timeout=10).json()["pending_events"] == 0)


def _ours(running: Run) -> Outcome:
    """By the entries: whose branch went which way, and who was handed a step's message twice."""
    got: dict[str, Counter[str]] = {step: Counter() for step in ("2", "5", "6")}
    for contact, entry in running.entries.items():
        for step, counted in got.items():
            counted[running.people[contact]] += len(_at(entry, step))
    twice = frozenset(one for counted in got.values() for one, times in counted.items() if times > 1)
    return Outcome(frozenset(+got["2"]), frozenset(+got["5"]), frozenset(+got["6"]), twice)


def _truth(stack: Stack, sends: dict[str, set[str]], opened: set[str]) -> Outcome:
    """By the simulators: who got which mail; `opened` says who should have got the second one."""
    got: dict[str, Counter[str]] = {step: Counter() for step in ("2", "5", "6")}
    for step, counted in got.items():
        for send in sends[step]:
            group = _group(stack, send)
            if group:
                counted.update(address.lower() for address in group["addresses"]["accepted"])
    twice = frozenset(one for counted in got.values() for one, times in counted.items() if times > 1)
    first = frozenset(got["2"])
    wrong = frozenset(got["5"]) ^ frozenset(opened & first)
    if wrong:
        raise Stuck(f"not everybody who read the first mail, and nobody else, got {ENGAGED}: {sorted(wrong)}")
    return Outcome(first, frozenset(got["5"]), frozenset(got["6"]), twice)
