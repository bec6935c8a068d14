"""An opt-out and a pause hold in time, however slow a worker is between its look and its call."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.channels.email import ses
from drumbeat.contacts import suppressions
from drumbeat.contacts.model import Contact
from drumbeat.sends import checking, delivering, states
from drumbeat.sends.model import ChunkState

from tests.unit.sends.conftest import TENANT, Clocked
from tests.unit.sends.test_circuit import launched
from tests.unit.sends.test_limits import hooked, people, taken

READS = "after-call.dynamodb.BatchGetItem"
# Reads of a claimed chunk: the account, the recipients, whom of them nothing may be sent to.
CHECKED = 3


def after(read: int, *acts: Callable[[], Any]) -> Callable[..., None]:
    """Do these once, just behind a read."""
    seen: list[int] = []

    def act(**_: Any) -> None:
        seen.append(1)
        if len(seen) == read:
            for each in acts:
                each()

    return act


def slow(shop: Clocked, seconds: float = 11) -> Callable[[], None]:
    return lambda: shop.time.passes(timedelta(seconds=seconds))


def opts_out(number: int) -> Callable[[], None]:
    address = f"p{number}@town.example"

    def act() -> None:
        suppressions.suppress(TENANT, address, "marketing", "manual", None, clock.business())

    return act


def test_a_look_that_is_too_old_is_taken_again_before_the_call(clocked: Clocked) -> None:
    made = launched(clocked, 3, chunk=3)
    with hooked(READS, after(CHECKED, slow(clocked), opts_out(1))):
        delivering.look_at(clocked.chunks(made)[0].place)

    assert sorted(clocked.mails.addresses()) == people(0, 2)
    assert clocked.chunks(made)[0].outcomes == "asa"


def test_the_time_from_a_look_to_the_end_of_its_call_is_less_than_a_minute() -> None:
    connecting = timedelta(seconds=3)
    assert checking.FRESH + timedelta(seconds=ses.READ_TIMEOUT) + connecting < timedelta(seconds=60)


def test_a_worker_that_is_always_slow_sends_nothing_and_forgets_nobody(clocked: Clocked) -> None:
    made = launched(clocked, 2, chunk=2)
    with hooked(READS, lambda **_: slow(clocked)()):
        delivering.look_at(clocked.chunks(made)[0].place)
    (chunk,) = clocked.chunks(made)
    assert (clocked.mails.addresses(), chunk.state, chunk.outcomes) == ([], ChunkState.PENDING, "..")

    clocked.work(made, minutes=1)
    assert sorted(clocked.mails.addresses()) == people(0, 1)


def test_whose_address_changed_meanwhile_gets_it_at_the_new_one(clocked: Clocked) -> None:
    made = launched(clocked, 2, chunk=2)

    def moves() -> None:
        Contact.change_at(*Contact.key(TENANT, f"con_{0:026d}"), Contact.email.set("new@town.example"))

    with hooked(READS, after(CHECKED, slow(clocked), moves)):
        delivering.look_at(clocked.chunks(made)[0].place)
    assert clocked.mails.addresses() == people(1)

    clocked.work(made, minutes=1)
    assert sorted(clocked.mails.addresses()) == ["new@town.example", *people(1)]


def test_who_refuses_tracking_meanwhile_gets_it_without_and_changes_nobody_elses(clocked: Clocked) -> None:
    made = launched(clocked, 2, chunk=2)

    def refuses() -> None:
        Contact.change_at(*Contact.key(TENANT, f"con_{0:026d}"), Contact.tracking.set(False))

    with hooked(READS, after(CHECKED, slow(clocked), refuses)):
        delivering.look_at(clocked.chunks(made)[0].place)
    clocked.work(made, minutes=1)

    links = {mail["to"][0]: mail["html"] for mail in clocked.mails.mails()}
    assert 'href="https://shop.example/eid"' in links["p0@town.example"]
    assert 'href="https://track.example/c/' in links["p1@town.example"]
    assert all('href="https://track.example/u/' in html for html in links.values())


def test_who_is_left_out_by_the_second_look_counts_against_no_limit(clocked: Clocked) -> None:
    clocked.people(3)
    made = clocked.planned(3, limits={"per_hour": 3})
    seen: list[bool] = []

    def reserved(params: dict[str, Any], **_: Any) -> None:
        if not seen:
            seen.append(True)
            slow(clocked)()
            opts_out(1)()

    with hooked("before-call.dynamodb.TransactWriteItems", reserved):
        delivering.look_at(clocked.chunks(made)[0].place)

    assert sorted(clocked.mails.addresses()) == people(0, 2)
    assert (clocked.chunks(made)[0].outcomes, taken(clocked, made)) == ("asa", 2)


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_what_is_decided_while_a_worker_is_slow_holds(clocked: Clocked, verb: str) -> None:
    made = launched(clocked, 2, chunk=2)
    with hooked(READS, after(CHECKED, slow(clocked), lambda: clocked.do(verb, made))):
        delivering.look_at(clocked.chunks(made)[0].place)
    assert clocked.mails.addresses() == []

    if verb == "pause":
        clocked.do("resume", made)
    clocked.work(made, minutes=1)
    expected = ("aa", people(0, 1)) if verb == "pause" else ("xx", [])
    assert (clocked.chunks(made)[0].outcomes, sorted(clocked.mails.addresses())) == expected


def test_a_pause_holds_for_a_worker_that_read_the_send_before_it(clocked: Clocked) -> None:
    """It took six seconds to read what the send says."""
    made = launched(clocked, 2, chunk=2)
    send = clocked.send_of(made)
    pauses = lambda: states.pause(TENANT, send.send_id, "paused_by_user")  # noqa: E731
    reads = 4  # chunk, send, content, and the key of its tokens
    with hooked("after-call.dynamodb.GetItem", after(reads, slow(clocked, 6), pauses)):
        delivering.look_at(clocked.chunks(made)[0].place)

    assert (clocked.mails.addresses(), int(clocked.chunks(made)[0].attempts)) == ([], 0)
