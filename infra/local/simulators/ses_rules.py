"""What SES refuses, as pure functions. Limits: the SES v2 API reference and https://docs.aws.amazon.com/ses/latest/dg/quotas.html"""

from __future__ import annotations

import json
import re
from email.utils import parseaddr
from typing import Any

MAX_ENTRIES = 50
MAX_RECIPIENTS = 50
MAX_TEMPLATE_BYTES = 1024 * 1024
MAX_DATA_LENGTH = 262_144
MAX_HEADERS = 15

# What an entry of a bulk call that was not accepted may be told (SES v2 API reference, BulkEmailEntryResult).
FAILURES = (
    "MESSAGE_REJECTED", "MAIL_FROM_DOMAIN_NOT_VERIFIED", "CONFIGURATION_SET_NOT_FOUND", "TEMPLATE_NOT_FOUND",
    "ACCOUNT_SUSPENDED", "ACCOUNT_THROTTLED", "ACCOUNT_DAILY_QUOTA_EXCEEDED", "INVALID_SENDING_POOL_NAME",
    "ACCOUNT_SENDING_PAUSED", "CONFIGURATION_SET_SENDING_PAUSED", "INVALID_PARAMETER", "TRANSIENT_FAILURE", "FAILED",
)  # fmt: skip

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_HEADER_NAME = re.compile(r"[!-9;-@A-~]{1,126}")
_HEADER_VALUE = re.compile(r"[ -~]{1,995}")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*|\"[ -~]+\"")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
# Set from the request's own fields; SES refuses them as custom headers.
_RESERVED_HEADERS = {
    "bcc",
    "cc",
    "content-transfer-encoding",
    "content-type",
    "date",
    "from",
    "message-id",
    "mime-version",
}
_RESERVED_HEADERS |= {"reply-to", "return-path", "sender", "subject", "to"}


class Refused(Exception):
    """An error of the whole call: `code` as botocore knows it.

    Where a bulk call may say the same for each entry instead, `entry_status` is that BulkEmailStatus.
    """

    def __init__(self, code: str, message: str, status: int = 400, entry_status: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.entry_status = code, message, status, entry_status


class EntryRefused(Exception):
    """An error of one bulk entry: `status` is its BulkEmailStatus."""

    def __init__(self, message: str, status: str = "INVALID_PARAMETER") -> None:
        super().__init__(message)
        self.message, self.status = message, status


def address(value: Any) -> str:
    """The bare address of `a@b` or `Name <a@b>`; EntryRefused when SES would not take it."""
    if not isinstance(value, str) or not value.strip():
        raise EntryRefused("Illegal address")
    bare = value if "<" not in value and " " not in value else parseaddr(value)[1]
    local, at, domain = bare.rpartition("@")
    if not at:
        raise EntryRefused("Missing final '@domain'")
    if not local.isascii():
        raise EntryRefused("Local address contains non-ASCII characters")
    if len(local) > 64 or not _LOCAL.fullmatch(local):
        raise EntryRefused("Local address contains control or whitespace")
    if not domain.isascii():
        raise EntryRefused("Domain contains illegal character")
    if len(domain) > 255 or not _DOMAIN.fullmatch(domain):
        raise EntryRefused("Domain contains dot-less, empty or illegal labels")
    return bare


def recipients(destination: Any) -> tuple[list[str], list[str], list[str]]:
    """To, cc and bcc, at least one and at most 50 together."""
    if not isinstance(destination, dict):
        raise EntryRefused("Destination is missing.")
    to, cc, bcc = ([address(one) for one in destination.get(f"{kind}Addresses") or ()] for kind in ("To", "Cc", "Bcc"))
    count = len(to) + len(cc) + len(bcc)
    if not count:
        raise EntryRefused("At least one recipient is required.")
    if count > MAX_RECIPIENTS:
        raise EntryRefused(f"Recipient count exceeds {MAX_RECIPIENTS}.")
    return to, cc, bcc


def tags(items: Any) -> dict[str, str]:
    """Name → value of message tags."""
    found: dict[str, str] = {}
    for item in items or ():
        name, value = item.get("Name"), item.get("Value")
        for part in (name, value):
            if not isinstance(part, str) or not _TAG.fullmatch(part):
                raise EntryRefused(
                    f"Invalid tag {str(name)[:80]!r}: names and values have 1 to 256 of A-Z, a-z, 0-9, _ and -."
                )
        found[name] = value
    return found


def headers(items: Any) -> list[list[str]]:
    """Custom headers, at most 15, ASCII, name and value together at most 996 characters."""
    items = items or ()
    if len(items) > MAX_HEADERS:
        raise EntryRefused(f"Too many headers: at most {MAX_HEADERS}.")
    found = []
    for item in items:
        name, value = item.get("Name"), item.get("Value")
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise EntryRefused(f"Invalid header name {str(name)[:80]!r}.")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value) or len(name) + len(value) > 996:
            raise EntryRefused(f"Invalid header value of {name!r}.")
        if name.lower() in _RESERVED_HEADERS:
            raise EntryRefused(f"Header {name!r} is set by the request's own fields.")
        found.append([name, value])
    return found


def merged_headers(default: list[list[str]], own: list[list[str]]) -> list[list[str]]:
    """The entry's headers replace default ones of the same name."""
    if not default:
        return own
    names = {name.lower() for name, _ in own}
    return [header for header in default if header[0].lower() not in names] + own


def template_data(value: Any) -> str:
    """The JSON object of template data as it came; `{}` when absent."""
    if value is None or value == "":
        return "{}"
    if not isinstance(value, str) or len(value) > MAX_DATA_LENGTH:
        raise EntryRefused(f"Template data is a string of at most {MAX_DATA_LENGTH} characters.")
    try:
        parsed = json.loads(value)
    except ValueError:
        raise EntryRefused("Invalid template data: not a JSON object.") from None
    if not isinstance(parsed, dict):
        raise EntryRefused("Invalid template data: not a JSON object.")
    return value


def inline_template(template: dict[str, Any]) -> tuple[str, str, str]:
    """Subject, HTML and text of an inline template of at most 1 MB."""
    content = template.get("TemplateContent")
    if not isinstance(content, dict):
        name = template.get("TemplateName") or template.get("TemplateArn") or ""
        raise Refused("NotFoundException", f"Template {name} does not exist.", 404)
    subject, html, text = (content.get(part) or "" for part in ("Subject", "Html", "Text"))
    if not subject or not (html or text):
        raise Refused("BadRequestException", "A template needs a subject and an HTML or text part.")
    size = sum(len(part.encode("utf-8", "surrogatepass")) for part in (subject, html, text))
    if size > MAX_TEMPLATE_BYTES:
        raise Refused("BadRequestException", f"Template size {size} exceeds the limit of {MAX_TEMPLATE_BYTES} bytes.")
    return subject, html, text


def verified(address_or_header: str, identities: set[str]) -> bool:
    """The address itself, its domain or a parent domain is a verified identity."""
    bare = parseaddr(address_or_header)[1].lower()
    domain = bare.rpartition("@")[2]
    labels = domain.split(".")
    parents = {".".join(labels[start:]) for start in range(len(labels))}
    return bool(({bare} | parents) & identities)
