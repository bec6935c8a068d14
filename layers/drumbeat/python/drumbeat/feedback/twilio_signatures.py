"""Twilio's signatures (twilio.com/docs/usage/security): HMAC-SHA1 with the account's token over the address that Twilio
called and the parameters of the body, sorted by name; of several values of a name each counts once.

The address is the configured one with the path that was asked: what a request says of its host is not believed. Twilio
itself is of two minds about the port, so both ways count, as in its own libraries. A JSON body is covered by
`bodySHA256` in the address; without it, its members are, as if they were those of a form. There is no time in the
scheme, so whoever applies a report must bear to see it again.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, parse_qsl, urlsplit, urlunsplit

from pydantic_core import from_json

from drumbeat.errors import MalformedBody
from drumbeat.feedback.signatures import BadSignature

HEADER = "x-twilio-signature"
# Twilio's own requests have some thirty, and ten more for each picture.
MOST_PARAMETERS = 500


class Posted(Protocol):
    """A request as it came; header names in lower case."""

    @property
    def path(self) -> str: ...
    @property
    def raw_query(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def raw(self) -> bytes: ...


def verified(request: Posted, base: str, token: str) -> dict[str, str]:
    """The parameters of a request to `base` (scheme and host); of several values the last. Raises BadSignature and
    MalformedBody."""
    url = base.rstrip("/") + request.path + (f"?{request.raw_query}" if request.raw_query else "")
    given = request.headers.get(HEADER, "")
    if _is_json(request):
        parameters = _of_json(request.raw)
        hashed = parse_qs(urlsplit(url).query).get("bodySHA256")
        if hashed is not None and not _same(hashlib.sha256(request.raw).hexdigest(), hashed[0].lower()):
            raise BadSignature("The body is not the one that was signed: its SHA-256 is another one.")
        signed = [] if hashed is not None else parameters
    else:
        parameters = signed = _of_form(request.raw)
    if not any(_same(signature(each, signed, token), given) for each in _ports(url)):
        raise BadSignature("The signature does not fit the request; it is made with the account's auth token.")
    return dict(parameters)


def signature(url: str, parameters: Iterable[tuple[str, str]], token: str) -> str:
    said = url + "".join(name + value for name, value in sorted(set(parameters)))
    digest = hmac.new(token.encode(), said.encode("utf-8", "surrogatepass"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "surrogatepass"))


def _ports(url: str) -> tuple[str, str]:
    """The address without a port, and with one."""
    parts = urlsplit(url)
    if parts.port:
        bare = parts.netloc.rpartition(":")[0]
        return urlunsplit(parts._replace(netloc=bare)), url
    usual = 443 if parts.scheme == "https" else 80
    return url, urlunsplit(parts._replace(netloc=f"{parts.netloc}:{usual}"))


def _is_json(request: Posted) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _of_form(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        raise MalformedBody("This is no form of Twilio's.") from error


def _of_json(raw: bytes) -> list[tuple[str, str]]:
    """The members that are no objects, as a form would have them."""
    try:
        said: Any = from_json(raw)
    except ValueError as error:
        raise MalformedBody("The body is not valid JSON.") from error
    if not isinstance(said, Mapping) or len(said) > MOST_PARAMETERS:
        raise MalformedBody("The body is no JSON object of Twilio's.")
    return [(str(name), value if isinstance(value, str) else _plain(value)) for name, value in said.items()]


def _plain(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise MalformedBody("The members of a JSON body are texts and numbers.")
    return "" if value is None else str(value)
