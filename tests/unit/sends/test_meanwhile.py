"""Two work on the same send at once: what one of them has read is not true any more when it writes."""

from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, queues
from drumbeat.channels import Account
from drumbeat.channels.outcomes import CallResult, CallState
from drumbeat.contacts.opt_in.model import OptIn
from drumbeat.sends import (
    circuit,
    claims,
    confirmations,
    daily,
    due,
    environment,
    gate,
    moving,
    planning,
    provider_messages,
    quotas,
    rollups,
    senders,
    settling,
    states,
    sweeping,
)
from drumbeat.sends.environment import Environment
from drumbeat.sends.grouping import Group, Page
from drumbeat.sends.model import Chunk, ChunkState, Outcome, Send
from drumbeat.sends.quotas import Cap, Quota
from drumbeat.sends.senders import Sender
from drumbeat.sends.totals import Totals
from drumbeat.table import ConditionFailed

from tests.meanwhile import appeared, changed, quicker, stored, vanished
from tests.sends import SENT_AT, Sent, sent
from tests.unit.sends.conftest import TENANT, Clocked
from tests.world import World

FUTURE = "2999-01-01T00:00:00.000Z"
CAP = Cap("snd_1#hour", 10, timedelta(hours=1))


class Due:
    """A send with one chunk of two people that is due."""

    def __init__(self) -> None:
        self.made: Sent = sent(sizes=(2,))
        self.at = self.made.place().chunk_key
        sort = due.sort_key(clock.business(), ChunkState.PENDING, 2, self.made.place())
        changed(self.at, state="pending", outcomes=Outcome.TO_DO * 2, attempts=0, gsi2pk="DUE#ses#x#0", gsi2sk=sort)
        send = Send.fetch(*Send.key(TENANT, self.made.send_id))
        assert send is not None
        self.send = send

    @property
    def chunk(self) -> Chunk:
        found = Chunk.fetch(*self.at)
        assert found is not None
        return found

    def claimed(self) -> claims.Work:
        work = claims.claim(self.send, self.chunk, clock.wall())
        assert work is not None
        work.outcomes = {0: Outcome.ACCEPTED, 1: Outcome.ACCEPTED}
        return work

    def reserved(self) -> claims.Work:
        """Claimed, and both counted in a window; one was not sent."""
        work = self.claimed()
        assert quotas.reserve(TENANT, work.chunk, [0, 1], [CAP], clock.business()) == [0, 1]
        work.message_ids = {0: "m"}
        return work

    def taken(self) -> Any:
        return (stored(quota()) or {}).get("taken")


def quota() -> tuple[str, str]:
    return Quota.key(TENANT, CAP.key, CAP.around(clock.business())[0])


@pytest.mark.parametrize("meanwhile", [{"state": "done"}, {"attempts": 1}])
def test_a_chunk_that_was_worked_on_meanwhile_is_not_claimed(world: World, meanwhile: dict[str, Any]) -> None:
    at_hand = Due()

    with quicker(at_hand.at, changed, **meanwhile):
        assert claims.claim(at_hand.send, at_hand.chunk, clock.wall()) is None

    assert (stored(at_hand.at) or {}).get("claim") is None


@pytest.mark.parametrize("meanwhile", [{"claim": "clm_other"}, {"state": "done"}])
def test_whoever_lost_the_claim_writes_nothing(world: World, meanwhile: dict[str, Any]) -> None:
    at_hand = Due()
    work = at_hand.claimed()

    with quicker(at_hand.at, changed, **meanwhile):
        claims.record(work)

    assert (stored(at_hand.at) or {})["outcomes"] == Outcome.TO_DO * 2


def test_a_change_without_a_claim_gives_way_to_any_other(world: World) -> None:
    at_hand = Due()

    with quicker(at_hand.at, changed, span=7):
        claims.change(at_hand.chunk, Chunk.span.set(3))

    assert (stored(at_hand.at) or {})["span"] == 7


@pytest.mark.parametrize("meanwhile", [{"claim": "clm_other"}, {"state": "unknown"}, {"held": None}])
def test_what_was_counted_is_given_back_once(world: World, meanwhile: dict[str, Any]) -> None:
    """Another claim has it, or somebody settles it, or it was given back and the answer was lost."""
    at_hand = Due()
    work = at_hand.reserved()

    with quicker(at_hand.at, changed, **meanwhile):
        claims.record(work)

    assert at_hand.taken() == 2


def test_of_a_window_that_is_gone_nothing_is_given_back(world: World) -> None:
    at_hand = Due()
    work = at_hand.reserved()
    vanished(quota())

    claims.record(work)

    assert (stored(quota()), (stored(at_hand.at) or {})["outcomes"]) == (None, Outcome.ACCEPTED * 2)


@pytest.mark.parametrize("meanwhile", [{"claim": "clm_other"}, {"state": "done"}])
def test_whoever_lost_the_claim_counts_nothing(world: World, meanwhile: dict[str, Any]) -> None:
    at_hand = Due()
    work = at_hand.claimed()

    with quicker(at_hand.at, changed, **meanwhile), pytest.raises(ConditionFailed):
        quotas.reserve(TENANT, work.chunk, [0, 1], [CAP], clock.business())

    assert at_hand.taken() is None


def test_a_claim_counts_once(world: World) -> None:
    at_hand = Due()
    work = at_hand.reserved()

    assert quotas.reserve(TENANT, work.chunk, [0, 1], [CAP], clock.business()) == [0, 1]
    assert at_hand.taken() == 2


def test_a_full_window_takes_nobody(world: World) -> None:
    at_hand = Due()
    work = at_hand.claimed()
    changed(quota(), taken=8)

    with quicker(quota(), changed, taken=10):
        assert quotas.reserve(TENANT, work.chunk, [0, 1], [CAP], clock.business()) == []

    assert at_hand.taken() == 10


def test_a_chunk_that_moved_is_not_put_off(world: World) -> None:
    at_hand = Due()
    row = due.Due(at_hand.made.place(), "pending", 2, str(at_hand.chunk.gsi2sk))
    changed(at_hand.at, gsi2sk="elsewhere")

    assert not due.put_off(row, clock.business())
    assert (stored(at_hand.at) or {})["gsi2sk"] == "elsewhere"


def test_what_came_while_a_chunk_was_settled_stays(world: World) -> None:
    at_hand = Due()
    changed(at_hand.at, state="unknown", unknown_since=clock.business(), doubtful={0, 1})

    with quicker(at_hand.at, changed, state="done", outcomes=Outcome.ACCEPTED * 2):
        settling.settle(at_hand.send, at_hand.chunk)

    assert (stored(at_hand.at) or {})["state"] == "done"


def test_a_send_that_was_cancelled_is_not_paused(world: World) -> None:
    at_hand = Due()
    key = at_hand.send.pk, at_hand.send.sk
    changed(key, state="cancelled")

    states.pause(TENANT, at_hand.send.send_id, "provider")

    assert (stored(key) or {})["state"] == "cancelled"


def test_a_later_roll_up_stays(world: World) -> None:
    at_hand = Due()
    now = clock.business()
    key = Totals.key(TENANT, at_hand.send.send_id)
    rollups.store(TENANT, at_hand.send, now)

    rollups.store(TENANT, at_hand.send, now - timedelta(minutes=1))
    assert (stored(key) or {})["as_of"] == clock.iso(now)
    rollups.store(TENANT, at_hand.send, now + timedelta(minutes=1))
    assert (stored(key) or {})["as_of"] == clock.iso(now + timedelta(minutes=1))


def test_a_roll_up_is_asked_for_once_in_a_while_by_all_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand = Due()
    monkeypatch.setattr(rollups, "EVERY", 60)
    asked: list[Any] = []
    monkeypatch.setattr(queues, "send", lambda *message, **_: asked.append(message))
    ask = (TENANT, at_hand.send.send_id)

    for _ in range(2):
        rollups.request(*ask)
        rollups.forget()  # another instance
    assert len(asked) == 1
    changed(Send.key(*ask), rollup_at=clock.wall() - timedelta(seconds=1))
    rollups.request(*ask)
    assert len(asked) == 2
    rollups.request(TENANT, "snd_unknown")
    assert stored(Send.key(TENANT, "snd_unknown")) is None


def account(**more: Any) -> Sender:
    row = Sender(*Sender.key("other"), gsi1pk=senders.ALL, gsi1sk="other", account="other", rate=10, **more)
    row.create()
    return row


@pytest.mark.parametrize("meanwhile", [{"demand": 1}, {"generation": 2}])
def test_a_governor_goes_on_when_work_came_or_another_took_over(world: World, meanwhile: dict[str, Any]) -> None:
    row = account()

    with quicker((row.pk, row.sk), changed, **meanwhile):
        assert not senders.end_generation(row, [])


def test_whoever_was_replaced_gives_nothing_away(world: World) -> None:
    row = account()

    with quicker((row.pk, row.sk), changed, generation=2), pytest.raises(ConditionFailed):
        senders.given(row, clock.wall(), 5)


def test_work_that_came_meanwhile_is_not_forgotten(world: World) -> None:
    row = account(work={"a#b"})

    with quicker((row.pk, row.sk), changed, demand=1):
        senders.forget_work(row, ["a#b"])

    assert (stored((row.pk, row.sk)) or {})["work"] == {"a#b"}


def test_an_account_that_two_meet_first_is_one_row(clocked: Clocked) -> None:
    key = Sender.key("other")
    first = Sender(*key, gsi1pk=senders.ALL, gsi1sk="other", account="other", rate=7, demand=3)

    with quicker(key, appeared, first):
        found = senders.made(Account("other", "email", "ses"))

    assert found.demand == 3 and (stored(key) or {})["demand"] == 3


def test_a_send_that_another_sweep_looked_at_is_left_alone(world: World) -> None:
    at_hand = Due()
    now = clock.business()
    send = at_hand.send
    send.change(Send.gsi2pk.set("DUE#sends#0"), Send.gsi2sk.set(clock.iso(now)), Send.finished_at.set(now))

    with quicker((send.pk, send.sk), changed, gsi2sk=FUTURE):
        sweeping._look_at(send, now)

    assert (stored((send.pk, send.sk)) or {})["gsi2sk"] == FUTURE


def test_two_planners_write_each_chunk_once(world: World) -> None:
    at_hand = Due()
    changed(Send.key(TENANT, at_hand.send.send_id), planned=None, audience='{"everyone": true}', chunk_size=2)
    vanished(at_hand.at)
    theirs = Chunk(*at_hand.at, state="pending", recipients=b"", outcomes="", through=2)
    send = Send.fetch(*Send.key(TENANT, at_hand.send.send_id))
    assert send is not None
    send.audience = {"everyone": True}

    with quicker(at_hand.at, appeared, theirs):
        planning._plan_shard(send, 0, 5)

    assert bytes((stored(at_hand.at) or {})["recipients"].value) == b""


@pytest.mark.parametrize(("shards", "known"), [(1, None), (2, {1})])
def test_two_planners_count_a_shard_once(world: World, shards: int, known: set[int] | None) -> None:
    at_hand = Due()
    key = Send.key(TENANT, at_hand.send.send_id)
    changed(at_hand.at, through=2)
    launch = '{"name": "Eid", "segment_id": null, "time_zone": "UTC", "budget_minor": 0, "currency": "USD"}'
    changed(key, planned=known, plan_shards=shards, audience_size=0, launch=launch)
    send = Send.fetch(*key)
    assert send is not None

    with quicker(key, changed, planned={0, *(known or ())}, audience_size=2):
        planning._planned(send, 0)

    assert (stored(key) or {})["audience_size"] == 2


def asked(**more: Any) -> OptIn:
    mails = [{"token": "t", "at": FUTURE, "expires_at": FUTURE, "outcome": "sending"}]
    said = {"state": "due", "mails": mails, **more}
    row = OptIn(*OptIn.key(TENANT, "a"), tenant=TENANT, contact="con_1", requested_at=clock.business(), **said)
    row.create()
    return row


def claim(row: OptIn) -> object:
    now = clock.business()
    return confirmations._claim(row, b"secret", now + timedelta(days=1), None, now)


def test_a_confirmation_that_somebody_else_has_is_left_to_them(world: World) -> None:
    row = asked()
    key = row.pk, row.sk
    changed(key, state="confirmed")

    assert not claim(row)
    confirmations._block(row, "limit", clock.business())

    assert (stored(key) or {})["state"] == "confirmed"


def test_a_confirmation_that_is_not_due_is_not_claimed(world: World) -> None:
    assert not claim(asked(state="sent"))


def test_what_is_noted_of_a_confirmation_at_once_stays(world: World) -> None:
    row = asked(state="sending")
    key = row.pk, row.sk

    refused = CallResult(CallState.REFUSED)
    with quicker(key, changed, state="confirmed"), pytest.raises(ConditionFailed):
        confirmations._noted(row, "t", refused, row.requested_at)

    assert (stored(key) or {})["state"] == "confirmed"


AT = (*Sender.key("other"),)
OPEN: dict[str, Any] = {"circuit": "open", "circuit_pause": 60, "probe": "prb_1"}


@pytest.mark.parametrize("meanwhile", [{"circuit_until": FUTURE}, {"circuit": None, "circuit_until": None}])
def test_one_call_probes_a_circuit(world: World, meanwhile: dict[str, Any]) -> None:
    """Another one has begun to, or the circuit is closed by now."""
    row = account(**OPEN, circuit_until=clock.business())

    with quicker(AT, changed, **meanwhile):
        assert circuit.take_probe(row) is None

    assert (stored(AT) or {})["probe"] == "prb_1"


@pytest.mark.parametrize(
    "say",
    [
        lambda row: circuit.give_up_probe(row, "prb_1"),
        lambda row: circuit.answered(row, "prb_1"),
        lambda row: circuit.failed(row, "no answer", "prb_1"),
    ],
)
def test_a_probe_that_was_replaced_says_nothing(world: World, say: Any) -> None:
    row = account(**OPEN, circuit_until=clock.business())

    with quicker(AT, changed, probe="prb_2"):
        say(row)

    after = stored(AT) or {}
    assert (after["probe"], after["circuit"], after["circuit_pause"]) == ("prb_2", "open", 60)


def test_an_answer_that_comes_when_the_circuit_is_open_leaves_its_reason(world: World) -> None:
    row = account(failures=2, failed_at=clock.business(), failure_reason="no answer")

    with quicker(AT, changed, circuit="open"):
        circuit.answered(row, None)

    assert (stored(AT) or {})["failures"] == 2


@pytest.mark.parametrize("meanwhile", [{"circuit": "open", "circuit_since": FUTURE}, {"failures": 1}])
def test_a_circuit_is_opened_once_and_by_a_row_of_failures(world: World, meanwhile: dict[str, Any]) -> None:
    """Somebody else has opened it, or heard an answer, between the count and the decision."""
    row = account(failures=99, failed_at=clock.business())
    writes: list[str] = []

    def decide(key: tuple[str, str]) -> None:
        writes.append(key[0])
        if len(writes) == 2:
            changed(key, **meanwhile)

    with quicker(AT, decide, times=2):
        circuit.failed(row, "no answer", None)

    after = stored(AT) or {}
    assert len(writes) == 2
    assert (after.get("circuit"), after.get("circuit_since")) == (
        meanwhile.get("circuit"),
        meanwhile.get("circuit_since"),
    )


@pytest.mark.parametrize(
    ("held", "after"),
    [
        ({"failures": 2, "failed_at": timedelta(0)}, 3),
        ({"failures": 2, "failed_at": timedelta(days=-1)}, 1),
        ({}, 1),
        ({"failures": 2, "failed_at": timedelta(0), "circuit": "open"}, 2),
        ({"failures": 2, "failed_at": timedelta(days=-1), "circuit": "open"}, 2),
    ],
)
def test_failures_in_a_row_are_counted_while_the_circuit_is_closed(
    world: World, held: dict[str, Any], after: int
) -> None:
    ago = held.get("failed_at")
    row = account(**{**held, **({"failed_at": clock.business() + ago} if ago is not None else {})})

    circuit._counted(row, "no answer", clock.business())

    assert (stored(AT) or {})["failures"] == after


@pytest.mark.parametrize("slowed", [None, "2020-01-01T00:00:00.000Z"])
def test_throttling_that_several_are_told_of_slows_down_once(world: World, slowed: str | None) -> None:
    account(slow_rate=10, **({"slowed_at": clock.parse(slowed)} if slowed else {}))

    with quicker(AT, changed, slowed_at=clock.wall(), slow_rate=3):
        senders.slow_down("other", "slow down", timedelta(seconds=5))

    assert (stored(AT) or {})["slow_rate"] == 3


def test_an_account_is_held_for_the_longest_wait(world: World) -> None:
    account()
    for seconds, expected in ((60, 60), (5, 60), (120, 120)):
        until = clock.wall() + timedelta(seconds=expected)
        senders.hold("other", "quota", timedelta(seconds=seconds))
        held = clock.parse((stored(AT) or {})["held_until"])
        assert abs((held - until).total_seconds()) < 30
    vanished(AT)
    senders.hold("other", "quota", timedelta(seconds=5))
    assert stored(AT) is None


def test_a_confirmation_that_changed_and_is_still_due_is_left_to_who_changed_it(world: World) -> None:
    row = asked()
    key = row.pk, row.sk
    key_of_ses = Sender.key(senders.SES)
    account = Sender(
        *key_of_ses, gsi1pk=senders.ALL, gsi1sk="ses", account="ses", rate=10, checked_at=clock.wall()
    )  # fmt: skip
    account.create()
    later = gate.Verdict(account, may_call=False, again=clock.business())

    for act in (lambda: claim(row), lambda: confirmations._later(row, later), lambda: confirmations._hand_over([row])):
        with quicker(key, changed, gsi2sk=FUTURE):
            assert not act()  # type: ignore[no-untyped-call]
        assert ((stored(key) or {})["gsi2sk"], state_of(key)) == (FUTURE, "due")


def state_of(key: tuple[str, str]) -> Any:
    return (stored(key) or {})["state"]


def test_a_window_that_has_room_is_taken_from_again(world: World) -> None:
    at_hand = Due()
    work = at_hand.claimed()
    changed(quota(), taken=1)

    assert quotas.reserve(TENANT, work.chunk, [0, 1], [CAP], clock.business()) == [0, 1]
    assert at_hand.taken() == 3


def test_the_first_to_say_whose_data_it_is_counts(world: World) -> None:
    key = Environment.key()
    if stored(key):
        vanished(key)
    theirs = Environment(*key, belongs_to="theirs", since=clock.wall())

    with quicker(key, appeared, theirs):
        assert environment._first().belongs_to == "theirs"


def test_two_planners_write_the_chunks_of_a_page_once(world: World) -> None:
    at_hand = Due()
    vanished(at_hand.at)
    theirs = Chunk(*at_hand.at, state="pending", recipients=b"", outcomes="", through=2)
    people = [person.contact_id for person in at_hand.made.people[0]]
    page = Page(2, {Group(): people}, people[-1], 2)

    with quicker(at_hand.at, appeared, theirs):
        planning._plan_pages(at_hand.send, 0, 0, 0, iter([page]), 5)

    assert bytes((stored(at_hand.at) or {})["recipients"].value) == b""


def test_whoever_lost_the_claim_does_not_call(world: World) -> None:
    at_hand = Due()
    work = at_hand.claimed()

    with quicker(at_hand.at, changed, claim="clm_other", imprints="theirs"):
        assert not claims.about_to_call(work, {0: "Hi"})

    assert (stored(at_hand.at) or {})["imprints"] == "theirs"


def test_a_day_that_two_sweeps_find_over_ended_when_the_first_says(world: World) -> None:
    at_hand = Due()
    key = at_hand.send.pk, at_hand.send.sk
    at_hand.send.change(Send.planned.remove(), Send.planned_at.remove())

    with quicker(key, changed, planned={0}, planned_at=SENT_AT):
        assert daily.seal(at_hand.send, clock.business())

    assert ((stored(key) or {})["planned"], (stored(key) or {})["planned_at"]) == ({0}, clock.iso(SENT_AT))


def test_a_send_that_was_cancelled_meanwhile_is_not_finished(world: World) -> None:
    at_hand = Due()
    key = at_hand.send.pk, at_hand.send.sk

    with quicker(key, changed, state="cancelled"):
        daily.finish(at_hand.send, 2, clock.business())

    assert (stored(key) or {})["state"] == "cancelled"


def test_a_chunk_that_was_claimed_meanwhile_does_not_move(world: World) -> None:
    at_hand = Due()
    send = at_hand.send
    work = {f"{TENANT}#{send.send_id}"}
    Sender(
        *Sender.key("ses"), gsi1pk=senders.ALL, gsi1sk="ses", account="ses", checked_at=clock.wall(), work=work
    ).create()  # fmt: skip
    send.account, send.fallback, send.channel = "pac_first", "ses", "email"

    with quicker(at_hand.at, changed, state="sending", claim="clm_other"):
        assert not moving.move(send, at_hand.chunk)

    assert (stored(at_hand.at) or {}).get("account") is None
    changed(at_hand.at, state="pending")
    assert moving.move(send, at_hand.chunk)


def test_a_send_that_was_refused_twice_has_the_first_reason(world: World) -> None:
    at_hand = Due()
    key = at_hand.send.pk, at_hand.send.sk

    with quicker(key, changed, refused="the first"):
        moving.refuse(at_hand.send, at_hand.chunk, "the second")

    assert (stored(key) or {})["refused"] == "the first"


def test_what_a_provider_accepted_is_one_of_our_messages(world: World) -> None:
    place = Due().made.place()

    assert [provider_messages.take(place, number, "SM1") for number in (0, 0, 1)] == [True, True, False]
    assert provider_messages.find(TENANT, "SM1") == place.message(0)
