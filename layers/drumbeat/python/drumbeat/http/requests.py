"""What a Lambda event (payload format 2.0) says: who asks, when, and for what."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import from_json

from drumbeat import access, clock, ids
from drumbeat.errors import Forbidden, MalformedBody

TENANT_NAMES = frozenset({"tenantId", "tenant_id"})


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, when, and how. `tenant` comes from the credential only; on routes without one it is empty."""

    id: str
    now: datetime
    route: str
    tenant: str = ""
    actor: str = ""
    credential: str = ""
    scopes: frozenset[str] = frozenset()
    idempotency_key: str | None = None
    ip: str = ""
    user_agent: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""
    method: str = ""
    path: str = ""
    raw_query: str = ""

    def new_id(self, prefix: str) -> str:
        """An id for what this request creates: always the same for the same Idempotency-Key."""
        if self.idempotency_key is None:
            return ids.new(prefix)
        return ids.derived(prefix, self.tenant, self.route, self.idempotency_key)

    def require(self, scope: str) -> None:
        """Refuse unless the credential has this scope too: for what a request asks besides its route. Raises
        Forbidden."""
        access.Caller(self.tenant, self.actor, self.credential, self.scopes).require(scope)

    def own(self, tenant: object) -> None:
        """Refuse a tenant named in a request that is not the caller's. Raises Forbidden."""
        if tenant is not None and tenant != self.tenant:
            raise Forbidden("The tenant of a request is that of its credential; leave tenantId out or send your own.")


def request(event: Mapping[str, Any]) -> Request:
    """The event's facts. Header names are lower case in payload format 2.0."""
    headers = {str(key).lower(): str(value) for key, value in (event.get("headers") or {}).items()}
    about = event.get("requestContext", {}).get("http", {})
    body = event.get("body") or ""
    asked = headers.get("x-request-id", "")
    return Request(
        id=asked if re.fullmatch(r"[\x21-\x7e]{1,128}", asked) else ids.new("req"),
        now=clock.business(),
        route=event.get("routeKey", ""),
        # Other methods change nothing or come to the same when repeated; a GET must not be answered from the past.
        idempotency_key=headers.get("idempotency-key") if about.get("method") == "POST" else None,
        ip=str(about.get("sourceIp", "")),
        user_agent=headers.get("user-agent", "")[:512],
        headers=headers,
        query=dict(parse_qsl(event.get("rawQueryString", ""), keep_blank_values=True)),
        raw=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass"),
        method=str(about.get("method", "")),
        path=str(event.get("rawPath", "")),
        raw_query=str(event.get("rawQueryString", "")),
    )


def parsed(raw: bytes) -> Any:
    """The JSON of a body; None for an empty one. Raises MalformedBody."""
    if not raw.strip():
        return None
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedBody(f"The body is not valid JSON: {error}.") from error


def without_tenant(said: Any) -> Any:
    return {name: value for name, value in said.items() if name not in TENANT_NAMES} if isinstance(said, dict) else said
