"""How tests call functions: through the real handler, with the event that API Gateway, SQS or the stream would send."""

import base64
import functools
import importlib
import json
import os
import pkgutil
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from drumbeat import aws, dialects, table
from drumbeat.accounts import settings
from drumbeat.declare import Declaration, Function
from drumbeat.http import EDGE_PUBLIC_WRITES, EDGE_READS, EDGE_WRITES, Entry
from drumbeat.logs import metrics

from tests import tenancy

ROOT = Path(__file__).parent.parent
NAMES = ("", "gsi1", "gsi2", "gsi3")


@dataclass(frozen=True)
class Reply:
    """What a function answered."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def data(self) -> Any:
        assert self.status < 300, self.text
        return self.body["data"]

    @property
    def refused(self) -> list[str]:
        """The fields that a refusal names."""
        return [detail["field"] for detail in self.body["error"]["details"]]


def function(name: str) -> Function:
    """The function of a name such as `contacts.create_contact`."""
    found = importlib.import_module(f"functions.{name}").handler
    assert isinstance(found, Function)
    if isinstance(found.entry, Entry):
        found.entry.dialects = documented_routes().get(name, {})
    return found


@functools.cache
def documented_routes() -> dict[str, dict[str, str]]:
    """Which dialect answers which route of a function: what infra puts into its `DIALECTS`."""
    routes: dict[str, dict[str, str]] = {}
    for module in pkgutil.iter_modules(dialects.__path__):
        for row in getattr(importlib.import_module(f"drumbeat.dialects.{module.name}"), "ROWS", ()):
            routes.setdefault(row.function, {})[row.route] = module.name
    return routes


def http_event(
    route: str,
    *,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    ip: str = "127.0.0.1",
) -> dict[str, Any]:
    """API Gateway's payload 2.0. A body that is bytes goes as they are, anything else as JSON."""
    method, template = route.split(" ") if " " in route else ("POST", "/")
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    where = re.sub(r"{(\w+)\+?}", lambda part: str((path or {}).get(part[1], "")), template)
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": where,
        "rawQueryString": urlencode(query or {}),
        "headers": {key.lower(): value for key, value in (headers or {}).items()},
        "pathParameters": dict(path or {}),
        "requestContext": {"http": {"method": method, "path": where, "sourceIp": ip}},
        "body": base64.b64encode(raw).decode(),
        "isBase64Encoded": True,
    }


def invoke(name: str, event: Any) -> Any:
    """Call a function with a raw event, held to what it declares."""
    target = function(name)
    # A deployed instance is one function and has one context's dimension; here all run in one process.
    metrics.clear_default_dimensions()
    metrics.clear_metrics()
    with _named(name), held_to(target.declaration, tenancy.tenants_of(target.declaration, event)):
        return target(event, None)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """`FUNCTION` as Lambda has it, for as long as the call takes."""
    before = os.environ.get("FUNCTION")
    os.environ["FUNCTION"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["FUNCTION"]
        else:
            os.environ["FUNCTION"] = before


def ask(name: str, *, route: str | None = None, **request: Any) -> Reply:
    """Call an http function by its canonical route, or a documented one."""
    target = function(name)
    answer = invoke(name, http_event(route or target.declaration.route or "", **request))
    text = base64.b64decode(answer["body"]).decode("latin-1") if answer["isBase64Encoded"] else answer["body"]
    return Reply(answer["statusCode"], answer["headers"], text)


@contextmanager
def held_to(declaration: Declaration, tenants: frozenset[str] = frozenset()) -> Iterator[None]:
    """Fail on any access to the table that the declaration does not allow: what IAM does when it is deployed. With
    `tenants`, on any access to what is none of theirs, in the table or in the bucket."""
    edge = declaration.kind in ("http", "url")
    reads = {model.TYPE for model in (*declaration.reads, *(EDGE_READS if edge and declaration.scope else ()))}
    writes = {model.TYPE for model in declaration.writes} | ({"OUTBOX"} if declaration.publishes else set())
    if edge:
        writes |= {model.TYPE for model in (EDGE_WRITES if declaration.scope else EDGE_PUBLIC_WRITES)}
    prefixes = {
        prefix
        for model in (*declaration.reads, *declaration.writes, *(EDGE_READS if edge and declaration.scope else ()))
        for prefix in model.INDEX_TYPES.values()
    }

    if "TENANT" not in reads | writes:
        settings.forget()  # a deployed instance is one function: what another one has read it does not know

    crossed: list[str] = []

    def check(params: dict[str, Any], model: Any, **_: Any) -> None:
        for kind, key in _touched(model.name, params):
            allowed = prefixes if kind == "index" else writes if kind == "write" else reads | writes
            assert key.split("#")[0] in allowed and "#" in key, (
                f"{declaration.name} does not declare the {kind} of {key}"
            )
        if tenants:
            crossed.extend(tenancy.foreign(model.name, params, tenants))

    def check_file(params: dict[str, Any], **_: Any) -> None:
        if tenants:
            crossed.extend(tenancy.foreign_files(params, tenants))

    watched = (
        (table.connection().connection.client, "before-parameter-build.dynamodb.*", check),
        (aws.client("s3"), "before-parameter-build.s3.*", check_file),
    )
    for client, name, hook in watched:
        client.meta.events.register(name, hook, unique_id="held-to")
    try:
        yield
    finally:
        for client, name, _ in watched:
            client.meta.events.unregister(name, unique_id="held-to")
        # Only now: a function catches what is raised inside it, and answers 500 or puts its message back.
        assert not crossed, f"{declaration.name} worked for {', '.join(sorted(tenants))} and asked for: {crossed}"


def _touched(operation: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(read, write or index; partition key) of every item that an operation touches."""
    assert operation not in ("Scan", "ExecuteStatement"), f"{operation} is never used"
    if operation == "Query":
        value = next(iter(params["ExpressionAttributeValues"].values()))
        yield ("index" if params.get("IndexName") else "read"), _query_key(params) or value["S"]
    elif operation in ("GetItem", "PutItem", "UpdateItem", "DeleteItem"):
        item = params.get("Key") or params["Item"]
        yield ("read" if operation == "GetItem" else "write"), item["pk"]["S"]
    elif operation == "BatchGetItem":
        for key in params["RequestItems"][table.TABLE]["Keys"]:
            yield "read", key["pk"]["S"]
    elif operation == "BatchWriteItem":
        for request in params["RequestItems"][table.TABLE]:
            (action,) = request.values()
            yield "write", (action.get("Item") or action["Key"])["pk"]["S"]
    elif operation == "TransactWriteItems":
        for action in params["TransactItems"]:
            ((verb, wanted),) = action.items()
            yield ("read" if verb == "ConditionCheck" else "write"), (wanted.get("Item") or wanted["Key"])["pk"]["S"]


def _query_key(params: dict[str, Any]) -> str | None:
    """The value that the partition key is compared with."""
    name, placeholder = re.match(r"\(?([#\w]+) = (:\w+)", params["KeyConditionExpression"]).groups()  # type: ignore[union-attr]
    real = params.get("ExpressionAttributeNames", {}).get(name, name)
    assert real.endswith("pk"), f"a query's first condition is its partition, not {real}"
    return str(params["ExpressionAttributeValues"][placeholder]["S"])


def create_table() -> None:
    """The table as the base stack makes it (a test in tests/infra holds the two against each other)."""
    keys = [(f"{name}pk", f"{name}sk") for name in NAMES]
    # The client that is there anyway: a new one costs as much as all else that a test sets up.
    table.connection().connection.client.create_table(
        TableName=table.TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for pair in keys for key in pair],
        KeySchema=_schema(*keys[0]),
        GlobalSecondaryIndexes=[
            {"IndexName": name, "KeySchema": _schema(*pair), "Projection": {"ProjectionType": "KEYS_ONLY"}}
            for name, pair in zip(NAMES[1:], keys[1:], strict=True)
        ],
    )


def _schema(pk: str, sk: str) -> list[dict[str, str]]:
    return [{"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": sk, "KeyType": "RANGE"}]
