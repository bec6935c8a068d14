"""The table of unit tests: requests for DynamoDB that moto would answer are answered by the simulation's store.

botocore builds, signs, retries and parses as ever, and whoever listens to its events hears them; only the service
behind it is another one. moto takes thirty times as long for the same answer, since it parses each expression anew and
copies each item. The event files and the main job still run on moto, so each function's requests are tried on both.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError
from moto.core.botocore_stubber import BotocoreStubber

from tests.simulation.store import Store

_TARGET = re.compile(r"DynamoDB_20120810\.(\w+)")
# What makes a table, and looks at one from outside, stays moto's.
_OURS = frozenset({
    "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem",
    "TransactWriteItems",
})  # fmt: skip
_plain = BotocoreStubber.process_request
_served: Store | None = None


def current() -> Store | None:
    """The store that answers, or None while moto does."""
    return _served


@contextmanager
def serving(store: Store) -> Iterator[Store]:
    """`store` answers what is asked of DynamoDB."""
    global _served
    BotocoreStubber.process_request = _process  # type: ignore[method-assign]  # the hook that moto has for this
    before, _served = _served, store
    try:
        yield store
    finally:
        _served = before


def replace(store: Store) -> None:
    """Another store answers from now on."""
    global _served
    _served = store


def _process(self: BotocoreStubber, request: Any) -> Any:
    if _served is None:
        return _plain(self, request)
    target = request.headers.get("X-Amz-Target", "")
    found = _TARGET.match(target.decode() if isinstance(target, bytes) else target)
    if found is None or found[1] not in _OURS or not request.url.startswith("https://dynamodb."):
        return _plain(self, request)
    return _answer(_served, found[1], json.loads(request.body))


def _answer(store: Store, operation: str, body: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    try:
        if operation == "Scan":
            return 200, headers, json.dumps({"Items": list(store.items.values()), "Count": len(store.items)})
        # Hypothesis seeds `random` anew for each of its examples, so tokens repeat in one table.
        body.pop("ClientRequestToken", None)
        return 200, headers, json.dumps(store.perform(operation, body))
    except ClientError as error:
        told = {name: value for name, value in error.response.items() if name not in ("Error", "ResponseMetadata")}
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        kind = f"com.amazonaws.dynamodb.v20120810#{code}"
        return 400, headers, json.dumps({"__type": kind, "message": message, **told})


def made(watched: frozenset[str]) -> Store:
    """An empty table whose stream has the changes of these types."""
    return Store(time.time, watched)
