"""Faults of requests, as the SDK meets them."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from infra.local.simulators.config import merge
from infra.local.simulators.server import Simulators
from tests.unit.simulators.parts import Sink, ask, bulk, client, entry, eventually

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def fault(running: Simulators, kind: str, **more: Any) -> None:
    status, _ = ask(running, "POST", "/faults", {"operation": "SendBulkEmail", "kind": kind, "count": 1} | more)
    assert status == 201


@pytest.mark.parametrize(
    ("kind", "error", "accepted"),
    [("429", "TooManyRequestsException", 0), ("500", "InternalFailure", 0), ("500_accepted", "InternalFailure", 1)],
)
def test_an_error_answer(running: Simulators, ses: Any, kind: str, error: str, accepted: int) -> None:
    fault(running, kind)
    with pytest.raises(ClientError) as raised:
        bulk(ses, entry("ada@x.io"))
    assert raised.value.response["Error"]["Code"] == error
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == int(kind[:3])
    assert len(running.sim.mailbox) == accepted
    assert bulk(ses, entry("bo@x.io"))[0]["Status"] == "SUCCESS"


@pytest.mark.parametrize(("kind", "accepted"), [("timeout", 0), ("timeout_accepted", 1)])
def test_no_answer(running: Simulators, kind: str, accepted: int) -> None:
    impatient = client(running, read_timeout=0.3)
    fault(running, kind, seconds=1)
    with pytest.raises(ReadTimeoutError):
        bulk(impatient, entry("ada@x.io"))
    impatient.close()
    assert len(running.sim.mailbox) == accepted


@pytest.mark.parametrize(("kind", "accepted"), [("reset", 0), ("reset_accepted", 1)])
def test_a_reset_connection(running: Simulators, ses: Any, kind: str, accepted: int) -> None:
    fault(running, kind)
    with pytest.raises(ConnectionClosedError):
        bulk(ses, entry("ada@x.io"))
    assert len(running.sim.mailbox) == accepted
    fault(running, "reset")
    with pytest.raises(ConnectionResetError) as raised:
        ask(running, "POST", "/v2/email/outbound-bulk-emails", {})
    assert raised.type is ConnectionResetError  # http.client's own subclass would mean an orderly end.


def test_a_slow_answer(running: Simulators, ses: Any) -> None:
    fault(running, "slow", seconds=0.3)
    started = time.monotonic()
    assert bulk(ses, entry("ada@x.io"))[0]["Status"] == "SUCCESS"
    assert time.monotonic() - started >= 0.3


def test_a_partial_failure_is_the_same_for_the_same_seed(running: Simulators, ses: Any) -> None:
    entries = [entry(f"a{n}@x.io") for n in range(10)]
    seen = []
    for _ in range(2):
        fault(running, "partial", seed=3, share=0.3)
        seen.append([result["Status"] for result in bulk(ses, *entries)])
        ask(running, "DELETE", "/faults")
    assert seen[0] == seen[1]
    assert (seen[0].count("TRANSIENT_FAILURE"), seen[0].count("SUCCESS")) == (3, 7)
    assert len(running.sim.mailbox) == 14


def test_a_rate_strikes_the_same_requests_for_the_same_seed(running: Simulators, ses: Any) -> None:
    runs = []
    for _ in range(2):
        fault(running, "500", count=0, rate=0.5, seed=11)
        struck = []
        for number in range(12):
            try:
                bulk(ses, entry(f"a{number}@x.io"))
            except ClientError:
                struck.append(number)
        runs.append(struck)
        ask(running, "DELETE", "/faults")
    assert runs[0] == runs[1]
    assert 0 < len(runs[0]) < 12


def test_a_fault_waits_and_names_its_operation(running: Simulators, ses: Any) -> None:
    fault(running, "500", after_s=60)
    fault(running, "500", operation="GetAccount")
    assert bulk(ses, entry("ada@x.io"))[0]["Status"] == "SUCCESS"
    with pytest.raises(ClientError):
        ses.get_account()
    _, answer = ask(running, "GET", "/faults")
    assert [one["hits"] for one in answer["faults"]] == [0, 1]


@pytest.mark.parametrize(
    "bad",
    [{"kind": "explode"}, {"operation": "Nothing"}, {"count": 0}, {"unknown": 1}, {"kind": None}, {"statuses": ["?"]}],
)
def test_a_bad_fault_is_named(running: Simulators, bad: dict[str, Any]) -> None:
    asked = {"operation": "SendBulkEmail", "kind": "500", "count": 1} | bad
    status, answer = ask(running, "POST", "/faults", asked)
    assert status == 400
    assert answer["message"]


def test_sendgrid_and_twilio_word_faults_their_way(running: Simulators) -> None:
    ask(running, "POST", "/faults", {"operation": "*", "kind": "429", "count": 2})
    status, answer = ask(running, "POST", "/v3/mail/send", {})
    assert (status, list(answer)) == (429, ["errors"])
    status, answer = ask(running, "POST", "/2010-04-01/Accounts/AC1/Messages.json", "")
    assert (status, answer["code"]) == (429, 20429)


def test_a_throttled_call_says_how_long_to_wait_when_asked_to(running: Simulators, ses: Any) -> None:
    waits = []
    for retry_after in (0, 7):
        fault(running, "429", retry_after=retry_after)
        with pytest.raises(ClientError) as raised:
            bulk(ses, entry("ada@x.io"))
        waits.append(raised.value.response["ResponseMetadata"]["HTTPHeaders"].get("retry-after"))
    assert waits == [None, "7"]


def test_a_partial_failure_has_every_status_that_ses_knows(running: Simulators, ses: Any) -> None:
    known = ses.meta.service_model.shape_for("BulkEmailStatus").enum
    failures = [status for status in known if status != "SUCCESS"]
    fault(running, "partial", share=13 / 15, statuses=failures)

    seen = [result["Status"] for result in bulk(ses, *[entry(f"a{n}@x.io") for n in range(15)])]

    assert sorted(seen) == sorted([*failures, "SUCCESS", "SUCCESS"])
    assert len(running.sim.mailbox) == 2


def test_accepted_and_then_silence(running: Simulators, ses: Any, sink: Sink) -> None:
    wanted = {"kind": "https", "events": ["Bounce"], "url": sink.url}
    running.sim.configure(merge(running.sim.config, {"ses": {"destinations": [wanted]}}))
    fault(running, "silent")
    for name in ("bounce+silent", "bounce+told"):
        assert bulk(ses, entry(f"{name}@x.io"))[0]["Status"] == "SUCCESS"
    eventually(lambda: running.sim.dispatcher.pending == 0)

    assert [json.loads(json.loads(one.body)["Message"])["mail"]["destination"] for one in sink.received] == [
        ["bounce+told@x.io"]
    ]
    _, truth = ask(running, "GET", "/truth")
    assert (truth["total"]["bounced"], truth["total"]["notified"]["Bounce"]) == (2, 1)
