"""Changes of the table that a stream function failed on too often: Lambda keeps them in the bucket."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra import grants
from infra.dead_letters import Client, Dead, Outcome
from infra.dead_letters.calls import called
from infra.names import PREFIX


@dataclass(frozen=True, slots=True)
class Records:
    """The batches in the bucket. The bucket forgets them after thirty days."""

    bucket: str
    client: Client

    name = "stream"
    pieces = "batches"

    def count(self) -> int:
        return sum(1 for _ in self._objects())

    def sample(self, most: int) -> list[Dead]:
        found = []
        for each, _ in zip(self._objects(), range(most), strict=False):
            kept = self._read(each["Key"])
            context = kept.get("requestContext", {})
            why = context.get("condition") or "failed"
            found.append(Dead(each["Key"], each["LastModified"].timestamp(), f"{_function(kept)}: {why}"))
        return found

    def replay(self, most: int | None) -> Iterator[Outcome]:
        for number, each in enumerate(list(self._objects())):
            if most is not None and number >= most:
                return
            stayed = self._again(self._read(each["Key"]))
            if not stayed:
                self.client("s3").delete_object(Bucket=self.bucket, Key=each["Key"])
            yield Outcome(each["Key"], stayed)

    def _again(self, kept: dict[str, Any]) -> str:
        """Put a batch through its function once more, past each record that fails: those keep the batch here."""
        event = kept.get("payload")
        event = json.loads(event) if isinstance(event, str) else event
        if not event or not event.get("Records"):
            return "has no records: Lambda could not read them from the stream in time"
        function, left, bad = _function(kept), event["Records"], 0
        while left:
            answer, why = called(self.client, function, {"Records": left})
            if why:
                return why
            failures = answer.get("batchItemFailures", [])
            if not failures:
                break
            failed = failures[0]["itemIdentifier"]
            at = [record["dynamodb"]["SequenceNumber"] for record in left].index(failed)
            bad += 1
            left = left[at + 1 :]
        return f"{function} failed on {bad} of {len(event['Records'])} records" if bad else ""

    def _read(self, key: str) -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read())
        return kept

    def _objects(self) -> Iterator[dict[str, Any]]:
        pages = self.client("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=f"{grants.FAILED_RECORDS}/"):
            yield from page.get("Contents", [])


def _function(kept: dict[str, Any]) -> str:
    """`…:function:drumbeat-segments-evaluate_changes:$LATEST` → `segments.evaluate_changes`."""
    arn = kept.get("requestContext", {}).get("functionArn", "")
    name = arn.partition(":function:")[2].partition(":")[0].removeprefix(f"{PREFIX}-")
    return str(name.replace("-", ".", 1))
