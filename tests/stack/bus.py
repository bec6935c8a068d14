"""Listens on the deployed event bus as a subscriber of the company's would: a rule, and a queue behind it."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from infra.local.stack import Stack
from tests.schemas import validate_published


@dataclass
class Listener:
    """What a tenant's events were so far."""

    sqs: Any
    queue: str
    heard: dict[str, Any] = field(default_factory=dict)

    def frames(self) -> list[Any]:
        """All events so far, once each, in no order; each is held to its schema."""
        asked = {"QueueUrl": self.queue, "MaxNumberOfMessages": 10}
        while messages := self.sqs.receive_message(**asked).get("Messages"):
            for message in messages:
                frame = json.loads(message["Body"])["detail"]
                validate_published(frame)
                self.heard[frame["metadata"]["event_id"]] = frame
            handles = [
                {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]} for place, message in enumerate(messages)
            ]
            self.sqs.delete_message_batch(QueueUrl=self.queue, Entries=handles)
        return list(self.heard.values())


@contextmanager
def listening(stack: Stack, tenant: str) -> Iterator[Listener]:
    """Hears the tenant's events from now on."""
    name = f"heard-{tenant.replace('_', '-')}"
    with closing(stack.client("sqs")) as sqs, closing(stack.client("events")) as events:
        yield from _listening(sqs, events, stack.bus, name, tenant)


def _listening(sqs: Any, events: Any, bus: str, name: str, tenant: str) -> Iterator[Listener]:
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["drumbeat"], "detail": {"metadata": {"tenant_id": [tenant]}}}
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    try:
        yield Listener(sqs, queue)
    finally:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=["queue"])
        events.delete_rule(Name=name, EventBusName=bus)
        sqs.delete_queue(QueueUrl=queue)
