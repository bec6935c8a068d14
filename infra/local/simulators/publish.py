"""Batches of events to SNS topics and SQS queues through boto3."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.config import Config as BotoConfig
from botocore.exceptions import BotoCoreError, ClientError

from .config import Aws

MAX_ENTRIES = 10
# SNS and SQS bound a batch at 256 KB; what is left is for ids and attributes.
MAX_BATCH_BYTES = 250_000


class Publisher:
    """One per configuration of the endpoint; clients are made on first use."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    def publish(self, target: tuple[str, str], bodies: list[str]) -> dict[int, str]:
        """Send the bodies to `(kind, topic ARN or queue URL)`; the ones that failed, by index, with why."""
        kind, address = target
        send = self._sns if kind == "sns" else self._sqs
        failed: dict[int, str] = {}
        for batch in batches(bodies):
            failed |= _attempt(send, address, [(index, bodies[index]) for index in batch])
        return failed

    def _client(self, service: str) -> Any:
        # Clients are safe to share between threads, making them is not.
        with self._making:
            return self._made(service)

    def _made(self, service: str) -> Any:
        if service not in self._clients:
            options = BotoConfig(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 2})
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self._aws.endpoint_url,
                region_name=self._aws.region,
                aws_access_key_id=self._aws.access_key_id,
                aws_secret_access_key=self._aws.secret_access_key,
                config=options,
            )
        return self._clients[service]

    def _sns(self, topic_arn: str, batch: list[tuple[int, str]]) -> list[dict[str, Any]]:
        entries = [{"Id": str(index), "Message": body} for index, body in batch]
        answer = self._client("sns").publish_batch(TopicArn=topic_arn, PublishBatchRequestEntries=entries)
        return list(answer.get("Failed", []))

    def _sqs(self, queue_url: str, batch: list[tuple[int, str]]) -> list[dict[str, Any]]:
        entries = [{"Id": str(index), "MessageBody": body} for index, body in batch]
        answer = self._client("sqs").send_message_batch(QueueUrl=queue_url, Entries=entries)
        return list(answer.get("Failed", []))


def batches(bodies: list[str]) -> Iterator[list[int]]:
    """Indexes in order, at most ten and 250 KB together."""
    batch: list[int] = []
    size = 0
    for index, body in enumerate(bodies):
        length = len(body.encode())
        if batch and (len(batch) == MAX_ENTRIES or size + length > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(index)
        size += length
    if batch:
        yield batch


def _attempt(
    send: Callable[[str, list[tuple[int, str]]], list[dict[str, Any]]], address: str, batch: list[tuple[int, str]]
) -> dict[int, str]:
    try:
        return {int(entry["Id"]): f"{entry.get('Code')}: {entry.get('Message')}" for entry in send(address, batch)}
    except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: an endpoint that is no URL.
        return {index: f"{address}: {error}" for index, _ in batch}
