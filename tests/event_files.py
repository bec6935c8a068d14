"""The steps of event files (events/README.md): what comes first, the request itself, and names of what was kept."""

import base64
import re
from typing import Any

from drumbeat import table

from infra import examples
from tests import harness
from tests.harness import Reply
from tests.world import BUCKET, World, client

STEP_KEYS = {
    "call",
    "keep",
    "settle",
    "mail",
    "put",
    "rows",
    "event",
    "body",
    "path",
    "query",
    "headers",
    "tenant",
    "route",
    "text",
    "ip",
}


def given(world: World, step: dict[str, Any], kept: dict[str, Any], where: str) -> None:
    """Do a step of `given`; what it keeps goes into `kept`."""
    unknown = set(step) - STEP_KEYS
    assert not unknown, f"{where}: has {unknown}, which nothing reads; there are {sorted(STEP_KEYS)}"
    if step.get("settle"):
        world.settle()
        return
    if "mail" in step:
        found = re.search(step["mail"], world.mails()[-1][1])
        assert found, f"{where}: the last mail has no {step['mail']}: {world.mails()[-1]}"
        kept[step["keep"]] = found[1]
        return
    if "rows" in step:
        for row in filled(step["rows"], kept):
            put_row(row)
        return
    if "put" in step:
        where_to, content = filled(step["put"], kept), step["text"].encode()
        client("s3").put_object(Bucket=BUCKET, Key=where_to, Body=content)
        return
    wanted = filled({key: value for key, value in step.items() if key not in ("call", "keep")}, kept)
    if "event" in wanted:
        came = world.run(step["call"], wanted["event"])
        assert "error" not in (came or {}), f"{where}: {step['call']} failed: {came}"
        came = came.get("data", came) if isinstance(came, dict) else came
    else:
        reply = called(world, step["call"], wanted)
        assert reply.status < 300, f"{where}: {step['call']} answered {reply.status}: {reply.text}"
        came = reply.body.get("data", reply.body) if reply.text.startswith("{") else reply.text
    if "keep" in step:
        kept[step["keep"]] = came


def filled(value: Any, kept: dict[str, Any]) -> Any:
    """The value with `{name.path}` replaced by what was kept; a part that is not there is a mistake in the file."""
    return examples.filled(value, kept, _absent)


def _absent(part: str, name: str) -> Any:
    raise AssertionError(f"{{{name}}}: there is no {part!r} in what was kept")


def put_row(row: dict[str, Any]) -> None:
    """Put a raw item into the table."""
    client("dynamodb").put_item(TableName=table.TABLE, Item=_row(row))


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """An item in DynamoDB's JSON, where binary values are base64."""
    return {
        name: {"B": base64.b64decode(value["B"])} if isinstance(value, dict) and "B" in value else value
        for name, value in row.items()
    }


def called(world: World, name: str, request: dict[str, Any]) -> Reply:
    """What the function answers to a request as event files have it: by acme's administrator unless it says whose."""
    public = harness.function(name).declaration.scope is None
    request = dict(request)
    tenant = request.pop("tenant", None if public else "acme")
    if "text" in request:
        request["body"] = request.pop("text").encode()
    return world.call(name, tenant=tenant, **request)
