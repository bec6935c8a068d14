"""Items of a later release are left alone, those of an earlier one are read; nobody's work is lost by either."""

import json
from typing import Any

import pytest
from drumbeat.campaigns.model import Campaign
from drumbeat.sends.model import Send
from drumbeat.table import Entity, NewerFormat, NumberAttribute, UnicodeAttribute, connection
from drumbeat.table.formats import understood

from tests import rewind
from tests.sends import sent
from tests.world import World, client


class Note(Entity):
    """An entity of the release before."""

    TYPE = "TESTNOTE"

    text = UnicodeAttribute(null=True)

    @staticmethod
    def key() -> tuple[str, str]:
        return "TESTNOTE#ten_acme#1", "TESTNOTE"


class NewNote(Note):
    """The same of this release: the text became two, and a release before the last knew none at all."""

    FORMAT = 3
    UPGRADES = {
        1: lambda item: {"text": {"S": "?"}, **item},
        2: lambda item: {"title": item["text"], "size": {"N": str(len(item["text"]["S"]))}, **item},
    }

    title = UnicodeAttribute(null=True)
    size = NumberAttribute(null=True)


def newer(pk: str, sk: str) -> None:
    """What a later release does to an item that this one must not touch."""
    connection().update_item(pk, sk, actions=[NumberAttribute(attr_name="fmt").set(2)])


def as_known(pk: str, sk: str) -> None:
    connection().update_item(pk, sk, actions=[NumberAttribute(attr_name="fmt").remove()])


def stored() -> dict[str, Any]:
    return dict(connection().get_item(*Note.key())["Item"])


def test_the_first_format_costs_nothing_and_a_later_one_is_stored(world: World) -> None:
    Note(*Note.key(), text="hello").save()
    assert stored().keys() == {"pk", "sk", "att", "text"}

    NewNote(*Note.key(), text="hello").save()
    assert stored()["fmt"] == {"N": "3"}


def test_an_older_item_is_read_as_this_release_knows_it(world: World) -> None:
    Note(*Note.key(), text="hello").save()

    found = NewNote.fetch(*Note.key())

    assert found is not None and (found.title, found.size) == ("hello", 5)
    found.change(NewNote.title.set("changed"))
    assert (found.title, found.size) == ("changed", 5)
    again = NewNote.fetch(*Note.key())  # what is there is not computed again
    assert again is not None and (again.title, again.size) == ("changed", 5)
    assert "fmt" not in stored()
    assert understood({}, "Note", NewNote.FORMAT, NewNote.UPGRADES)["title"] == {"S": "?"}


def test_a_newer_item_is_met_by_nobody(world: World) -> None:
    Note(*Note.key()).save()
    found = NewNote.fetch(*Note.key())
    assert found is not None
    found.change(NewNote.mark())

    with pytest.raises(NewerFormat, match="Note of format 3; this release knows 1"):
        Note.fetch(*Note.key())
    with pytest.raises(NewerFormat):
        Note.many([Note.key()])


def test_a_message_about_a_newer_item_is_hidden_until_the_upgrade_is_over(world: World) -> None:
    send = sent(sizes=(1,))
    newer(*send.place().chunk_key)
    body = json.dumps({"tenant": send.tenant, "send": send.send_id, "shard": 0, "number": 0})
    queue = client("sqs").get_queue_url(QueueName="drumbeat-deliver")["QueueUrl"]
    client("sqs").send_message(QueueUrl=queue, MessageBody=body)
    (message,) = client("sqs").receive_message(QueueUrl=queue, VisibilityTimeout=1)["Messages"]
    record = {"messageId": "m1", "receiptHandle": message["ReceiptHandle"], "body": body}

    answer = world.run("sends.deliver_chunk", {"Records": [record]})

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    (held,) = rewind.backend("sqs").queues["drumbeat-deliver"]._messages
    assert held.visible_at - held.sent_timestamp > 800_000  # milliseconds

    as_known(*send.place().chunk_key)
    assert world.run("sends.deliver_chunk", {"Records": [record]}) == {"batchItemFailures": []}


def test_of_a_batch_only_the_messages_about_newer_items_are_hidden(world: World) -> None:
    known_one, newer_one = sent(sizes=(2,)), sent(sizes=(1,))
    newer(*Send.key(newer_one.tenant, newer_one.send_id))
    queue = client("sqs").get_queue_url(QueueName="drumbeat-feedback")["QueueUrl"]
    client("sqs").send_message(QueueUrl=queue, MessageBody="{}")
    (message,) = client("sqs").receive_message(QueueUrl=queue, VisibilityTimeout=1)["Messages"]
    reports = [known_one.event("Delivery", 0), newer_one.event("Delivery", 0), known_one.event("Delivery", 1)]
    records = [
        {"messageId": f"m{place}", "receiptHandle": message["ReceiptHandle"], "body": json.dumps(report)}
        for place, report in enumerate(reports)
    ]

    answer = world.run("feedback.apply_feedback", {"Records": records})

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert known_one.stats() == {"delivered": {0, 1}}


def test_a_machine_waits_and_goes_on_from_the_same_state(world: World) -> None:
    send = sent(sizes=(1,))
    state = {"tenant": send.tenant, "send": send.send_id}
    newer(*Send.key(send.tenant, send.send_id))

    waits = world.run("sends.plan_chunks", state)
    assert waits == {**state, "waits_for_upgrade": True, "wait_seconds": 60}
    assert world.run("sends.plan_chunks", waits) == waits

    as_known(*Send.key(send.tenant, send.send_id))
    after = world.run("sends.plan_chunks", waits)
    assert after["done"] and not after.get("wait_seconds") and "waits_for_upgrade" not in after


def test_a_request_for_a_newer_item_is_to_come_again(world: World) -> None:
    made = world.call("campaigns.create_campaign", body={
        "name": "Eid", "subject": "Hi", "html": "<p>Hi</p>", "audience": {"everyone": True},
    }).data["id"]  # fmt: skip
    newer(*Campaign.key("ten_acme", made))

    reply = world.call("campaigns.get_campaign", path={"campaign_id": made})

    assert reply.status == 503 and reply.headers["Retry-After"] == "60"
    assert reply.body["error_code"] == "SERVICE_UNAVAILABLE"
