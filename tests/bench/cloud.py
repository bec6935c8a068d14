"""AWS in memory for one process: botocore's requests are answered before they are sent, and metered.

What is run is the product's own code with the real SDK, serialisation and signature included; only the network is not.
The services' own times, which the answers come without, are added as assumptions (`WAIT`).
"""

import json
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import botocore.handlers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.bench.dynamo import Item, Refused, Table

# Milliseconds that a request takes within the region; a mail's is a call of 50 recipients. Assumed, from experience.
WAIT = {"dynamodb": 5.0, "sqs": 8.0, "sfn": 25.0, "sesv2": 400.0, "eventbridge": 20.0, "sns": 20.0}
WAIT_OF_ASKING = {"GetAccount": 50.0}
SQS_CHUNK = 64 * 1024
Handler = Callable[[str, dict[str, Any]], dict[str, Any]]


@dataclass
class Meter:
    """What was consumed: {(function, kind): number}. `aside` are seconds that the emulation itself took."""

    used: Counter[tuple[str, str]] = field(default_factory=Counter)
    function: str = ""
    aside: float = 0.0
    waited: float = 0.0

    def add(self, kind: str, number: float = 1) -> None:
        self.used[self.function, kind] += number  # type: ignore[assignment]  # units may be halves


class Cloud:
    """The services. `queued(queue, body, delay)`, `started(machine, name, state)`, `mailed(entries)` and
    `changed(old, new)` say what happened."""

    def __init__(
        self,
        meter: Meter,
        *,
        queued: Callable[[str, str, float], None],
        started: Callable[[str, str, dict[str, Any]], None],
        mailed: Callable[[dict[str, Any]], None],
        changed: Callable[[Item, Item], None],
        rate: float = 200.0,
    ) -> None:
        self.meter, self.queued, self.started, self.mailed, self.rate = meter, queued, started, mailed, rate
        self.table = Table(meter.add, changed)
        self.names: set[str] = set()
        self.sent = 0
        self.services: dict[str, Handler] = {
            "dynamodb": self._dynamodb, "sqs": self._sqs, "sfn": self._machines, "sesv2": self._mail,
            "eventbridge": self._bus,
        }  # fmt: skip

    def install(self) -> None:
        """Answer all clients that are made from now on in this process."""
        botocore.handlers.BUILTIN_HANDLERS.append(("before-send", self._answer))

    def _answer(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        began = time.process_time()
        service, operation = event_name.split(".")[1:]
        if service not in self.services:
            return None  # a benchmark answers it itself
        if service != "sqs":  # they are counted where they are billed
            self.meter.add("requests")
        raw = request.body or b"{}"
        asked = json.loads(raw)
        status = 200
        answer: dict[str, Any]
        try:
            answer = self.services[service](operation, asked)
        except Refused as refused:
            status, answer = 400, {"__type": f"com.amazonaws#{refused.code}", "message": refused.code, **refused.more}
        response = AWSResponse(request.url, status, {"x-amzn-requestid": "r"}, None)
        response._content = json.dumps(answer).encode()
        self.meter.waited += WAIT_OF_ASKING.get(operation, WAIT[service]) / 1000
        self.meter.aside += time.process_time() - began
        return response

    def _dynamodb(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        return self.table.answer(operation, asked)

    def _sqs(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        queue = asked["QueueUrl"].rsplit("/", 1)[1]
        entries = asked.get("Entries") or [{**asked, "Id": "0"}]
        length = sum(len(entry["MessageBody"].encode()) for entry in entries)
        self.meter.add("sqs requests", max(1, math.ceil(length / SQS_CHUNK)))
        for entry in entries:
            self.queued(queue, entry["MessageBody"], float(entry.get("DelaySeconds", 0)))
        if operation == "SendMessage":
            return {"MessageId": "m"}
        return {"Successful": [{"Id": entry["Id"], "MessageId": "m"} for entry in entries], "Failed": []}

    def _machines(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["name"] in self.names:
            raise Refused("ExecutionAlreadyExists")
        self.names.add(asked["name"])
        self.started(asked["stateMachineArn"].rsplit(":", 1)[1], asked["name"], json.loads(asked["input"]))
        return {"executionArn": asked["name"], "startDate": 0}

    def _mail(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "GetAccount":
            quota = {"Max24HourSend": 5e7, "MaxSendRate": self.rate, "SentLast24Hours": self.sent}
            return {"SendQuota": quota, "SendingEnabled": True, "ProductionAccessEnabled": True}
        self.sent += len(asked["BulkEmailEntries"])
        self.mailed(asked)
        results = [
            {"Status": "SUCCESS", "MessageId": f"0100018{self.sent:010x}-0b1c2d3e-4f50-6172-8394-a5b6c7d8e9fa-{n:06d}"}
            for n in range(len(asked["BulkEmailEntries"]))
        ]
        return {"BulkEmailEntryResults": results}

    def _bus(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        for entry in asked["Entries"]:
            length = len(entry["Detail"].encode()) + len(entry["DetailType"]) + len(entry["Source"])
            self.meter.add("bus events", math.ceil(length / SQS_CHUNK))
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in asked["Entries"]]}
