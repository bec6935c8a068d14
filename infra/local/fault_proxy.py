"""A proxy in front of the emulator that lets requests fail, for functions of the deployed stack that are pointed at it.

`PUT /_faults` of the proxy says what fails: `{"seed": 7, "rules": [{"kind": "reply_lost", "service": "dynamodb",
"operation": "UpdateItem", "rate": 0.03}]}`; service and operation may be `*`, the first rule that strikes is taken.
`GET /_faults` shows how often each struck. The stack starts none: only functions inside of `pointed` go through it.
"""

import argparse
import asyncio
import contextlib
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from infra import names
from infra.local.front import LARGEST_HEAD, Message, for_client, read_message
from infra.local.places import ROOT, free_port
from infra.local.processes import environment

CONTROL = "/_faults"
KINDS = {
    "throttled": "refused, nothing done",
    "conflict": "refused for a transaction that is at work on the same item, nothing done",
    "request_lost": "the connection closes before the emulator has heard of it",
    "reply_lost": "done, and then the connection closes without an answer",
}
# What the targets of the JSON protocols begin with.
SERVICES = {"DynamoDB": "dynamodb", "AmazonSQS": "sqs", "AWSStepFunctions": "stepfunctions", "AWSEvents": "events"}
START_SECONDS = 10.0


class BadRule(ValueError):
    """A rule that makes no sense; the text says why."""


@dataclass
class Rule:
    """A share `rate` of the requests of an operation; `struck` counts them."""

    kind: str
    rate: float
    service: str = "*"
    operation: str = "*"
    struck: int = 0


@dataclass
class Faults:
    """What fails; nothing at first. The shares follow from the seed and the order of the requests."""

    rules: list[Rule] = field(default_factory=list)
    chance: random.Random = field(default_factory=random.Random)

    def put(self, asked: dict[str, Any]) -> None:
        """Take new rules. Raises BadRule, and keeps the old ones then."""
        self.rules = [rule_of(values) for values in asked.get("rules", [])]
        self.chance = random.Random(int(asked.get("seed", 0)))

    def strike(self, service: str, operation: str) -> str | None:
        """The kind of fault that a request meets."""
        for rule in self.rules:
            if rule.service in ("*", service) and rule.operation in ("*", operation):
                if rule.kind == "conflict" and operation not in CONFLICTING:
                    continue
                if self.chance.random() < rule.rate:
                    rule.struck += 1
                    return rule.kind
        return None

    def as_json(self) -> bytes:
        return json.dumps({"rules": [asdict(rule) for rule in self.rules]}).encode()


CONFLICTING = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


def rule_of(values: dict[str, Any]) -> Rule:
    """A rule from JSON. Raises BadRule."""
    known = {item.name for item in fields(Rule)} - {"struck"}
    if unknown := values.keys() - known:
        raise BadRule(f"unknown in a rule: {', '.join(sorted(unknown))}")
    if values.get("kind") not in KINDS:
        raise BadRule(f"kind is one of {', '.join(KINDS)}")
    if not isinstance(values.get("rate"), int | float) or not 0 <= values["rate"] <= 1:
        raise BadRule("rate is a number from 0 to 1")
    return Rule(**values)


class Proxy:
    """Passes requests on, byte for byte, unless a fault strikes."""

    def __init__(self, emulator: int) -> None:
        self._emulator, self.faults = emulator, Faults()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a client until it goes away, or a fault closes the connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            while request := await read_message(reader, writer):
                method, target, _ = request.start.split(b" ", 2)
                answer = self._told(method, request) if target == CONTROL.encode() else await self._passed_on(request)
                if answer is None:
                    break
                writer.write(for_client(answer, method, request.keeps_alive))
                await writer.drain()
                if not request.keeps_alive:
                    break
        await _closed(writer)

    def _told(self, method: bytes, request: Message) -> Message:
        try:
            if method == b"PUT":
                self.faults.put(json.loads(request.body))
        except (ValueError, TypeError, AttributeError) as error:
            return _json(b"400 Bad Request", json.dumps({"message": str(error)}).encode())
        return _json(b"200 OK", self.faults.as_json())

    async def _passed_on(self, request: Message) -> Message | None:
        """The emulator's answer, or that of a fault; None when the connection is to be closed."""
        prefix, _, operation = (request.header(b"x-amz-target") or b"").decode().partition(".")
        service = SERVICES.get(prefix.partition("_")[0], prefix)
        kind = self.faults.strike(service, operation) if self.faults.rules else None
        if kind == "request_lost":
            return None
        if kind in ("throttled", "conflict"):
            return _refusal(kind, service, operation, request.body)
        answer = await self._asked(request)
        return None if kind == "reply_lost" else answer

    async def _asked(self, request: Message) -> Message:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._emulator, limit=LARGEST_HEAD)
        try:
            extra = (b"Content-Length", b"%d" % len(request.body)), (b"Connection", b"close")
            writer.write(request.encoded(*extra))
            answer = await read_message(reader, None, head_only=request.start.startswith(b"HEAD "))
        finally:
            await _closed(writer)
        if answer is None:
            raise ConnectionResetError("the emulator closed the connection")
        return answer


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _refusal(kind: str, service: str, operation: str, body: bytes) -> Message:
    """How AWS words it, with HTTP status 400."""
    said: dict[str, Any] = {"message": "slow down"}
    code = "ProvisionedThroughputExceededException" if service == "dynamodb" else "ThrottlingException"
    if kind == "conflict":
        code, said = "TransactionConflictException", {"message": "Transaction is ongoing for the item"}
    if kind == "conflict" and operation == "TransactWriteItems":
        others = [{"Code": "None"}] * (len(json.loads(body)["TransactItems"]) - 1)
        code, reasons = "TransactionCanceledException", [{"Code": "TransactionConflict"}, *others]
        said = {"Message": "Transaction cancelled [TransactionConflict, …]", "CancellationReasons": reasons}
    return _json(b"400 Bad Request", json.dumps({"__type": f"com.amazonaws#{code}", **said}).encode())


def _json(status: bytes, body: bytes) -> Message:
    return Message(b"HTTP/1.1 " + status, [(b"Content-Type", b"application/x-amz-json-1.0")], body)


@dataclass(frozen=True)
class Control:
    """A running proxy, as tests tell it what fails."""

    url: str

    def put(self, *rules: dict[str, Any], seed: int = 0) -> None:
        self._ask("PUT", {"seed": seed, "rules": list(rules)})

    def struck(self) -> dict[str, int]:
        """How often each kind struck."""
        found: dict[str, int] = {}
        for rule in self._ask("GET", None)["rules"]:
            found[rule["kind"]] = found.get(rule["kind"], 0) + rule["struck"]
        return found

    def _ask(self, method: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(self.url + CONTROL, data, method=method)  # noqa: S310 - our own proxy
        with urllib.request.urlopen(asked, timeout=10) as reply:  # noqa: S310
            return json.load(reply)


@contextlib.contextmanager
def pointed(lambda_: Any, emulator: int, functions: Sequence[str]) -> Iterator[Control]:
    """Run a proxy, and let the functions (`sends.deliver_chunk`) of a deployed stack reach AWS through it. Their
    workers start anew, now and when the block ends. `lambda_` is a client of the emulator at that port."""
    port = free_port()
    command = [sys.executable, "-m", "infra.local.fault_proxy", "--emulator", str(emulator), "--port", str(port)]
    proxy = subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE)
    control = Control(f"http://127.0.0.1:{port}")
    before: dict[str, dict[str, str]] = {}
    try:
        _wait(control, proxy)
        for function in map(names.function, functions):
            found = lambda_.get_function_configuration(FunctionName=function)
            before[function] = found.get("Environment", {}).get("Variables", {})
            _set(lambda_, function, {**before[function], "AWS_ENDPOINT_URL": control.url})
        yield control
    finally:
        for function, variables in before.items():
            _set(lambda_, function, variables)
        proxy.terminate()
        proxy.wait()


def _set(lambda_: Any, function: str, variables: dict[str, str]) -> None:
    lambda_.update_function_configuration(FunctionName=function, Environment={"Variables": variables})


def _wait(control: Control, proxy: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and proxy.poll() is None:
        with contextlib.suppress(OSError):
            control.struck()
            return
        time.sleep(0.02)
    raise TimeoutError("the fault proxy did not start")


async def run(emulator: int, port: int) -> None:
    """Listen until standard input ends: with the process that has started this one, however that ends."""
    server = await asyncio.start_server(Proxy(emulator).serve, "127.0.0.1", port, limit=LARGEST_HEAD, backlog=512)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulator", type=int, required=True, help="the emulator's port")
    parser.add_argument("--port", type=int, required=True)
    asked = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(asked.emulator, asked.port))


if __name__ == "__main__":
    main()
