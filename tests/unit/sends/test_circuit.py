"""A provider's outage opens a circuit: chunks wait, nobody is doubted for nothing, and everyone gets it once."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.contacts import suppressions
from drumbeat.sends import circuit, delivering, gate, planning, rollups, senders
from drumbeat.sends.model import Send
from drumbeat.sends.senders import Sender

from tests import rewind, table_server
from tests.sends import batch
from tests.unit.sends.conftest import TENANT, Clocked
from tests.unit.sends.test_limits import hooked
from tests.world import watched


@pytest.fixture
def clocked(clocked: Clocked) -> Iterator[Clocked]:
    """A shop whose table is in memory: there are many chunks here."""
    if table_server.current() is not None:
        yield clocked
        return
    with table_server.serving(rewind.store_as_made(watched())):
        yield clocked


def launched(shop: Clocked, people: int, chunk: int = 1) -> str:
    """A campaign that is launched and planned, in chunks of a size."""
    shop.people(people)
    rollups.EVERY = 5
    made = shop.said()
    shop.do("launch", made)
    send = shop.send_of(made)
    send.change(Send.chunk_size.set(chunk))
    while not planning.plan({"tenant": TENANT, "send": send.send_id})["done"]:
        pass
    return made


def shown(shop: Clocked, made: str) -> Any:
    """The send of a campaign as its page has it."""
    return shop.world.call("sends.get_send", path={"send_id": shop.do("get", made).data["send_id"]}).data


def released(shop: Clocked) -> list[dict[str, Any]]:
    """One round of the governor; gives the messages that it has put on the queue, and takes them from there."""
    state = {"account": "ses", "generation": int(senders.get().generation), "round": 0}
    shop.world.run("sends.govern_account", state)
    queue = rewind.backend("sqs").queues["drumbeat-deliver"]
    found = [message.body for message in queue.messages]
    queue._messages = []
    return [{"messageId": str(place), "body": body, "attributes": {}} for place, body in enumerate(found)]


def minute(shop: Clocked, **duration: float) -> int:
    """Time passes, the governor has a round, and workers do what it released; gives how many messages that were. None
    of them may fail: what fails often enough ends in the dead-letter queue."""
    shop.time.passes(timedelta(**(duration or {"minutes": 1})))
    records = released(shop)
    assert shop.world.run("sends.deliver_chunk", {"Records": records}) == {"batchItemFailures": []}
    return len(records)


def calls(shop: Clocked) -> int:
    """How many calls met the faults."""
    return sum(fault["hits"] for fault in shop.mails.http.get("/faults").json()["faults"])


def test_an_outage_of_an_hour_delays_chunks_and_loses_or_doubles_nobody(clocked: Clocked) -> None:
    made = launched(clocked, 300)
    senders.get().change(Sender.rate.set(0.5))
    clocked.mails.fault("500", rate=1)

    assert minute(clocked, seconds=1) == 60  # two minutes' worth
    told = shown(clocked, made)
    assert (told["circuit"]["state"], told["circuit"]["failures_in_a_row"], calls(clocked)) == ("open", 5, 5)
    assert told["waiting_for"] == ["outcomes", "provider"]
    assert (told["recipients"]["open"], told["unknown"]["recipients"]) == (295, 5)
    handled = [minute(clocked, minutes=2) for _ in range(30)]
    probes = calls(clocked) - circuit.THRESHOLD
    told = shown(clocked, made)

    assert 6 <= probes <= 12 and sum(handled) < 100  # most are looks at those who are in doubt
    assert (told["circuit"]["last_reason"], told["recipients"]["sent"]) == ("InternalFailure", 0)
    assert sum(told["recipients"].values()) == told["audience"]["size"] == 300

    clocked.mails.http.delete("/faults")
    for _ in range(20):
        minute(clocked)
    told = shown(clocked, made)
    assert (told["circuit"]["state"], told["circuit"]["failures_in_a_row"]) == ("closed", 0)
    assert told["recipients"]["open"] == 0
    doubted = told["unknown"]["recipients"]
    for _ in range(4):
        minute(clocked, hours=1)
        minute(clocked)
    clocked.world.run("campaigns.roll_up_send", batch([{"tenant": TENANT, "send": told["id"]}]))
    assert sorted(clocked.mails.addresses()) == sorted(f"p{number}@town.example" for number in range(300))
    told = shown(clocked, made)
    assert (told["state"], told["settled"]["sent_again"], told["waiting_for"]) == ("sent", doubted, [])


def broken(times: int = circuit.THRESHOLD) -> Sender:
    """An account of which so many calls in a row have failed."""
    row = senders.get()
    for _ in range(times):
        circuit.failed(row, "InternalFailure", None)
    return row


def stored() -> Sender:
    return senders.get()


def test_only_failures_in_a_row_open_the_circuit(clocked: Clocked) -> None:
    row = broken(4)
    circuit.answered(row, None)
    circuit.failed(row, "InternalFailure", None)
    assert stored().circuit is None and stored().failures == 1
    broken(3)
    clocked.time.passes(circuit.IN_A_ROW * 2)  # long ago is not in a row
    broken(1)
    assert stored().circuit is None and stored().failures == 1
    broken(4)
    assert stored().circuit == "open"


def test_workers_that_fail_at_the_same_time_open_it_once_and_for_the_first_pause(clocked: Clocked) -> None:
    copies = [senders.get() for _ in range(8)]
    for row in copies:
        circuit.failed(row, "InternalFailure", None)
        clocked.time.passes(timedelta(seconds=1))
    opened = stored()
    assert opened.circuit_until is not None and opened.circuit_since is not None
    assert opened.circuit_until - opened.circuit_since <= circuit.FIRST_PAUSE + timedelta(milliseconds=10)
    assert opened.failures == circuit.THRESHOLD  # those whose calls were on their way say nothing new


def test_first_failures_at_the_same_time_are_all_counted(clocked: Clocked) -> None:
    """Each finds that there is no row of failures yet; the other one begins it in the same moment."""
    row, other = stored(), stored()
    seen: list[bool] = []

    def quicker(params: dict[str, Any], **_: Any) -> None:
        if b"failed_at" in params["body"]:
            seen.append(True)
            if len(seen) == 2:
                circuit.failed(other, "InternalFailure", None)

    with hooked("before-call.dynamodb.UpdateItem", quicker):
        circuit.failed(row, "InternalFailure", None)

    assert stored().failures == 2


def test_one_worker_has_the_probe_and_only_its_answer_closes_the_circuit(clocked: Clocked) -> None:
    one, other = broken(), stored()
    assert circuit.take_probe(one) is None  # before its time
    clocked.time.passes(circuit.FIRST_PAUSE)
    probe = circuit.take_probe(one)
    assert probe is not None and circuit.take_probe(other) is None
    assert circuit.state(other, clock.business()) == circuit.State.HALF_OPEN

    circuit.answered(other, None)  # of a call that was made before
    circuit.answered(other, "prb_other")
    circuit.failed(other, "late", "prb_other")
    assert (stored().circuit, stored().probe) == ("half_open", probe)
    circuit.answered(one, probe)
    closed = stored()
    assert not any((closed.circuit, closed.probe, closed.failures, closed.circuit_pause, closed.circuit_until))


def test_a_probe_that_fails_doubles_the_pause_up_to_the_longest(clocked: Clocked) -> None:
    row, pauses = broken(), []
    for _ in range(7):
        clocked.time.passes(timedelta(seconds=int(row.circuit_pause or 0)))
        probe = circuit.take_probe(row)
        assert probe is not None
        circuit.failed(row, "InternalFailure", probe)
        pauses.append(int(row.circuit_pause or 0))

    assert pauses == [60, 120, 240, 480, 600, 600, 600]


def test_a_probe_whose_worker_died_or_had_nothing_to_send_is_somebody_elses(
    clocked: Clocked, capsys: pytest.CaptureFixture[str]
) -> None:
    row = broken()
    clocked.time.passes(circuit.FIRST_PAUSE)
    first = circuit.take_probe(row)
    clocked.time.passes(circuit.LEASE)
    second = circuit.take_probe(row)
    assert first is not None and second is not None

    capsys.readouterr()
    circuit.give_up_probe(row, first)  # it was only slow, and the probe is no longer its
    circuit.answered(row, first)
    assert stored().probe == second and "is closed" not in capsys.readouterr().out
    circuit.give_up_probe(row, second)
    assert circuit.take_probe(row) is not None


def test_a_chunk_that_has_nobody_to_send_to_is_no_probe(clocked: Clocked) -> None:
    made = launched(clocked, 2)
    suppressions.suppress(TENANT, "p0@town.example", "marketing", "manual", None, clock.business())
    broken()
    gate.forget()
    clocked.time.passes(circuit.FIRST_PAUSE)
    for chunk in clocked.chunks(made):
        delivering.look_at(chunk.place)

    assert clocked.mails.addresses() == ["p1@town.example"]
    assert stored().circuit is None


def test_an_answer_about_the_account_or_a_mail_is_no_outage(clocked: Clocked) -> None:
    made = launched(clocked, 12)
    clocked.mails.fault("429", count=12)
    for chunk in clocked.chunks(made):
        delivering.look_at(chunk.place)
        clocked.time.passes(gate.A_MOMENT)

    assert calls(clocked) >= circuit.THRESHOLD and stored().circuit is None


def test_an_answer_ends_a_row_of_failures_and_opens_no_circuit_that_another_closed(clocked: Clocked) -> None:
    """What an instance knows may be old: the circuit has been opened since, and its failures belong to it."""
    late = broken(1)
    broken()
    circuit.answered(late, None)

    assert (stored().circuit, stored().failures) == ("open", circuit.THRESHOLD)


def while_it_opens(act: Callable[[], Any]) -> Callable[..., None]:
    """Done just before the write that opens the circuit."""
    seen: list[bool] = []

    def hook(params: dict[str, Any], **_: Any) -> None:
        if b"circuit_since" in params["body"] and not seen:
            seen.append(True)
            act()

    return hook


def test_who_opens_a_circuit_that_is_open_does_not_put_its_probe_off(clocked: Clocked) -> None:
    row, other = broken(4), stored()

    def quicker() -> None:
        circuit.failed(other, "InternalFailure", None)
        clocked.time.passes(timedelta(seconds=20))

    with hooked("before-call.dynamodb.UpdateItem", while_it_opens(quicker)):
        circuit.failed(row, "InternalFailure", None)

    until = stored().circuit_until
    assert until is not None and until - clock.business() <= circuit.FIRST_PAUSE - timedelta(seconds=20)


def test_an_answer_in_the_last_moment_keeps_the_circuit_closed(clocked: Clocked) -> None:
    row, other = broken(4), stored()
    with hooked("before-call.dynamodb.UpdateItem", while_it_opens(lambda: circuit.answered(other, None))):
        circuit.failed(row, "InternalFailure", None)

    assert stored().circuit is None


def test_a_call_that_fails_long_after_the_circuit_opened_says_nothing_new(clocked: Clocked) -> None:
    late = stored()
    broken()
    clocked.time.passes(circuit.IN_A_ROW * 2)
    circuit.failed(late, "late", None)

    assert (stored().failures, stored().failure_reason) == (circuit.THRESHOLD, "InternalFailure")
