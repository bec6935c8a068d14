"""Simulated recipients really fetch what is in the mails, and know what they did."""

from typing import Any

import pytest

from infra.local.simulators.recipients import PREFETCH_AGENTS, SCANNER_AGENTS, Behaviour, act, plan
from infra.local.simulators.server import Simulators
from tests.unit.simulators.parts import Sink, bulk, entry, template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

TRACK = "https://track.example"
HTML = f'<a href="{TRACK}/c/{{{{t}}}}/1">one</a><a href="{TRACK}/c/{{{{t}}}}/2">two</a>'
HTML += f'<a href="{TRACK}/unsubscribe/{{{{t}}}}">leave</a><img src="{TRACK}/o/{{{{t}}}}.gif">'
HTML += '<a href="https://elsewhere.example/">away</a>'


def send(ses: Any, names: list[str]) -> None:
    content = template(html=HTML, subject="s", text="t")
    for start in range(0, len(names), 50):
        entries = []
        for name in names[start : start + 50]:
            leave = [{"Name": "List-Unsubscribe", "Value": f"<{TRACK}/unsubscribe/{name}>"}]
            leave += [{"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"}]
            entries.append(entry(f"{name}@x.io", {"t": name}, ReplacementHeaders=leave))
        bulk(ses, *entries, DefaultContent=content)


def test_what_they_say_they_did_is_what_the_product_saw(running: Simulators, ses: Any, sink: Sink) -> None:
    names = [f"a{n}" for n in range(120)]
    send(ses, [*names, "bounce1"])
    behaviour = Behaviour(opens=0.5, clicks=0.2, unsubscribes=0.1, twice=0.5, scanners=0.1, prefetches=0.2)
    told: list[tuple[int, int]] = []
    log = act(running.url, seed=5, behaviour=behaviour, hosts={TRACK: sink.url}, progress=lambda *at: told.append(at))
    assert log.received == {f"{name}@x.io" for name in names}
    machines = (*PREFETCH_AGENTS, *SCANNER_AGENTS)
    human = [one for one in sink.received if one.headers["user-agent"] not in machines]
    machine = [one for one in sink.received if one.headers["user-agent"] in machines]

    def names_of(received: list[Any], method: str, prefix: str) -> set[str]:
        found = [one.path.split("/")[2] for one in received if one.method == method and one.path.startswith(prefix)]
        return {name.removesuffix(".gif") + "@x.io" for name in found}

    assert names_of(human, "GET", "/o/") == log.opened
    assert names_of(human, "GET", "/c/") == log.clicked.keys()
    assert names_of(human, "POST", "/unsubscribe/") == log.unsubscribed
    assert names_of(machine, "GET", "/o/") == log.machine_opened
    assert names_of(machine, "GET", "/c/") == log.machine_clicked.keys()
    assert names_of(human, "GET", "/unsubscribe/") == set()
    assert names_of(machine, "POST", "/unsubscribe/") == set()
    assert log.clicked.keys() <= log.opened
    assert min(len(log.opened), len(log.clicked), len(log.unsubscribed), len(log.machine_clicked)) > 3
    opens = [one.path for one in human if one.path.startswith("/o/")]
    assert len(opens) > len(set(opens)), "some open twice"
    assert {one.headers["host"] for one in sink.received} == {"track.example"}
    assert {one.body for one in human if one.method == "POST"} == {"List-Unsubscribe=One-Click"}
    assert log.skipped == {"https://elsewhere.example/"}
    assert (log.failed, log.requests) == ([], len(sink.received))
    assert told[-1] == (240, 240)


def test_the_same_seed_does_the_same(running: Simulators, ses: Any, sink: Sink) -> None:
    send(ses, [f"a{n}" for n in range(60)])
    first, second = (act(running.url, seed=9, hosts={TRACK: sink.url}, threads=4) for _ in range(2))
    assert first == second


def test_a_refused_request_is_not_counted(running: Simulators, ses: Any, sink: Sink) -> None:
    sink.status = 500
    send(ses, ["a"])
    everyone = Behaviour(opens=1, clicks=0, unsubscribes=1, twice=0, scanners=0, prefetches=0)
    log = act(running.url, seed=1, behaviour=everyone, hosts={TRACK: sink.url})
    assert (log.opened, log.unsubscribed, len(log.failed)) == (set(), set(), 2)


def test_machines_follow_the_mailbox_until_told(running: Simulators, ses: Any, sink: Sink) -> None:
    rounds = iter([False, False, True])

    def until() -> bool:
        done = next(rounds)
        send(ses, ["late"] if done else ["early"])
        return done

    everyone = Behaviour(opens=1, clicks=0, unsubscribes=0, twice=0, scanners=1, prefetches=1)
    log = act(running.url, seed=1, behaviour=everyone, hosts={TRACK: sink.url}, until=until)
    assert log.machine_opened == log.opened == {"early@x.io", "late@x.io"}
    assert len(log.machine_clicked["late@x.io"]) == 3


def test_nothing_outside_this_machine_is_fetched(running: Simulators, ses: Any) -> None:
    send(ses, ["a"])
    log = act(running.url, seed=1, behaviour=Behaviour(1, 1, 1, 1, 1, 1))
    assert log.requests == 0
    assert len(log.skipped) == 5


def test_shares_are_as_asked() -> None:
    plans = [plan(f"a{n}@x.io", Behaviour(), 1) for n in range(20_000)]
    share = {name: sum(bool(getattr(one, name)) for one in plans) / len(plans) for name in ("opens", "clicks")}
    assert abs(share["opens"] - 0.30) < 0.01
    assert abs(share["clicks"] - 0.03) < 0.005
