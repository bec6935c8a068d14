"""Every `events/<context>/<function>/<case>.json`: a request or an event, and what must happen.

    {"summary": "…",
     "given": [{"call": "contacts.create_contact", "body": {…}, "keep": "contact"}, {"settle": true}],
     "request": {"path": {"contact_id": "{contact.id}"}, "query": {}, "body": {…}, "headers": {}},
     "response": {"status": 200, "body": {"data": {"email": "a@b.c"}}}}

`given` is done first; `keep` names what a call gave, and `{contact.id}` puts a part of it into what follows; `{now}` is
the moment at which the file began. A step may
also `settle` the background work, put `rows` (raw items) into the table, `put` a `text` into the data bucket, or take
the first group of a pattern from the last `mail` and keep it. A request may say `route` (a documented one), `tenant`
(`acme` unless said, null for none), `ip`, and `text` for a body of no JSON. What a response has must be there, it may
have more; `"<any>"`, `"<id con>"` and `"<instant>"` stand for values. Its `headers` work like its `body`; `contains` is
text that the body has. A function without a route has `event` and `result` instead; `times` hands it the event more
than once. `then` are requests that come after, each a `call` with its `response`: what a function that answers nothing
has done. Where a function asks SES for what only the provider's simulator answers, the simulator runs.

A request is made while another tenant owns the very same things, and one that succeeds is made once more when only that
tenant owns them (tests.twins): neither may touch what is the other's.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drumbeat import clock, ids

from tests import harness, looking, rewind, twins
from tests.event_files import STEP_KEYS, called, filled, given
from tests.harness import Reply
from tests.unit.mail import provider
from tests.world import World, all_functions

pytestmark = pytest.mark.moto

EVENTS = harness.ROOT / "events"
FILES = sorted(EVENTS.glob("*/*/*.json"))
KEYS = {"summary", "given", "request", "response", "event", "result", "times", "then"}
# A pixel comes for every token: its answer must not tell which tokens exist.
NEVER_REFUSE = frozenset({"tracking.record_open"})
# What moto does not know.
SIMULATED = frozenset({"ses:GetAccount", "ses:SendBulkEmail"})


def _name(file: Path) -> str:
    return "/".join(file.with_suffix("").parts[-3:])


@pytest.fixture
def simulator(file: Path, tmp_path: Path) -> Iterator[None]:
    """The mail provider, where a function that the file calls needs one."""
    case = json.loads(file.read_text(encoding="utf-8"))
    called = {step["call"] for step in (*case.get("given", []), *case.get("then", [])) if "call" in step}
    called.add(f"{file.parent.parent.name}.{file.parent.name}")
    if not any(SIMULATED & set(harness.function(name).declaration.calls) for name in called):
        yield
        return
    with provider(tmp_path / "mail"):
        yield


@pytest.fixture
def world(simulator: None, world: World) -> World:
    """The world, built when the simulator runs: its clients are pointed there."""
    return world


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_event_file(world: World, file: Path) -> None:
    case = json.loads(file.read_text(encoding="utf-8"))
    unknown = set(case) - KEYS
    assert not unknown, f"{_name(file)}: has {unknown}, which nothing reads; there are {sorted(KEYS)}"
    assert case.get("summary"), f"{_name(file)}: needs a summary, which is the name of the example"
    function = f"{file.parent.parent.name}.{file.parent.name}"
    kept: dict[str, Any] = {"now": clock.iso(clock.business())}
    for number, step in enumerate(case.get("given", [])):
        given(world, step, kept, f"{_name(file)}: given[{number}]")
    held = rewind.rows(but="RATE") if twins.can_ask(case, function) else {}
    if "request" in case:
        with twins.beside(case["request"]), looking.only(_route(case, function)):
            reply = called(world, function, filled(case["request"], kept))
        _check_reply(reply, filled(case["response"], kept), _name(file))
    else:
        for _ in range(case.get("times", 1)):
            result = world.run(function, filled(case["event"], kept))
        problems = _differences(json.loads(json.dumps(result)), filled(case["result"], kept), "result")
        assert not problems, f"{_name(file)}: {'; '.join(problems)}. It gave {result}"
    for number, step in enumerate(case.get("then", [])):
        _then(world, filled(step, kept), f"{_name(file)}: then[{number}]")
    if twins.can_ask(case, function):
        _ask_for_the_twins(world, function, filled(case["request"], kept), held, _name(file))


def _ask_for_the_twins(world: World, function: str, asked: dict[str, Any], held: rewind.Rows, where: str) -> None:
    """The same request once more, when all that it is about is another tenant's."""
    twins.move(held)
    before = twins.of(twins.THEIRS)
    asked = twins.by_the_administrator(asked)
    twins.hold(called(world, function, asked), asked, before, where)


def _route(case: dict[str, Any], function: str) -> str:
    return str(case["request"].get("route") or harness.function(function).declaration.route)


def _then(world: World, step: dict[str, Any], where: str) -> None:
    if step.get("settle"):
        world.settle()
        return
    wanted = step.pop("response")
    name = step.pop("call")
    unknown = set(step) - STEP_KEYS
    assert not unknown, f"{where}: has {unknown}, which nothing reads; there are {sorted(STEP_KEYS)}"
    _check_reply(called(world, name, step), wanted, where)


def _check_reply(reply: Reply, wanted: dict[str, Any], where: str) -> None:
    unknown = set(wanted) - {"status", "body", "headers", "contains"}
    assert not unknown, f"{where}: the response has {unknown}, which nothing reads"
    assert reply.status == wanted["status"], f"{where}: status {reply.status}, not {wanted['status']}: {reply.text}"
    problems = _differences(reply.headers, wanted.get("headers", {}), "headers")
    if "body" in wanted:
        problems += _differences(reply.body, wanted["body"], "body")
    if wanted.get("contains", "") not in reply.text:
        problems.append(f"the body does not contain {wanted['contains']!r}")
    assert not problems, f"{where}: {'; '.join(problems)}. The answer was {reply.text[:2000]}"


def _differences(found: Any, wanted: Any, where: str) -> list[str]:
    """Where `found` lacks something of `wanted`. Objects may have more; lists are as long as wanted."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return [f"{where} is {found!r}, not an object"]
        missing = [f"{where}.{key} is missing" for key in wanted if key not in found]
        inner = (_differences(found[key], wanted[key], f"{where}.{key}") for key in wanted if key in found)
        return missing + [problem for problems in inner for problem in problems]
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return [f"{where} is {found!r}, not a list of {len(wanted)}"]
        pairs = enumerate(zip(found, wanted, strict=True))
        return [problem for place, (one, other) in pairs for problem in _differences(one, other, f"{where}[{place}]")]
    if _same(found, wanted):
        return []
    return [f"{where} is {found!r}, not {wanted!r}"]


def _same(found: Any, wanted: Any) -> bool:
    if wanted == "<any>":
        return found is not None
    if wanted == "<instant>":
        return isinstance(found, str) and clock.iso(clock.parse(found)) == found
    if isinstance(wanted, str) and (prefix := re.fullmatch(r"<id (\w+)>", wanted)):
        return isinstance(found, str) and ids.is_id(found, prefix[1])
    # In Python 1 == True; in JSON they differ.
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


@pytest.mark.parametrize("name", sorted(all_functions()))
def test_every_function_has_an_example_of_success_and_of_refusal(name: str) -> None:
    context, verb = name.split(".")
    cases = {
        file.stem: json.loads(file.read_text(encoding="utf-8")) for file in (EVENTS / context / verb).glob("*.json")
    }
    succeed = [case for case in cases.values() if not _refuses(case)]
    if harness.function(name).declaration.route == "$default":  # all that it does is to refuse
        assert cases
        return
    assert succeed, f"{name}: add events/{context}/{verb}/<case>.json with a success"
    if _can_refuse(name):
        assert len(succeed) < len(cases), f"{name}: add events/{context}/{verb}/<case>.json with a refusal"


def _refuses(case: dict[str, Any]) -> bool:
    if "response" in case:
        return int(case["response"]["status"]) >= 400
    result = case.get("result")
    return isinstance(result, dict) and ("error" in result or bool(result.get("batchItemFailures")))


def _can_refuse(name: str) -> bool:
    """A request with a credential, a parameter or a body can be wrong; so can a message; what AWS sends cannot."""
    declared = harness.function(name).declaration
    entry = harness.function(name).entry
    asks = declared.scope is not None or "{" in (declared.route or "") or getattr(entry, "body", None) is not None
    return declared.kind in ("operator", "queue") or (declared.kind == "http" and asks and name not in NEVER_REFUSE)


@pytest.mark.parametrize(
    "folder", sorted({file.parent for file in FILES}), ids=lambda folder: "/".join(folder.parts[-2:])
)
def test_every_folder_of_examples_is_a_functions(folder: Path) -> None:
    name = f"{folder.parent.name}.{folder.name}"
    assert name in all_functions(), f"events/{folder.parent.name}/{folder.name} belongs to no function"
