"""A journey on the deployed local stack, by e-mail and by text message, with faults of requests at every hop by the
proxy and those of the simulated providers."""

import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from infra.local import fixtures
from infra.local.fault_proxy import pointed
from infra.local.stack import Plan, Stack, up
from tests.stack.company import Company, founded, until
from tests.stack.provider import Provider, provider
from tests.stack.storm import CARRIERS, OF_CALLS, OF_REQUESTS

MEMBERS = 300
# A day takes twelve minutes; a message whose worker failed comes again after six real ones.
SCALE = 120.0
# Longer than anything takes: what was accepted is proven by its reports, and never sent again.
SETTINGS = {
    "grace_seconds": 2 * 86_400, "unknown_policy": "after_grace",
    "quiet_hours": {"sms": {"country_rules": False, "override": "nobody is behind these numbers"}},
}  # fmt: skip
EVENTS = {"duplicate": 2, "reorder": True, "late_s": 30, "late_rate": 0.1}
PATIENCE = 2_400.0
FUNCTIONS = (*CARRIERS, "activity.forward_events", "journeys.meet_event", "journeys.advance_wake")
MAIL, TEXT, OTHER = "mail", "text", "other"


def run(until: float, console: Console, seed: int | None = None) -> int:
    """One stack, and a tenant with a journey for each seed; at least one."""
    shown = Table("seed", "members", "faults", "seconds", title="Journeys on the deployed stack", title_justify="left")
    failed, longest = 0, 0.0
    with (
        tempfile.TemporaryDirectory(prefix="drumbeat-soak-") as folder,
        up(Plan(Path(folder), SCALE, ports=(0, 0))) as (stack, _),
    ):
        for number in itertools.count(1) if seed is None else (seed,):
            if number > 1 and seed is None and time.monotonic() + longest > until:
                break
            began = time.monotonic()
            try:
                with founded(stack, f"path{number}") as shop, provider(stack) as simulated:
                    struck = _journey(stack, shop, simulated, number)
            except Exception as problem:  # noqa: BLE001 - whatever ends a journey, its command plays it again
                failed += 1
                again = f".venv/bin/python -m tests.soak stack_journeys --seed {number}"
                console.print(f"seed {number} fails. Again: {again}", style="bold red", soft_wrap=True)
                console.print(f"{type(problem).__name__}: {problem}"[:2_000], markup=False)
                continue
            longest = max(longest, time.monotonic() - began)
            shown.add_row(f"{number}", f"{MEMBERS:,}", f"{sum(struck.values())}", f"{time.monotonic() - began:.0f}")
    console.print(shown)
    return failed


def _steps() -> list[dict[str, Any]]:
    """A mail, a wait, a branch, and then a text to some and another mail to the others."""
    gold = {"conditions": [{"field": "tier", "operator": "equals", "value": "gold"}]}

    def mail(step: str) -> dict[str, Any]:
        return {"id": step, "type": "send", "message": {"subject": step, "html": f"<p>{step}</p>"}}

    return [
        mail(MAIL),
        {"id": "wait", "type": "wait", "duration": "PT2H"},
        {"id": "branch", "type": "branch", "criteria": gold, "if_true": TEXT, "if_false": OTHER},
        {"id": TEXT, "type": "send", "channel": "sms", "message": {"text": "Hello"}, "next": "end"},
        mail(OTHER),
    ]


def _journey(stack: Stack, shop: Company, simulated: Provider, seed: int) -> dict[str, int]:
    """Let everybody through, and check that each got each message of the way once; gives how often faults struck."""
    fixtures.twilio_account(stack, shop.api)
    shop.patch("/v1/settings", SETTINGS)
    people = _people(shop, seed)
    body = {"name": "Path", "trigger": {"type": "event", "event": "began"}, "steps": _steps(), "activate": True}
    journey = str(shop.post("/v1/journeys", body)["id"])
    simulated.script({"match": f"path{seed}-", "seed": seed, **EVENTS})
    simulated.fail(*({"kind": kind, "count": 1, "seed": seed, **how} for kind, how in OF_CALLS.items()))
    simulated.ask("POST", "/faults", {"operation": "CreateMessage", "kind": "reset_accepted", "count": 2})
    with ExitStack() as stacked:
        emulator = urlsplit(stack.endpoint).port or 0
        proxy = stacked.enter_context(pointed(stack.client("lambda"), emulator, FUNCTIONS))
        proxy.put(*OF_REQUESTS, seed=seed)
        told = [{"event_id": f"e-{one}", "name": "began", "contact_id": one} for one in people]
        for _ in range(2):  # sent again, it is the same event
            shop.post("/v1/events", {"events": told})
        wanted = (MEMBERS, MEMBERS, {MAIL: MEMBERS, TEXT: MEMBERS // 2, OTHER: MEMBERS - MEMBERS // 2})
        until("everybody through", lambda: _figures(shop, journey), lambda found: found == wanted, PATIENCE)
        until("events that the provider holds back", simulated.pending, lambda pending: pending == 0)
        _require_truth(shop, simulated, journey, people)
        struck = {**simulated.struck(), **proxy.struck()}
        assert all(struck.values()), struck
    return struck


def _people(shop: Company, seed: int) -> dict[str, tuple[str, str, str]]:
    """Address, number and tier of new contacts, by id; every second one is gold."""
    found = {}
    granted = {"status": "granted", "source": "form", "method": "web"}
    for number in range(MEMBERS):
        email, phone = f"path{seed}-{number}@people.example.com", f"+{8801710000000 + seed * MEMBERS + number}"
        tier = "gold" if number % 2 else "silver"
        said = {"consent": {"email": granted, "sms": granted}, "attributes": {"tier": tier}}
        made = shop.post("/v1/contacts", {"email": email, "phone": phone, **said})
        found[str(made["id"])] = (email, phone, tier)
    return found


def _figures(shop: Company, journey: str) -> tuple[int, int, dict[str, int]]:
    """Entries, those that came to their end, and the messages of each step that were sent."""
    found = shop.get(f"/v1/journeys/{journey}/performance")
    sent = {step["step"]: step["messages"]["sent"] for step in found["steps"] if step["messages"]}
    return found["entries"], found["completed"], sent


def _require_truth(
    shop: Company, simulated: Provider, journey: str, people: Mapping[str, tuple[str, str, str]]
) -> None:
    """What the providers took: every message once, to whom it belongs."""
    entries = shop.all(f"/v1/journeys/{journey}/entries")
    assert Counter(one["contact_id"] for one in entries) == Counter(people.keys())
    wanted = {
        MAIL: [email for email, _, _ in people.values()],
        TEXT: [phone for _, phone, tier in people.values() if tier == "gold"],
        OTHER: [email for email, _, tier in people.values() if tier != "gold"],
    }
    for step, addresses in wanted.items():
        taken = Counter(one for send in _sends(entries, step) for one in _accepted(simulated, send))
        assert taken == Counter(addresses), (step, Counter(addresses) - taken, taken - Counter(addresses))


def _sends(entries: Iterable[Any], step: str) -> set[str]:
    """The sends that a step's messages left by: one a day."""
    steps = [one for entry in entries for one in entry["steps"] if one["step"] == step and one["message_id"]]
    return {f"snd_{one['message_id'].split('_')[1]}" for one in steps}


def _accepted(simulated: Provider, send: str) -> list[str]:
    truth = simulated.truth(send)
    assert truth["duplicates"] == 0, truth
    return [str(one) for one in truth["addresses"]["accepted"]]
