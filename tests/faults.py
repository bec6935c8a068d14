"""What goes wrong between us and AWS: faults of single requests, drawn by chance, inside botocore's own retry loop.

`draw` says which fault strikes a request; an in-memory store can ask it as well. `Hook` carries the fault out on a real
client: its `before-send` event comes for each attempt of the SDK, so its retries are part of what is tried. A request
is refused or lost before the service sees it, its reply is lost after the service has acted on it, a batch is done in
part, a page ends early. Tests only; nothing of the product is replaced.
"""

import io
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError


class Fault(StrEnum):
    """THROTTLED, CONFLICT: refused, nothing done. REQUEST_LOST: never arrived. REPLY_LOST: done, and nobody told us.
    UNPROCESSED: a batch that was done in part. TRUNCATED: a page of a query that ends early."""

    THROTTLED = "throttled"
    REQUEST_LOST = "request lost"
    REPLY_LOST = "reply lost"
    CONFLICT = "conflict"
    UNPROCESSED = "unprocessed"
    TRUNCATED = "truncated"


@dataclass(frozen=True)
class Rates:
    """Shares of the requests that can meet a fault: every kind of request is throttled, few have pages to truncate."""

    throttled: float = 0.03
    request_lost: float = 0.02
    reply_lost: float = 0.03
    conflict: float = 0.05
    unprocessed: float = 0.05
    truncated: float = 0.05

    def of(self, fault: Fault) -> float:
        return float(getattr(self, fault.name.lower()))


NONE = Rates(**{field.name: 0.0 for field in fields(Rates)})
ANY = (Fault.THROTTLED, Fault.REQUEST_LOST, Fault.REPLY_LOST)
# A transaction at work on an item also refuses single writes to it.
MORE = {
    "TransactWriteItems": Fault.CONFLICT,
    "PutItem": Fault.CONFLICT,
    "UpdateItem": Fault.CONFLICT,
    "DeleteItem": Fault.CONFLICT,
    "BatchWriteItem": Fault.UNPROCESSED,
    "BatchGetItem": Fault.UNPROCESSED,
    "SendMessageBatch": Fault.UNPROCESSED,
    "Query": Fault.TRUNCATED,
}
# A truncated page still has so many rows at most.
MOST_ROWS = 3
THROTTLINGS = {"dynamodb": "ProvisionedThroughputExceededException"}


def draw(chance: random.Random, rates: Rates, operation: str) -> Fault | None:
    """The fault that strikes one request of an operation such as `PutItem`; None for most. Takes one draw."""
    left = chance.random()
    for fault in (*ANY, *([MORE[operation]] if operation in MORE else [])):
        left -= rates.of(fault)
        if left < 0:
            return fault
    return None


class Hook:
    """Faults of a botocore client (DynamoDB, SQS, Step Functions) in as many threads as use it; `seen` counts them.

    Each thread has a sequence of its own, which follows from the seed and the thread's name. `rates` may be changed at
    any time; with `only` just the threads strike for which it says yes.
    """

    def __init__(
        self, client: Any, *, seed: int = 0, rates: Rates | None = None, only: Callable[[], bool] | None = None
    ) -> None:
        self._client, self._seed, self.rates, self._only = client, seed, rates or Rates(), only
        self._service = client.meta.service_model.service_id.hyphenize()
        self._thread = threading.local()
        self._lock = threading.Lock()
        self._applied: set[str] = set()
        self.seen: Counter[Fault] = Counter()

    @contextmanager
    def struck(self) -> Iterator["Hook"]:
        """The client has faults inside of the block."""
        events, event, name = self._client.meta.events, f"before-send.{self._service}", f"faults-{id(self)}"
        events.register(event, self, unique_id=name)
        try:
            yield self
        finally:
            events.unregister(event, unique_id=name)

    def __call__(self, request: Any, event_name: str = "", **_: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        if self._only is not None and not self._only():
            return None
        fault = draw(self._chance(), self.rates, operation)
        if fault is None:
            return None
        body = json.loads(request.body)
        token = str(body.get("ClientRequestToken", ""))
        if fault == Fault.CONFLICT and token in self._applied:
            return None  # DynamoDB knows the token of a transaction that it has had
        with self._lock:
            self.seen[fault] += 1
        return self._carry_out(fault, operation, request, body, token)

    def _carry_out(
        self, fault: Fault, operation: str, request: Any, body: dict[str, Any], token: str
    ) -> AWSResponse | None:
        if fault == Fault.THROTTLED:
            return _refusal(request, THROTTLINGS.get(self._service, "ThrottlingException"), "slow down")
        if fault == Fault.REQUEST_LOST:
            raise ConnectTimeoutError(endpoint_url=request.url)
        if fault == Fault.REPLY_LOST:
            if self._send(request).status_code == 200 and token:
                self._applied.add(token)
            raise ReadTimeoutError(endpoint_url=request.url)
        if fault == Fault.CONFLICT:
            return self._conflict(operation, request, body)
        if fault == Fault.TRUNCATED:
            most = self._chance().randint(1, MOST_ROWS)
            _put(request, {**body, "Limit": min(most, body.get("Limit", most))})
            return None
        return self._partly(operation, request, body)

    def _conflict(self, operation: str, request: Any, body: dict[str, Any]) -> AWSResponse:
        said = "Transaction is ongoing for the item"
        if operation != "TransactWriteItems":
            return _refusal(request, "TransactionConflictException", said)
        struck = self._chance().randrange(len(body["TransactItems"]))
        reasons = [
            {"Code": "TransactionConflict", "Message": said} if place == struck else {"Code": "None"}
            for place in range(len(body["TransactItems"]))
        ]
        codes = ", ".join(reason["Code"] for reason in reasons)
        message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        return _refusal(request, "TransactionCanceledException", message, CancellationReasons=reasons)

    def _partly(self, operation: str, request: Any, body: dict[str, Any]) -> AWSResponse:
        """Do the first part of a batch, which may be none of it, and say what was left out."""
        if operation == "SendMessageBatch":
            done, left = self._parted(body["Entries"])
            failed = [{"Id": one["Id"], "SenderFault": False, "Code": "InternalError"} for one in left]
            answer = self._answer(request, {**body, "Entries": done}) if done else {"Successful": []}
            return _answered(request, 200, {**answer, "Failed": [*answer.get("Failed", []), *failed]})
        ((table, asked),) = body["RequestItems"].items()
        reading = operation == "BatchGetItem"
        done, left = self._parted(asked["Keys"] if reading else asked)
        now, later = ({**asked, "Keys": done}, {**asked, "Keys": left}) if reading else (done, left)
        nothing: dict[str, Any] = {"Responses": {}} if reading else {}
        answer = self._answer(request, {**body, "RequestItems": {table: now}}) if done else nothing
        return _answered(request, 200, {**answer, "UnprocessedKeys" if reading else "UnprocessedItems": {table: later}})

    def _parted(self, entries: list[Any]) -> tuple[list[Any], list[Any]]:
        place = self._chance().randrange(len(entries))
        return entries[:place], entries[place:]

    def _answer(self, request: Any, body: dict[str, Any]) -> dict[str, Any]:
        """What the service answers to a part of the request. An emulator that fails here fails the test."""
        _put(request, body)
        response = self._send(request)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = json.loads(response.content)
        return answer

    def _send(self, request: Any) -> AWSResponse:
        return self._client._endpoint.http_session.send(request)

    def _chance(self) -> random.Random:
        if not hasattr(self._thread, "chance"):
            self._thread.chance = random.Random(f"{self._seed}:{threading.current_thread().name}")
        chance: random.Random = self._thread.chance
        return chance


class _Raw(io.BytesIO):
    """As much of urllib3's response as botocore reads."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _put(request: Any, body: dict[str, Any]) -> None:
    """Give the request another body. Emulators do not verify its signature."""
    request.body = json.dumps(body).encode()
    request.headers["Content-Length"] = str(len(request.body))


def _refusal(request: Any, code: str, message: str, **more: Any) -> AWSResponse:
    body = {"__type": f"com.amazonaws#{code}", "Message": message, "message": message, **more}
    return _answered(request, 400, body)


def _answered(request: Any, status: int, body: dict[str, Any]) -> AWSResponse:
    return AWSResponse(
        request.url, status, {"Content-Type": "application/x-amz-json-1.0"}, _Raw(json.dumps(body).encode())
    )
