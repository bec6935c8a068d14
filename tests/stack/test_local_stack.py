"""The local stack itself: what it promises before any of our functions is looked at closely."""

import json
import urllib.error
import urllib.request
from contextlib import closing

from infra.local.stack import Stack


def ask(url: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def test_the_api_hangs_directly_on_its_address(stack: Stack) -> None:
    status, body = ask(f"{stack.api_url}/health")

    assert status == 200
    assert json.loads(body)["success"] is True


def test_all_functions_are_deployed(stack: Stack) -> None:
    assert "system.get_health" in stack.functions


def test_the_table_is_the_templates(stack: Stack) -> None:
    with closing(stack.client("dynamodb")) as client:
        table = client.describe_table(TableName=stack.table)["Table"]

    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    assert table["DeletionProtectionEnabled"] is True


def test_the_simulators_answer(stack: Stack) -> None:
    status, body = ask(f"{stack.simulators_url}/config")

    assert status == 200
    assert json.loads(body)["aws"]["endpoint_url"] == stack.endpoint
