"""Dead letters on SQS. They are received, put back and then deleted, one way for all of them: SQS's own
StartMessageMoveTask moves only what a queue gave up, neither SNS's nor EventBridge's letters, and all or nothing.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from infra.dead_letters import Client, Dead, Outcome, line

MOST_IN_BATCH = 10
MOST_BYTES = 200_000  # in a batch; SQS takes 262,144
# Seconds that a letter is ours: while it is looked at, and while it is put back (a function may take its time).
LOOKED_AT, PUT_BACK = 30, 900
# Says how often a letter was replayed, and by which run last: whoever comes back within a run stays.
MARK = "drumbeat-replayed"

Letter = dict[str, Any]


class Target(Protocol):
    """Where letters go back to."""

    def take(self, letters: Sequence[Letter]) -> dict[str, str]:
        """{message id: why not} of those that were not taken."""

    def reason(self, letter: Letter) -> str:
        """Why it was given up, as far as known."""


@dataclass(frozen=True, slots=True)
class Letters:
    """A dead-letter queue: its short name, its whole name, and where its letters go back to."""

    name: str
    queue: str
    target: Target
    client: Client
    wait: int = 1  # seconds: long polling asks all of SQS's servers

    pieces = "messages"

    def count(self) -> int:
        url = address(self.client, self.queue)
        if url is None:
            return 0
        wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
        return sum(int(told[name]) for name in wanted)

    def sample(self, most: int) -> list[Dead]:
        seen: list[Letter] = []
        try:
            while len(seen) < most and (found := self._received(min(MOST_IN_BATCH, most - len(seen)), LOOKED_AT)):
                seen += found
            return [self._dead(letter) for letter in seen]
        finally:
            self._released(seen)

    def replay(self, most: int | None) -> Iterator[Outcome]:
        run, left, stayed = uuid.uuid4().hex[:8], most, dict[str, Letter]()
        try:
            while left is None or left > 0:
                received = self._received(MOST_IN_BATCH if left is None else min(MOST_IN_BATCH, left), PUT_BACK)
                if not received:
                    return
                # In a long run what stayed is visible again before the end; it had its try.
                stayed |= {each["MessageId"]: each for each in received if each["MessageId"] in stayed}
                found = [each for each in received if each["MessageId"] not in stayed]
                returned = {each["MessageId"]: "failed again" for each in found if replays(each)[1] == run}
                fresh = [marked(each, run) for each in found if each["MessageId"] not in returned]
                refused = returned | self.target.take(fresh)
                self._deleted([each for each in fresh if each["MessageId"] not in refused])
                stayed |= {each["MessageId"]: each for each in found if each["MessageId"] in refused}
                yield from (Outcome(each["MessageId"], refused.get(each["MessageId"], "")) for each in found)
                left = None if left is None else left - len(found)
        finally:
            self._released(list(stayed.values()))

    def _dead(self, letter: Letter) -> Dead:
        since = int(letter["Attributes"]["SentTimestamp"]) / 1000
        return Dead(letter["MessageId"], since, self.target.reason(letter), replays(letter)[0])

    def _received(self, most: int, seconds: int) -> list[Letter]:
        url = address(self.client, self.queue)
        if url is None:
            return []
        answer = self.client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=most, VisibilityTimeout=seconds, WaitTimeSeconds=self.wait,
            AttributeNames=["All"], MessageAttributeNames=["All"],
        )  # fmt: skip
        letters: list[Letter] = answer.get("Messages", [])
        return letters

    def _deleted(self, letters: Sequence[Letter]) -> None:
        """What stays after all is put back once more, which does no harm."""
        if letters:
            entries = [{"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(letters)]
            self.client("sqs").delete_message_batch(QueueUrl=address(self.client, self.queue), Entries=entries)

    def _released(self, letters: Sequence[Letter]) -> None:
        """Others may look at them at once."""
        for start in range(0, len(letters), MOST_IN_BATCH):
            entries = [
                {"Id": str(at), "ReceiptHandle": each["ReceiptHandle"], "VisibilityTimeout": 0}
                for at, each in enumerate(letters[start : start + MOST_IN_BATCH])
            ]
            url = address(self.client, self.queue)
            self.client("sqs").change_message_visibility_batch(QueueUrl=url, Entries=entries)


@dataclass(frozen=True, slots=True)
class Back:
    """Back to a queue. `message` is what its consumer reads, `log` the log group that its failures are told in."""

    queue: str
    client: Client
    message: TypeAdapter[Any]
    log: str

    def take(self, letters: Sequence[Letter]) -> dict[str, str]:
        refused: dict[str, str] = {}
        for batch in batches(letters):
            entries = [_entry(place, letter) for place, letter in enumerate(batch)]
            answer = self.client("sqs").send_message_batch(QueueUrl=address(self.client, self.queue), Entries=entries)
            for failed in answer.get("Failed", []):
                refused[batch[int(failed["Id"])]["MessageId"]] = line(f"{failed['Code']}: {failed.get('Message', '')}")
        return refused

    def reason(self, letter: Letter) -> str:
        """The reader's own complaint, or what the consumer's log tells of the message."""
        try:
            self.message.validate_python(from_json(bare(letter["Body"])))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            return line(f"unreadable: {'.'.join(map(str, first['loc'])) or 'message'}: {first['msg']}")
        except ValueError as error:
            return line(f"unreadable: {error}")
        return told(self.client, self.log, letter["MessageId"])


def told(client: Client, log: str, message_id: str) -> str:
    """What the log says of the last failure of a message: the kind of exception, or where to read on."""
    try:
        found = client("logs").filter_log_events(logGroupName=log, filterPattern=f'"{message_id}"', limit=50)
    except ClientError:  # the log is gone, or not ours to read: then nobody knows
        return ""
    lines = [json.loads(event["message"]) for event in found.get("events", []) if event["message"].startswith("{")]
    kinds = [told["exception_name"] for told in lines if told.get("exception_name")]
    return f"{kinds[-1] if kinds else 'failed'} (see the log {log})" if lines else ""


def bare(body: str) -> str:
    """A body without SNS's envelope: queues get the messages of topics raw, which is not promised of dead letters."""
    try:
        kept = from_json(body)
    except ValueError:
        return body
    wrapped = isinstance(kept, dict) and kept.get("Type") == "Notification" and isinstance(kept.get("Message"), str)
    return str(kept["Message"]) if wrapped else body


def address(client: Client, queue: str) -> str | None:
    """The queue's URL; None where there is no such queue."""
    try:
        url: str = client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
        return url
    except ClientError as error:
        if "NonExistentQueue" in error.response["Error"]["Code"] or "QueueDoesNotExist" in str(error):
            return None
        raise


def attribute(letter: Mapping[str, Any], name: str) -> str:
    """A message attribute as text; empty where there is none."""
    return str(letter.get("MessageAttributes", {}).get(name, {}).get("StringValue", ""))


def replays(letter: Mapping[str, Any]) -> tuple[int, str]:
    """How often it was replayed, and in which run last."""
    number, _, run = attribute(letter, MARK).partition(" ")
    return int(number or 0), run


def marked(letter: Letter, run: str) -> Letter:
    number, _ = replays(letter)
    mark = {"DataType": "String", "StringValue": f"{number + 1} {run}"}
    return {**letter, "MessageAttributes": {**letter.get("MessageAttributes", {}), MARK: mark}}


def batches(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """As many at once as SQS takes."""
    batch: list[Letter] = []
    size = 0
    for letter in letters:
        bytes_ = len(letter["Body"].encode())
        if batch and (len(batch) == MOST_IN_BATCH or size + bytes_ > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(letter)
        size += bytes_
    if batch:
        yield batch


def _entry(place: int, letter: Letter) -> dict[str, Any]:
    body = bare(letter["Body"])
    entry = {"Id": str(place), "MessageBody": body, "MessageAttributes": letter["MessageAttributes"]}
    group = letter["Attributes"].get("MessageGroupId")
    return {**entry, "MessageGroupId": group} if group else entry
