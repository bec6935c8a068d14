"""What a provider's answer does to a chunk: done, not done, or unknown, and nobody twice."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from drumbeat import clock, table
from drumbeat.sends import delivering, due, governing, rollups, senders
from drumbeat.sends.model import Chunk, ChunkState, Send, Stat

from tests.unit.campaigns.conftest import Shop
from tests.unit.mail import Provider, provider
from tests.world import World


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[Provider]:
    with provider(tmp_path / "mail") as running:
        yield running


@pytest.fixture
def shop(mails: Provider, world: World) -> Shop:
    shop = Shop(world, mails)
    for number in range(7):
        shop.contact(f"p{number}@town.example")
    return shop


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Let time pass, on both clocks."""
    moved = [0.0]
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: time.time() + moved[0]))

    def pass_time(**duration: float) -> None:
        moved[0] += timedelta(**duration).total_seconds()

    yield pass_time


def chunks(shop: Shop, campaign: str) -> list[Chunk]:
    send_id = shop.do("get", campaign).data["send_id"]
    send = Send.fetch(*Send.key("ten_acme", send_id))
    assert send is not None
    return [
        chunk
        for shard in range(int(send.plan_shards))
        for chunk in table.rows(Chunk, f"CHUNK#ten_acme#{send_id}#{shard}")
    ]


def sweep(shop: Shop) -> None:
    """What the schedules do each minute."""
    rollups.forget()
    shop.world.run("sends.sweep_sends", {})
    shop.world.settle()


def everyone() -> list[str]:
    return [f"p{number}@town.example" for number in range(7)]


def test_a_throttled_call_is_made_again_later(shop: Shop, later: object) -> None:
    shop.mails.fault("429", count=1)
    campaign = shop.campaign()

    shop.launch(campaign)
    assert shop.mails.addresses() == []
    assert shop.results(campaign)["open"] == 7
    later(minutes=3)  # type: ignore[operator]
    sweep(shop)

    assert sorted(shop.mails.addresses()) == everyone()
    assert shop.status(campaign) == "sent"


def test_entries_that_fail_for_now_are_sent_later_and_the_others_not_again(shop: Shop, later: object) -> None:
    shop.mails.fault("partial", count=1, share=0.5)
    campaign = shop.campaign()

    shop.launch(campaign)
    first = len(shop.mails.addresses())
    later(minutes=3)  # type: ignore[operator]
    sweep(shop)

    assert 0 < first < 7
    assert sorted(shop.mails.addresses()) == everyone()


@pytest.mark.parametrize("kind", ["500_accepted", "reset_accepted"])
def test_a_call_whose_answer_was_lost_is_settled_by_its_events(shop: Shop, later: object, kind: str) -> None:
    shop.mails.fault(kind, count=1)
    campaign = shop.campaign()
    shop.launch(campaign)
    (chunk,) = chunks(shop, campaign)
    assert chunk.state == ChunkState.UNKNOWN
    assert shop.status(campaign) == "sending"

    Stat.change_at(*chunk.place.stat_key, Stat.delivered.add({0, 1, 2, 3, 4}), Stat.bounced.add({5, 6}))
    later(minutes=5)  # type: ignore[operator]
    sweep(shop)

    assert sorted(shop.mails.addresses()) == everyone()
    assert shop.results(campaign)["sent"] == 7
    assert shop.status(campaign) == "sent"
    timeline = shop.world.call("activity.list_timeline", path={"contact_id": chunk.contacts[0]}).data["items"]
    assert [row["name"] for row in timeline].count("email.sent") == 1


def test_after_the_grace_those_without_any_event_are_sent_again(shop: Shop, later: object) -> None:
    shop.mails.fault("500", count=1)
    campaign = shop.campaign()
    shop.launch(campaign)
    later(minutes=30)  # type: ignore[operator]
    sweep(shop)
    assert shop.mails.addresses() == []  # within the grace nobody knows
    later(hours=2)  # type: ignore[operator]
    sweep(shop)
    sweep(shop)

    assert sorted(shop.mails.addresses()) == everyone()
    assert shop.status(campaign) == "sent"


def test_with_the_policy_never_they_are_given_up_and_shown(shop: Shop, later: object) -> None:
    shop.world.call("accounts.update_settings", body={"unknown_policy": "never"})
    shop.mails.fault("500", count=1)
    campaign = shop.campaign()
    shop.launch(campaign)
    later(hours=3)  # type: ignore[operator]
    sweep(shop)

    assert shop.mails.addresses() == []
    assert shop.results(campaign)["not_sent_by_reason"] == {"outcome_unknown": 7}
    assert shop.status(campaign) == "sent"


def test_a_worker_that_died_after_the_call_sends_nobody_twice(shop: Shop, later: object) -> None:
    """Killed between the provider's answer and the record: the events tell who got it."""
    campaign = shop.campaign()
    shop.do("launch", campaign)
    original = delivering._act_on

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    delivering._act_on = die  # type: ignore[assignment]
    try:
        with pytest.raises(Killed):
            shop.world.settle()
    finally:
        delivering._act_on = original
    (chunk,) = chunks(shop, campaign)
    assert chunk.state == ChunkState.SENDING
    Stat.change_at(*chunk.place.stat_key, Stat.delivered.add(set(range(7))))
    Chunk.change_at(*chunk.place.chunk_key, Chunk.lease_until.set(clock.wall() - timedelta(seconds=1)))
    later(minutes=10)  # type: ignore[operator]
    sweep(shop)

    assert sorted(shop.mails.addresses()) == everyone()
    assert shop.results(campaign)["sent"] == 7


def test_a_call_refused_for_one_entry_is_split_until_it_stands_alone(shop: Shop, later: object) -> None:
    shop.mails.configure(refuse_whole_call=True)
    (victim,) = shop.world.call("contacts.list_contacts", query={"email": "p3@town.example"}).data["items"]
    # An address that our own checks let through and the provider does not.
    bad = "p3@" + "x" * 250 + ".example"
    table.Entity.change_at  # noqa: B018 - the contact is changed behind the API's back, below
    from drumbeat.contacts.model import Contact

    Contact.change_at(*Contact.key("ten_acme", victim["id"]), Contact.email.set(bad))
    campaign = shop.campaign()
    shop.launch(campaign)
    for _ in range(6):
        later(minutes=1)  # type: ignore[operator]
        sweep(shop)

    assert sorted(shop.mails.addresses()) == [address for address in everyone() if address != "p3@town.example"]
    assert shop.results(campaign)["not_sent_by_reason"] == {"rejected_by_provider": 1}


def test_an_account_that_may_not_send_pauses_the_campaign(shop: Shop, later: object) -> None:
    shop.mails.configure(sending_enabled=False)
    campaign = shop.campaign()
    shop.launch(campaign)

    shown = shop.do("get", campaign).data
    assert shown["status"] == "paused"
    assert shown["reason"].startswith("provider_refused:")
    shop.mails.configure(sending_enabled=True)
    shop.do("resume", campaign)
    later(minutes=3)  # type: ignore[operator]
    sweep(shop)

    assert sorted(shop.mails.addresses()) == everyone()
    assert shop.status(campaign) == "sent"


def test_every_message_and_step_twice_changes_nothing(shop: Shop) -> None:
    campaign = shop.campaign()
    shop.launch(campaign)
    send_id = shop.do("get", campaign).data["send_id"]

    shop.world.run("sends.plan_chunks", {"tenant": "ten_acme", "send": send_id})
    for chunk in chunks(shop, campaign):
        delivering.look_at(chunk.place)
    shop.world.settle()

    assert sorted(shop.mails.addresses()) == everyone()
    assert len(chunks(shop, campaign)) == 1


def test_pause_resume_and_cancel(shop: Shop, later: object) -> None:
    campaign = shop.campaign()
    shop.do("launch", campaign)
    assert shop.do("pause", campaign).data["status"] == "paused"
    shop.world.settle()
    assert shop.mails.addresses() == []

    assert shop.do("resume", campaign).data["status"] == "sending"
    assert shop.do("cancel", campaign).data["status"] == "cancelled"
    shop.world.settle()

    assert shop.mails.addresses() == []
    assert shop.results(campaign)["not_sent_by_reason"] == {"cancelled": 7}


def test_what_came_up_while_it_was_paused_goes_out_when_it_is_resumed(shop: Shop) -> None:
    campaign = shop.campaign()
    shop.do("launch", campaign)
    shop.do("pause", campaign)
    shop.world.settle()
    (chunk,) = chunks(shop, campaign)
    # It had been released before the pause, and its message comes now.
    later = clock.business() + governing.RELEASED_FOR
    chunk.change(Chunk.gsi2sk.set(due.sort_key(later, ChunkState.PENDING, 7, chunk.place)))
    delivering.look_at(chunk.place)

    shop.do("resume", campaign)
    shop.world.settle()

    assert sorted(shop.mails.addresses()) == everyone()


def test_a_governor_that_died_is_replaced_after_a_silence(shop: Shop, later: object) -> None:
    campaign = shop.campaign()
    shop.do("launch", campaign)
    shop.do("pause", campaign)
    shop.world.settle()
    row = senders.get()
    Send.change_at(*Send.key("ten_acme", shop.do("get", campaign).data["send_id"]), Send.state.set("sending"))

    row.change(senders.Sender.governed_at.set(clock.wall()))
    sweep(shop)
    assert shop.mails.addresses() == []
    row.change(senders.Sender.governed_at.set(clock.wall() - timedelta(minutes=10)))
    sweep(shop)

    assert sorted(shop.mails.addresses()) == everyone()


def test_a_sender_that_is_not_verified_pauses_the_campaign_and_rejects_nobody(shop: Shop) -> None:
    campaign = shop.campaign(sender_email="news@unverified.example")

    shop.launch(campaign)

    shown = shop.do("get", campaign).data
    assert (shown["status"], shown["reason"]) == ("paused", "provider_refused:sender_not_verified")
    assert shop.results(campaign)["open"] == 7


def test_a_fault_before_the_call_is_no_doubt(shop: Shop, later: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipients could not be read: nothing was sent, so they are sent later, whatever the policy for doubts."""
    shop.world.call("accounts.update_settings", body={"unknown_policy": "never"})
    campaign = shop.campaign()
    shop.do("launch", campaign)
    client = table.connection().connection.client

    def fail(params: dict[str, object], **_: object) -> None:
        if any(key["pk"]["S"].startswith("SUPPRESSION#") for key in params["RequestItems"][table.TABLE]["Keys"]):  # type: ignore[index]
            client.meta.events.unregister("before-parameter-build.dynamodb.BatchGetItem", unique_id="fault")
            raise TimeoutError

    client.meta.events.register("before-parameter-build.dynamodb.BatchGetItem", fail, unique_id="fault")
    with pytest.raises(AssertionError, match="deliver_chunk failed"):
        shop.world.settle()
    (chunk,) = chunks(shop, campaign)
    assert chunk.state == ChunkState.PENDING
    later(minutes=3)  # type: ignore[operator]
    sweep(shop)

    assert sorted(shop.mails.addresses()) == everyone()


def test_a_governor_that_looked_too_early_forgets_nobody(shop: Shop, later: object) -> None:
    """An index may lag: the account's row no longer knows of the send, whose chunks are due."""
    campaign = shop.campaign()
    shop.do("launch", campaign)
    shop.world._machines()
    row = senders.get()
    row.change(senders.Sender.work.delete(set(row.work or ())), senders.Sender.generation.add(1))
    shop.world.running.clear()
    later(minutes=2)  # type: ignore[operator]
    shop.world.run("sends.sweep_sends", {})
    shop.world.settle()

    assert sorted(shop.mails.addresses()) == everyone()
