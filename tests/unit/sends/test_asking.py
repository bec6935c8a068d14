"""Text messages whose answer got lost: Twilio is asked, so that the doubt is over within a minute, and nobody gets the
message twice."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from drumbeat import clock, table
from drumbeat.activity.model import Timeline
from drumbeat.providers import secrets
from drumbeat.sends import claims, delivering, rollups
from drumbeat.sends.model import Chunk, ChunkState, Outcome

from infra.local.simulators.http import Reply
from tests.clocks import Time, moved
from tests.twilio import Twilio, account, refusal, twilio
from tests.unit.feedback.test_twilio_reports import campaign, contact, report, send_of, told
from tests.world import World

TENANT = "ten_acme"


@pytest.fixture
def time() -> Iterator[Time]:
    made = Time()
    with moved(made):
        yield made


@pytest.fixture
def there() -> Iterator[Twilio]:
    with twilio() as made:
        yield made


def later(world: World, time: Time, made: str, **duration: float) -> Chunk:
    """Let time pass, and do what is due then; gives the campaign's chunk."""
    time.passes(timedelta(**duration))
    rollups.forget()
    chunk = chunk_of(world, made)
    if chunk.gsi2sk and chunk.gsi2sk <= clock.iso(clock.business()):
        delivering.look_at(chunk.place)
    world.settle()
    return chunk_of(world, made)


def chunk_of(world: World, made: str) -> Chunk:
    """The only chunk of a campaign to one person."""
    send = world.call("campaigns.get_campaign", path={"campaign_id": made}).data["send_id"]
    shards = [f"CHUNK#{TENANT}#{send}#{shard}" for shard in range(16)]
    [chunk] = [chunk for shard in shards for chunk in table.rows(Chunk, shard)]
    return chunk


LOST: list[tuple[Exception | Reply, str]] = [
    (requests.ReadTimeout("read timed out"), "after_grace"),
    (requests.ConnectionError("Connection aborted."), "never"),
    (refusal(500, 20500), "never"),
]


@pytest.mark.parametrize(("lost", "policy"), LOST, ids=["timeout", "reset", "500"])
def test_the_reply_got_lost(world: World, there: Twilio, time: Time, lost: Exception | Reply, policy: str) -> None:
    """Accepted once, nobody twice, and known within a minute."""
    account(world)
    world.call("accounts.update_settings", body={"unknown_policy": policy})
    who = contact(world)
    there.fails(lost, accepts=True)
    made = campaign(world)
    assert chunk_of(world, made).in_doubt
    later(world, time, made, seconds=11)

    assert not chunk_of(world, made).in_doubt
    assert len(there.sent) == len(there.forms) == 1
    assert told(who) == ["sms.sent"]
    [row] = table.rows(Timeline, Timeline.partition(TENANT, who))
    assert row.properties == {"provider_message_id": there.sim.mailbox.every()[0].message_id}
    assert chunk_of(world, made).settled == {"asking": [0]}


@pytest.mark.parametrize(("lost", "policy"), LOST, ids=["timeout", "reset", "500"])
def test_the_request_got_lost(world: World, there: Twilio, time: Time, lost: Exception | Reply, policy: str) -> None:
    """What Twilio does not have was not sent, and is sent again; whatever the policy for doubts is: this is none."""
    account(world)
    world.call("accounts.update_settings", body={"unknown_policy": policy})
    contact(world)
    there.fails(lost)
    made = campaign(world)
    later(world, time, made, seconds=11)
    assert chunk_of(world, made).in_doubt  # it may be on its way still
    assert there.sent == []
    for _ in range(4):
        later(world, time, made, seconds=12)

    assert len(there.sent) == 1
    assert chunk_of(world, made).settled == {"asking": [0]}
    later(world, time, made, hours=5)
    assert len(there.sent) == 1


def test_the_worker_died_after_its_call(world: World, there: Twilio, time: Time) -> None:
    """What it was about to say was written down before."""
    account(world)
    who = contact(world)

    there.fails(MemoryError("the process ends here"), accepts=True)
    with pytest.raises(AssertionError, match="deliver_chunk failed"):
        campaign(world)
    made = world.call("campaigns.list_campaigns").data["items"][0]["id"]
    later(world, time, made, seconds=claims.LEASE.total_seconds() + 1)
    later(world, time, made, seconds=30)

    assert len(there.sent) == 1
    assert told(who) == ["sms.sent"]
    assert chunk_of(world, made).settled == {"asking": [0]}


def test_a_report_comes_first(world: World, there: Twilio, time: Time) -> None:
    account(world)
    contact(world)
    there.fails(requests.ReadTimeout(), accepts=True)
    made = campaign(world)
    [mail] = there.sim.mailbox.every()
    report(world, mail, there.sim.callbacks_of[mail.message_id], "sent")
    world.settle()
    later(world, time, made, seconds=11)
    assert chunk_of(world, made).settled == {"events": [0]}
    assert [method for method, _, _ in there.asked] == ["POST"]


def test_twilio_does_not_answer_the_question_either(world: World, there: Twilio, time: Time) -> None:
    account(world)
    contact(world)
    there.fails(requests.ReadTimeout(), accepts=True)
    made = campaign(world)
    there.fails(refusal(500, 20500))
    later(world, time, made, seconds=11)
    assert chunk_of(world, made).in_doubt
    later(world, time, made, seconds=60)
    assert chunk_of(world, made).settled == {"asking": [0]}
    assert len(there.sent) == 1


def test_without_credentials_the_end_of_the_grace_decides(world: World, there: Twilio, time: Time) -> None:
    """Nobody can be asked any more: the doubt must not last for ever."""
    made_account = account(world)["id"]
    world.call("accounts.update_settings", body={"unknown_policy": "never"})
    contact(world)
    there.fails(requests.ReadTimeout(), accepts=True)
    made = campaign(world)
    secrets.delete(TENANT, made_account)
    chunk = later(world, time, made, hours=5)

    assert (chunk.state, chunk.outcomes) == (ChunkState.DONE, Outcome.GIVEN_UP)
    assert send_of(world, made)["state"] == "sent"


def test_who_has_another_number_by_now_is_not_known_to_have_got_nothing(
    world: World, there: Twilio, time: Time
) -> None:
    account(world)
    who = contact(world)
    there.fails(requests.ReadTimeout(), accepts=True)
    made = campaign(world)
    world.call("contacts.update_contact", path={"contact_id": who}, body={"phone": "+8801812345678"})
    for _ in range(4):
        later(world, time, made, seconds=60)
    assert chunk_of(world, made).in_doubt
    assert len(there.sent) == 1


def test_two_messages_that_say_the_same(world: World, there: Twilio, time: Time) -> None:
    """A message that is known to be another send's proves nothing."""
    account(world)
    contact(world)
    campaign(world)
    there.fails(requests.ReadTimeout())
    made = campaign(world)
    later(world, time, made, seconds=11)
    assert chunk_of(world, made).in_doubt
    for _ in range(4):
        later(world, time, made, seconds=12)
    assert there.sent == [there.sent[0]] * 2


def test_whoever_the_provider_knows_to_have_opted_out(world: World, there: Twilio, time: Time) -> None:
    """Error 21610: the person has told Twilio, and is not asked by us again."""
    account(world)
    who = contact(world)
    there.fails(refusal(400, 21610))
    made = campaign(world)
    world.settle()
    consent = world.call("contacts.get_contact", path={"contact_id": who}).data["consent"]["sms"]
    assert (consent["status"], consent["method"]) == ("revoked", "provider")
    assert "r" in chunk_of(world, made).outcomes


def test_how_it_is_shown(world: World, there: Twilio, time: Time) -> None:
    account(world)
    contact(world)
    there.fails(requests.ReadTimeout(), accepts=True)
    made = campaign(world)
    later(world, time, made, seconds=11)
    later(world, time, made, minutes=2)
    assert send_of(world, made)["settled"]["by_asking"] == 1
