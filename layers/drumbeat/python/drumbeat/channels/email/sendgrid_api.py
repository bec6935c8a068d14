"""One request to SendGrid's API: once, without retries or redirects, and what it means when no answer comes.

`SENDGRID_API_URL` names another server, for the local stack and tests. The HTTP library is the AWS SDK's, which is
there already.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from botocore.awsrequest import AWSRequest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    SSLError,
)
from pydantic_core import from_json

from drumbeat import clock
from drumbeat.channels import Account
from drumbeat.channels.outcomes import MOST_WAIT, CallResult, CallState, asked_to_wait

CONNECT_TIMEOUT, READ_TIMEOUT = 3.0, 15.0
# twilio.com/docs/sendgrid/api-reference/mail-send: accounts of EU subusers have a server of their own.
SERVERS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def data(self) -> Any:
        """The JSON of the body; None for a body that is none."""
        try:
            return from_json(self.body)
        except ValueError:
            return None

    @property
    def errors(self) -> list[tuple[str, str]]:
        """The (field, message) of what is wrong; the field may be empty."""
        said = self.data
        listed = said.get("errors") if isinstance(said, dict) else None
        errors = [one for one in listed or () if isinstance(one, dict)] if isinstance(listed, list) else []
        return [(str(one.get("field") or ""), str(one.get("message") or "")) for one in errors]

    @property
    def wait(self) -> timedelta | None:
        """How long to wait: `Retry-After`, or until the epoch second of `X-RateLimit-Reset`."""
        asked = asked_to_wait(self.headers)
        reset = self.headers.get("x-ratelimit-reset", "").strip()
        if asked is not None or not (reset.isascii() and reset.isdigit() and len(reset) < 12):
            return asked
        wanted = datetime.fromtimestamp(int(reset), UTC) - clock.wall()
        return max(timedelta(0), min(wanted, MOST_WAIT))


Carrier = Callable[[Asked], Reply]


@cache
def _session() -> Any:
    from botocore.httpsession import URLLib3Session

    return URLLib3Session(timeout=(CONNECT_TIMEOUT, READ_TIMEOUT), max_pool_connections=4)


def _over_http(asked: Asked) -> Reply:
    request = AWSRequest(method=asked.method, url=asked.url, headers=dict(asked.headers), data=asked.body).prepare()
    answer = _session().send(request)
    headers = {str(name).lower(): str(value) for name, value in answer.headers.items()}
    return Reply(int(answer.status_code), headers, bytes(answer.content))


_carrier: Carrier = _over_http


@contextmanager
def carried_by(carrier: Carrier) -> Iterator[None]:
    """Requests go this way meanwhile; the carrier raises what botocore's HTTP session does."""
    global _carrier
    before, _carrier = _carrier, carrier
    try:
        yield
    finally:
        _carrier = before


def ask(account: Account, method: str, path: str, body: Any = None) -> Reply | CallResult:
    """The answer; or, when none came, whether the request was not sent for sure (UNREACHABLE) or nobody knows."""
    server = os.environ.get("SENDGRID_API_URL") or SERVERS[str(account.config.get("region") or "global")]
    headers = {"Authorization": f"Bearer {account.credentials()['api_key']}", "User-Agent": "drumbeat"}
    raw = b""
    if body is not None:
        headers["Content-Type"] = "application/json"
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    try:
        return _carrier(Asked(method, server.rstrip("/") + path, headers, raw))
    except (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError) as error:
        return CallResult(CallState.UNREACHABLE, reason=type(error).__name__)
    except (ConnectionClosedError, SSLError, HTTPClientError) as error:  # a read time-out is one of these
        return CallResult(CallState.UNKNOWN, reason=type(error).__name__)
