"""A restored copy of the table sends nothing: not before it is adopted, and then only what a person resumes."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.contacts.model import ContactAddress
from drumbeat.contacts.opt_in.model import OptIn
from drumbeat.sends import delivering, environment, gate, planning, senders
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import ChunkState, Send

from tests import rewind
from tests.unit.marketing.test_marketing_campaigns import Umbrella
from tests.unit.sends.conftest import TENANT, Clocked
from tests.unit.sends.test_circuit import launched, shown
from tests.unit.sends.test_limits import hooked

Restore = Callable[..., None]


@pytest.fixture
def restored(world: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Restore]:
    """Let the items be in another table: one that a backup was restored to. Unless the functions were deployed again,
    they do not know it."""

    def label_of(made: Any) -> Any:
        return rewind.backend("dynamodb").tables[table.TABLE]

    before = label_of(None).latest_stream_label

    def restore(label: str | None = "2027-01-01T00:00:00.000", *, deployed: bool = True) -> None:
        label_of(None).latest_stream_label = label
        if deployed and label:
            monkeypatch.setenv("ENVIRONMENT_ID", label)
        environment.forget()
        gate.forget()

    yield restore
    label_of(None).latest_stream_label = before


def everything_at_work(shop: Clocked, made: str) -> None:
    """All that could send: messages that were on their way, governors, planners, schedules, sweeps."""
    send = shop.send_of(made)
    for chunk in shop.chunks(made):
        delivering.look_at(chunk.place)
    planning.plan({"tenant": TENANT, "send": send.send_id})
    shop.world.run("sends.govern_account", {"account": "ses", "generation": 1, "round": 0})
    shop.world.run("contacts.sweep_confirmations", {})
    shop.later(minutes=5)


def test_a_copy_that_was_made_in_mid_send_waits_until_somebody_answers_for_it(
    clocked: Clocked, restored: Restore
) -> None:
    made = launched(clocked, 6, chunk=2)
    other = clocked.said(name="Other")
    at = clock.iso(clock.business() + timedelta(minutes=30))
    clocked.do("schedule", other, body={"scheduled_at": at})
    clocked.world.run("sends.sweep_sends", {})
    delivering.look_at(clocked.chunks(made)[0].place)
    before = [(chunk.state, chunk.outcomes) for chunk in clocked.chunks(made)]

    restored()
    clocked.time.passes(timedelta(hours=1))
    everything_at_work(clocked, made)

    assert len(clocked.mails.addresses()) == 2
    assert [(chunk.state, chunk.outcomes) for chunk in clocked.chunks(made)] == before  # and nothing is lost
    told = shown(clocked, made)
    assert (told["environment"]["is_home"], told["waiting_for"][0]) == (False, "adoption")
    assert clocked.status(other) == "scheduled"
    new = clocked.said(name="New")
    assert clocked.do("launch", new).body["error_code"] == "RESTORED_COPY"
    tried = clocked.world.call("campaigns.send_test", path={"campaign_id": new}, body={"emails": ["p1@town.example"]})
    assert tried.body["error_code"] == "RESTORED_COPY"
    assert clocked.world.call("system.get_health", tenant=None).status == 503

    assert clocked.world.run("sends.adopt_copy", {"check": True})["data"]["sends_paused"] == 0
    adopted = clocked.world.run("sends.adopt_copy", {})["data"]
    assert (adopted["already"], adopted["sends_paused"], adopted["schedules_expired"]) == (False, 1, 1)
    assert clocked.world.run("sends.adopt_copy", {})["data"]["already"] is True
    gate.forget()
    clocked.later(minutes=5)
    assert len(clocked.mails.addresses()) == 2
    shown_now = clocked.do("get", made).data
    assert (shown_now["status"], shown_now["reason"], clocked.status(other)) == ("paused", "restored_copy", "expired")
    refused = clocked.do("resume", made)
    assert (refused.status, refused.body["error_code"]) == (409, "NEEDS_ANSWER") and "backup" in refused.text

    assert clocked.do("resume", made, body={"override": True}).data["status"] == "sending"
    for _ in range(3):
        clocked.later(minutes=5)
    assert sorted(clocked.mails.addresses()) == [f"p{number}@town.example" for number in range(6)]
    assert clocked.status(made) == "sent"
    assert clocked.world.call("system.get_health", tenant=None).status == 200


def test_what_a_copy_refuses_leaves_nothing_behind(clocked: Clocked, restored: Restore) -> None:
    clocked.people(1)
    umbrella, draft = Umbrella(clocked), clocked.said(name="To Ann")
    assert clocked.do("launch", clocked.said(marketing_campaign_id=umbrella.id)).status == 200
    umbrella.do("pause_marketing_campaign")
    clocked.world.run("sends.sweep_sends", {})
    restored()

    named = clocked.world.call(
        "campaigns.send_to_recipients", path={"campaign_id": draft}, body=[{"email": "ann@town.example"}]
    )
    resumed = umbrella.do("resume_marketing_campaign")
    assert (named.body["error_code"], resumed.body["error_code"]) == ("RESTORED_COPY", "RESTORED_COPY")
    assert ContactAddress.fetch(*ContactAddress.key(TENANT, "ann@town.example")) is None
    assert umbrella.status() == "paused"


def test_what_ended_elsewhere_is_at_home_once_the_copy_is_adopted(clocked: Clocked, restored: Restore) -> None:
    made = launched(clocked, 1)
    clocked.work(made)
    clocked.later(minutes=1)
    clocked.send_of(made).change(Send.gsi2pk.remove(), Send.gsi2sk.remove())  # over for a day, it is swept no more
    restored()
    assert shown(clocked, made)["environment"]["is_home"] is False
    clocked.world.run("sends.adopt_copy", {})

    assert shown(clocked, made)["environment"]["is_home"] is True


def test_what_was_adopted_can_be_cancelled(clocked: Clocked, restored: Restore) -> None:
    made = launched(clocked, 2)
    clocked.do("pause", made)
    clocked.world.run("sends.sweep_sends", {})
    restored()
    clocked.world.run("sends.adopt_copy", {})

    assert clocked.do("get", made).data["reason"] == "restored_copy"  # it may have been resumed after the backup
    assert clocked.do("cancel", made).data["status"] == "cancelled"
    for _ in range(2):
        clocked.later(minutes=5)
    assert (clocked.mails.addresses(), clocked.results(made)["not_sent_by_reason"]) == ([], {"cancelled": 2})


def test_governors_of_a_copy_have_names_that_none_has_had(clocked: Clocked, restored: Restore) -> None:
    """Those after the backup counted on, and Step Functions starts no name twice."""
    launched(clocked, 1)
    clocked.world.run("sends.sweep_sends", {})
    senders.get().change(senders.Sender.generation.set(7))
    restored()
    clocked.world.run("sends.adopt_copy", {})

    assert int(senders.get().generation) >= int(clock.wall().timestamp()) - 60


def test_a_backup_that_is_restored_under_the_old_name_is_found_by_the_sweep(
    clocked: Clocked, restored: Restore
) -> None:
    """The functions were not deployed since: they believe that the table is the one they know."""
    made = launched(clocked, 2)
    clocked.world.run("sends.sweep_sends", {})
    restored(deployed=False)

    assert clocked.world.run("sends.sweep_sends", {})["result"] == {"sends": 0, "accounts": 0}
    everything_at_work(clocked, made)
    assert clocked.mails.addresses() == []
    assert clocked.world.run("sends.adopt_copy", {})["error"]["code"] == "RESTORED_COPY"


def test_a_table_that_was_restored_and_has_no_stream_yet_sends_nothing(clocked: Clocked, restored: Restore) -> None:
    """DynamoDB restores items and indexes, but no stream: whoever restores a table switches it on later."""
    made = launched(clocked, 2)
    clocked.world.run("sends.sweep_sends", {})
    restored(None, deployed=False)

    assert clocked.world.run("sends.sweep_sends", {})["result"] == {"sends": 0, "accounts": 0}
    everything_at_work(clocked, made)
    assert clocked.mails.addresses() == []
    assert clocked.world.run("sends.adopt_copy", {})["error"]["code"] == "RESTORED_COPY"

    restored()  # a stream, and the functions know it
    assert clocked.world.run("sends.sweep_sends", {})["result"] == {"sends": 0, "accounts": 0}
    assert clocked.world.run("sends.adopt_copy", {})["data"]["sends_paused"] == 1


def test_the_first_sweep_says_whose_the_data_is_and_no_later_one_changes_it(
    clocked: Clocked, restored: Restore
) -> None:
    clocked.world.run("sends.sweep_sends", {})
    first = Environment.fetch(*Environment.key())
    assert first is not None and first.belongs_to == environment.ours()
    restored()
    clocked.world.run("sends.sweep_sends", {})

    after = Environment.fetch(*Environment.key())
    assert after is not None and after.belongs_to == first.belongs_to


def test_a_send_of_another_environment_is_left_alone(clocked: Clocked) -> None:
    made = launched(clocked, 1)
    clocked.send_of(made).change(Send.environment.set("elsewhere"))
    delivering.look_at(clocked.chunks(made)[0].place)

    assert clocked.mails.addresses() == []
    assert clocked.chunks(made)[0].state == ChunkState.PENDING


def test_a_mail_that_asks_for_a_confirmation_is_not_sent_by_a_copy(clocked: Clocked, restored: Restore) -> None:
    clocked.world.call("accounts.update_settings", body={"double_opt_in_sources": ["form"]})
    clocked.world.run("sends.sweep_sends", {})
    restored()
    clocked.contact("ann@town.example")
    clocked.world.settle()
    (row,) = OptIn.many((pk, sk) for shard in range(64) for pk, sk, _ in _due(shard))
    assert (row.state, clocked.mails.addresses()) == ("due", [])

    assert clocked.world.run("sends.adopt_copy", {})["data"]["confirmations_stopped"] == 1
    gate.forget()
    clocked.world.run("contacts.sweep_confirmations", {})
    clocked.world.settle()
    row.refresh()
    assert (row.state, row.reason, clocked.mails.addresses()) == ("blocked", "restored_copy", [])


def _due(shard: int) -> Iterator[tuple[str, str, str]]:
    return table.keys_in_index(2, f"DUE#confirmations#{shard}")


def before(write: bytes, act: Callable[[], Any]) -> Callable[..., None]:
    """Done once, just before a request that says so."""
    seen: list[bool] = []

    def hook(params: dict[str, Any], **_: Any) -> None:
        if write in params["body"] and not seen:
            seen.append(True)
            act()

    return hook


def test_a_send_that_is_cancelled_while_it_is_adopted_stays_cancelled(clocked: Clocked, restored: Restore) -> None:
    made = launched(clocked, 2)
    send = clocked.send_of(made)
    clocked.world.run("sends.sweep_sends", {})
    restored()

    def cancelled() -> None:
        Send.change_at(send.pk, send.sk, Send.state.set("cancelled"), condition=Send.state == "sending")

    with hooked("before-call.dynamodb.UpdateItem", before(b"restored_copy", cancelled)):
        clocked.world.run("sends.adopt_copy", {})

    after = clocked.send_of(made)
    assert (after.state, after.environment) == ("cancelled", environment.ours())


def test_of_two_first_looks_one_says_whose_the_data_is(clocked: Clocked) -> None:
    def quicker() -> None:
        Environment(*Environment.key(), belongs_to="elsewhere", since=clock.wall()).create()

    with hooked("before-call.dynamodb.PutItem", before(b"ENVIRONMENT#data", quicker)):
        assert environment.look() is False

    stored = Environment.fetch(*Environment.key())
    assert stored is not None and stored.belongs_to == "elsewhere"
