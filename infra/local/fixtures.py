"""What the local tenant has from the start."""

import json
from typing import Any, Protocol

from infra import names

CREATE_TENANT = "accounts.create_tenant"


class Refused(Exception):
    """A function that makes fixtures failed; the text is what it answered."""


class Seedable(Protocol):
    """What fixtures need of a stack."""

    @property
    def functions(self) -> list[str]: ...

    def client(self, service: str) -> Any: ...


def seed(stack: Seedable) -> dict[str, str]:
    """Makes the tenant `acme` and gives `{"tenant": its id, "api_key": a key with all scopes}`. Raises Refused."""
    if CREATE_TENANT not in stack.functions:
        return {"tenant": "", "api_key": ""}
    made = invoke(stack, CREATE_TENANT, {"name": "acme"})
    return {"tenant": str(made["tenant"]), "api_key": str(made["api_key"])}


def invoke(stack: Seedable, function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Calls an operator's function (`accounts.create_tenant`) and gives its data. Raises Refused."""
    reply = stack.client("lambda").invoke(FunctionName=names.function(function), Payload=json.dumps(event))
    text = reply["Payload"].read().decode()
    if reply.get("FunctionError"):
        raise Refused(f"{function}: {text}")
    data = json.loads(text).get("data")
    if not isinstance(data, dict):
        raise Refused(f"{function}: {text}")
    return data
