"""Calling the operator's functions of a deployment, as its commands do: with the credentials of the shell."""

import json
from collections.abc import Mapping
from typing import Any

from infra import names


class Refused(Exception):
    """The function did not do what was asked; the text says why."""


def ask(lambda_: Any, function: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What an operator's function (`accounts.create_tenant`) answers. Raises Refused."""
    reply = lambda_.invoke(FunctionName=names.function(function), Payload=json.dumps(wanted).encode())
    answer = json.loads(reply["Payload"].read())
    if reply.get("FunctionError"):
        raise Refused(f"{function} failed; its log has the story. It may be repeated.")
    if "error" in answer:
        raise Refused(f"{answer['error']['code']}: {answer['error']['message']}")
    told: dict[str, Any] = answer["data"]
    return told
