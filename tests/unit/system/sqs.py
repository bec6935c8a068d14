"""A small SQS with Lambda's poller: visibility, receive counts, dead-letter queues. (moto's looks at every message of a
queue several times for each call: five hundred of them take a minute.) A message that failed is there again at once."""

import itertools
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.world import World, client

TRIES = 5  # as infra.messaging has it, whose import would load all of CDK


@dataclass
class Message:
    id: str
    body: str
    attributes: dict[str, Any]
    group: str | None
    sent_at: float
    visible_at: float = 0.0
    receives: int = 0
    handle: str = ""


@dataclass
class Sqs:
    """The operations that the product and the operator use, as botocore's client has them."""

    queues: dict[str, dict[str, Message]] = field(default_factory=dict)
    redrive: dict[str, str] = field(default_factory=dict)
    numbers: Any = field(default_factory=itertools.count)

    def made(self, name: str, dead: str | None = None) -> None:
        self.queues[name] = {}
        if dead:
            self.redrive[name] = dead

    def get_queue_url(self, QueueName: str) -> dict[str, str]:  # noqa: N803 - botocore's names
        if QueueName not in self.queues:
            raise ClientError({"Error": {"Code": "AWS.SimpleQueueService.NonExistentQueue"}}, "GetQueueUrl")
        return {"QueueUrl": QueueName}

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: Sequence[str]) -> dict[str, Any]:  # noqa: N803
        held = self.queues[QueueUrl].values()
        visible = sum(message.visible_at <= time.time() for message in held)
        numbers = (visible, len(held) - visible)
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return {"Attributes": {name: str(number) for name, number in zip(names, numbers, strict=True)}}

    def send_message(self, QueueUrl: str, MessageBody: str, **more: Any) -> dict[str, str]:  # noqa: N803
        attributes, group = more.get("MessageAttributes", {}), more.get("MessageGroupId")
        made = Message(f"m{next(self.numbers)}", MessageBody, attributes, group, time.time())
        self.queues[QueueUrl][made.id] = made
        return {"MessageId": made.id}

    def send_message_batch(self, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert len(Entries) <= 10
        for entry in Entries:
            self.send_message(QueueUrl, **{name: value for name, value in entry.items() if name != "Id"})
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def receive_message(self, QueueUrl: str, **asked: Any) -> dict[str, Any]:  # noqa: N803
        found: list[Message] = []
        for message in [each for each in self.queues[QueueUrl].values() if each.visible_at <= time.time()]:
            if len(found) == asked["MaxNumberOfMessages"]:
                break
            if QueueUrl in self.redrive and message.receives >= TRIES:
                self.queues[self.redrive[QueueUrl]][message.id] = self.queues[QueueUrl].pop(message.id)
                continue
            message.receives += 1
            message.visible_at = time.time() + asked["VisibilityTimeout"]
            message.handle = f"{message.id}/{message.receives}"
            found.append(message)
        return {"Messages": [_shown(message) for message in found]}

    def change_message_visibility_batch(self, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> None:  # noqa: N803
        for entry in Entries:
            held = self.queues[QueueUrl][entry["ReceiptHandle"].partition("/")[0]]
            held.visible_at = time.time() + entry["VisibilityTimeout"]

    def delete_message_batch(self, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> None:  # noqa: N803
        for entry in Entries:
            self.queues[QueueUrl].pop(entry["ReceiptHandle"].partition("/")[0], None)


def _shown(message: Message) -> dict[str, Any]:
    attributes = {"SentTimestamp": str(int(message.sent_at * 1000)), "ApproximateReceiveCount": str(message.receives)}
    if message.group:
        attributes["MessageGroupId"] = message.group
    return {
        "MessageId": message.id, "ReceiptHandle": message.handle, "Body": message.body, "Attributes": attributes,
        "MessageAttributes": message.attributes,
    }  # fmt: skip


class Poller:
    """Lambda's part with queues of a world. `tries` counts how often a message was handed out."""

    def __init__(self, world: World, *queues: str) -> None:
        self.world, self.queues, self.tries, self.sqs = world, queues, 0, Sqs()
        for queue in queues:
            self.sqs.made(f"drumbeat-{queue}-dead")
            self.sqs.made(f"drumbeat-{queue}", f"drumbeat-{queue}-dead")

    def client(self, service: str) -> Any:
        """What the operator's command works with."""
        return self.sqs if service == "sqs" else client(service)

    def put(self, queue: str, bodies: Sequence[Any]) -> None:
        """Put messages on a queue; texts go as they are."""
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.sqs.send_message(f"drumbeat-{queue}", text, MessageGroupId="ten_acme")

    def poll(self) -> None:
        """Hand messages out until nothing is left on the queues."""
        while any([self._batch(queue) for queue in self.queues]):  # noqa: C419 - each has its turn
            pass

    def _batch(self, queue: str) -> bool:
        name, declared = f"drumbeat-{queue}", self.world.consumers[queue].declaration
        asked = {"MaxNumberOfMessages": declared.batch, "VisibilityTimeout": 60}
        found = self.sqs.receive_message(name, **asked)["Messages"]
        self.tries += len(found)
        records = [
            {"messageId": m["MessageId"], "receiptHandle": m["ReceiptHandle"], "body": m["Body"], "attributes": {}}
            for m in found
        ]
        if not found:
            return False
        answer = self.world.run(declared.name, {"Records": records})
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        self.sqs.delete_message_batch(name, [m for m in found if m["MessageId"] not in failed])
        again = [{**m, "VisibilityTimeout": 0} for m in found if m["MessageId"] in failed]
        self.sqs.change_message_visibility_batch(name, again)
        return True
