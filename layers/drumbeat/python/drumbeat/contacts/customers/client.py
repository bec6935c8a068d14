"""The customer system's API (integration-guide.md, Customer Experience System): profiles, one or many a request.

A request is made once; who asks again, and when, is for the queue to say (`fetching`).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from drumbeat import clock, egress
from drumbeat.accounts.customer_system import CustomerSystem
from drumbeat.egress import Answer, Unanswered, Unreached
from drumbeat.egress.addresses import Denied
from drumbeat.providers import secrets

# Under which name its token is kept beside the secrets of provider accounts.
KEPT_AS = "customer-system"
SECONDS = 10.0
# A hundred profiles of ten kilobytes.
MOST_BYTES = 1 << 20
LONGEST_WAIT = timedelta(days=1)


class Failed(Exception):
    """The system did not tell. `wait` is how long it wants to be left alone, where it says so. `credentials` says that
    it does not take ours: asking again soon is of no use."""

    def __init__(self, reason: str, *, wait: timedelta | None = None, credentials: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.wait, self.credentials = reason, wait, credentials


def profiles(tenant: str, system: CustomerSystem, customers: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The profiles of these customers by id, those that the system has: one request, whatever their number. Raises
    Failed."""
    if len(customers) == 1:
        answer = _ask(tenant, system, "GET", f"/api/v1/customers/{quote(customers[0], safe='')}")
        told = [] if answer.status == 404 else [_read(answer)]
    else:
        body = json.dumps({"ids": list(customers)}, ensure_ascii=False, separators=(",", ":")).encode()
        listed = _read(_ask(tenant, system, "POST", "/api/v1/customers/batch", body)).get("customers")
        if not isinstance(listed, list):
            raise Failed("its answer has no list of customers")
        told = [one for one in listed if isinstance(one, dict)]
    wanted = set(customers)
    return {str(one["id"]): one for one in told if isinstance(one.get("id"), str | int) and str(one["id"]) in wanted}


def _ask(tenant: str, system: CustomerSystem, method: str, path: str, body: bytes | None = None) -> Answer:
    token = secrets.of(tenant, KEPT_AS, system.secrets_version)["token"]
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    if body is not None:
        headers["content-type"] = "application/json"
    try:
        answer = egress.request(method, system.base_url + path, headers, body, seconds=SECONDS, most=MOST_BYTES)
    except Denied as error:
        raise Failed(f"its address {error}") from error
    except (Unreached, Unanswered) as error:
        raise Failed(f"it cannot be reached: {error}") from error
    if answer.status in (401, 403):
        raise Failed("it does not take our token", credentials=True)
    if answer.status != 200 and not (answer.status == 404 and method == "GET"):
        raise Failed(f"it answered {answer.status}", wait=_wait(answer.headers.get("retry-after")))
    return answer


def _read(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.body) if answer.whole else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Failed("its answer is no JSON object, broke off, or is longer than a megabyte")
    return told


def _wait(text: str | None) -> timedelta | None:
    """Retry-After, in seconds or as a date (RFC 9110, 10.2.3)."""
    if not text:
        return None
    try:
        seconds = float(text) if text.isdigit() else (_date(text) - clock.wall()).total_seconds()
    except (ValueError, OverflowError, TypeError):
        return None
    return min(timedelta(seconds=max(0.0, seconds)), LONGEST_WAIT)


def _date(text: str) -> datetime:
    return parsedate_to_datetime(text)
