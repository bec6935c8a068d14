"""The fault proxy: what it does to requests, and that it leaves the others alone."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from infra.local.fault_proxy import Proxy
from infra.local.front import Message, read_message

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

PUT = "DynamoDB_20120810.PutItem"
COMMIT = "DynamoDB_20120810.TransactWriteItems"
QUEUE = "AmazonSQS.SendMessageBatch"
Ask = Callable[..., Awaitable[Message | None]]


def through(talk: Callable[[Ask, list[bytes]], Awaitable[None]]) -> None:
    """Talk to a proxy, with a server behind it that echoes what it gets (the list)."""

    async def run() -> None:
        got: list[bytes] = []

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = await read_message(reader, None)
            assert request is not None
            got.append(request.body)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body) + request.body)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        behind = await asyncio.start_server(echo, "127.0.0.1", 0)
        front = await asyncio.start_server(Proxy(_port(behind)).serve, "127.0.0.1", 0)

        async def ask(target: str, body: Any, method: str = "POST", path: str = "/") -> Message | None:
            reader, writer = await asyncio.open_connection("127.0.0.1", _port(front))
            data = json.dumps(body).encode()
            head = f"{method} {path} HTTP/1.1\r\nX-Amz-Target: {target}\r\nContent-Length: {len(data)}\r\n\r\n"
            writer.write(head.encode() + data)
            answer = await read_message(reader, None)
            writer.close()
            await writer.wait_closed()
            return answer

        async with behind, front:
            await talk(ask, got)
            while len(asyncio.all_tasks()) > 1:  # connections that are being closed
                await asyncio.sleep(0)

    asyncio.run(run())


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def told(ask: Ask, *rules: dict[str, Any]) -> Message:
    answer = await ask("", {"seed": 3, "rules": list(rules)}, "PUT", "/_faults")
    assert answer is not None
    return answer


def test_nothing_fails_unless_told() -> None:
    async def talk(ask: Ask, got: list[bytes]) -> None:
        answer = await ask(PUT, {"a": 1})
        assert answer is not None
        assert (answer.body, got) == (b'{"a": 1}', [b'{"a": 1}'])

    through(talk)


@pytest.mark.parametrize(("kind", "arrives"), [("request_lost", 0), ("reply_lost", 1)])
def test_the_request_or_its_reply_is_lost(kind: str, arrives: int) -> None:
    async def talk(ask: Ask, got: list[bytes]) -> None:
        await told(ask, {"kind": kind, "rate": 1, "service": "dynamodb", "operation": "PutItem"})
        assert await ask(PUT, {}) is None
        assert len(got) == arrives
        assert await ask(COMMIT, {}) is not None, "of another operation nothing is lost"

    through(talk)


def test_refusals_say_what_aws_says() -> None:
    async def talk(ask: Ask, got: list[bytes]) -> None:
        await told(ask, {"kind": "conflict", "rate": 1}, {"kind": "throttled", "rate": 1})
        answers = [await ask(PUT, {}), await ask(COMMIT, {"TransactItems": [{}, {}]}), await ask(QUEUE, {})]
        said = [json.loads(answer.body) for answer in answers if answer]
        assert [one["__type"].rpartition("#")[2] for one in said] == [
            "TransactionConflictException", "TransactionCanceledException", "ThrottlingException",
        ]  # fmt: skip
        assert [reason["Code"] for reason in said[1]["CancellationReasons"]] == ["TransactionConflict", "None"]
        assert got == []

    through(talk)


def test_a_share_strikes_and_is_counted() -> None:
    async def talk(ask: Ask, got: list[bytes]) -> None:
        await told(ask, {"kind": "request_lost", "rate": 0.3})
        lost = [await ask(PUT, {}) for _ in range(50)].count(None)
        shown = await ask("", None, "GET", "/_faults")
        assert shown is not None
        assert 5 < lost < 25
        assert json.loads(shown.body)["rules"][0]["struck"] == lost == 50 - len(got)

    through(talk)


@pytest.mark.parametrize("bad", [{"kind": "explode", "rate": 1}, {"kind": "throttled", "rate": 2}, {"what": 1}])
def test_a_bad_rule_is_refused_and_changes_nothing(bad: dict[str, Any]) -> None:
    async def talk(ask: Ask, got: list[bytes]) -> None:
        await told(ask, {"kind": "request_lost", "rate": 1})
        refused = await told(ask, bad)
        assert b"400" in refused.start
        assert json.loads(refused.body)["message"]
        assert await ask(PUT, {}) is None

    through(talk)
