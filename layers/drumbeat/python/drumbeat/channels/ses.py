"""Amazon SES v2: SendBulkEmail with an inline template.

Limits (docs.aws.amazon.com/ses/latest/dg/quotas.html): 50 recipients a call, an inline template of 1 MB. SES
substitutes
`{{f0}}` without escaping HTML. Message tags may hold `[A-Za-z0-9_-]`, and come back in events.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)

from drumbeat import clock
from drumbeat.aws import client
from drumbeat.channels.outcomes import CallResult, CallState, Entry, Fate

MOST_RECIPIENTS = 50
MOST_BYTES = 900_000
READ_TIMEOUT = 15
CONFIGURATION_SET = os.environ.get("CONFIGURATION_SET", "drumbeat")

# Answers for single entries (API_BulkEmailEntryResult).
_AGAIN = frozenset({"TRANSIENT_FAILURE", "ACCOUNT_THROTTLED"})
_ACCOUNT = frozenset({
    "ACCOUNT_SUSPENDED", "ACCOUNT_SENDING_PAUSED", "CONFIGURATION_SET_SENDING_PAUSED", "CONFIGURATION_SET_NOT_FOUND",
    "CONFIGURATION_SET_DOES_NOT_EXIST", "MAIL_FROM_DOMAIN_NOT_VERIFIED", "INVALID_SENDING_POOL_NAME",
})  # fmt: skip
_THROTTLED, _QUOTA = "ACCOUNT_THROTTLED", "ACCOUNT_DAILY_QUOTA_EXCEEDED"
# What a whole call is told when the day's quota is used up (dg/manage-sending-quotas-errors.html).
_DAILY = "daily message quota exceeded"
# The longest that a `Retry-After` is believed.
MOST_WAIT = timedelta(hours=1)
# Refusals of a whole call for what is in it. Whatever else is refused says something about the account.
_CONTENT_ERRORS = frozenset({"BadRequestException", "MessageRejected", "RequestEntityTooLargeException"})
# Credentials that were changed under us: the next try has new ones.
_CREDENTIALS = frozenset({"ExpiredTokenException", "ExpiredToken", "RequestExpired", "RequestTimeTooSkewed"})


@dataclass(frozen=True, slots=True)
class Template:
    """The static part of a send, with `{{f0}}`, `{{f1}}` … where something differs between recipients."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class Mail:
    """One recipient's part: address, fragments, headers and tags."""

    to: str
    fragments: dict[str, str]
    headers: dict[str, str]
    tags: dict[str, str]

    @cached_property
    def data(self) -> str:
        """The fragments as SES takes them."""
        return json.dumps(self.fragments, ensure_ascii=False, separators=(",", ":"))

    def at_most(self) -> int:
        """More bytes than the entry can take, as JSON within JSON."""
        said = len(self.to) + sum(len(text) for pair in (self.headers, self.tags) for text in pair.values())
        return (2 if self.data.isascii() else 12) * len(self.data) + 6 * said + 1_000

    def entry(self) -> dict[str, object]:
        return {
            "Destination": {"ToAddresses": [self.to]},
            "ReplacementTags": _pairs(self.tags),
            "ReplacementHeaders": _pairs(self.headers),
            "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": self.data}},
        }


def fitting(template: Template, mails: Sequence[Mail]) -> int:
    """How many of these mails, from the first, fit into one call; at least one."""
    room = MOST_BYTES - len((template.subject + template.html + template.text).encode())
    few = mails[:MOST_RECIPIENTS]
    if sum(mail.at_most() for mail in few) <= room:
        return len(few)
    for number, mail in enumerate(few):
        room -= len(json.dumps(mail.entry()).encode())
        if room < 0:
            return max(1, number)
    return min(len(mails), MOST_RECIPIENTS)


def send(
    sender: str,
    reply_to: str | None,
    template: Template,
    mails: Sequence[Mail],
    tags: dict[str, str] | None = None,
    *,
    configuration_set: str | None = None,
    tenant: str | None = None,
) -> CallResult:
    """Send once, without a retry of the SDK's, and say what the answer means. `configuration_set` (the deployment's own
    unless said) and `tenant` (SES's) are those of the sending identity."""
    request: dict[str, object] = {
        "FromEmailAddress": sender,
        "ConfigurationSetName": configuration_set or CONFIGURATION_SET,
        "DefaultEmailTags": _pairs(tags or {}),
        "DefaultContent": {
            "Template": {
                "TemplateContent": {"Subject": template.subject, "Html": template.html, "Text": template.text},
                "TemplateData": "{}",
            }
        },
        "BulkEmailEntries": [mail.entry() for mail in mails],
    }
    if reply_to:
        request["ReplyToAddresses"] = [reply_to]
    if tenant:
        request["TenantName"] = tenant
    try:
        answer = client("sesv2", tries=1, read_timeout=READ_TIMEOUT).send_bulk_email(**request)
    except ClientError as error:
        return _refused(error)
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        return CallResult(CallState.UNREACHABLE, reason=type(error).__name__)
    except (ReadTimeoutError, ConnectionClosedError, SSLError, HTTPClientError) as error:
        # The request may have arrived. Only its events, or the end of the grace, can tell.
        return CallResult(CallState.UNKNOWN, reason=type(error).__name__)
    return _answered(answer["BulkEmailEntryResults"])


def _answered(results: Sequence[Mapping[str, str]]) -> CallResult:
    statuses = {result["Status"] for result in results}
    if statuses and statuses <= _ACCOUNT:
        return CallResult(CallState.ACCOUNT, reason=results[0]["Status"])
    if statuses == {_QUOTA}:
        return CallResult(CallState.QUOTA, reason=_QUOTA, quota=True)
    entries = [_entry(result) for result in results]
    told = ", ".join(sorted(statuses & {_THROTTLED, _QUOTA}))
    return CallResult(CallState.ANSWERED, entries, told, throttled=_THROTTLED in statuses, quota=_QUOTA in statuses)


def _entry(result: Mapping[str, str]) -> Entry:
    status = result["Status"]
    if status == "SUCCESS":
        return Entry(Fate.ACCEPTED, message_id=result.get("MessageId"))
    fate = Fate.AGAIN if status in _AGAIN or status in _ACCOUNT or status == _QUOTA else Fate.REJECTED
    return Entry(fate, reason=status.lower())


def _refused(error: ClientError) -> CallResult:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    told = error.response.get("ResponseMetadata", {})
    status = told.get("HTTPStatusCode", 0)
    wait = asked_to_wait(told.get("HTTPHeaders", {}))
    if status >= 500:
        return CallResult(CallState.UNKNOWN, reason=code)
    if _DAILY in message.lower() or code == "LimitExceededException":
        return CallResult(CallState.QUOTA, reason=code, wait=wait, quota=True)
    if status == 429 or "Throttl" in code or code == "TooManyRequestsException":
        return CallResult(CallState.THROTTLED, reason=code, wait=wait, throttled=True)
    if code in _CREDENTIALS:
        return CallResult(CallState.NOT_SENT, reason=code)
    unverified = "not verified" in message
    if (code in _CONTENT_ERRORS or status == 413) and not unverified:
        return CallResult(CallState.REFUSED, reason=code)
    return CallResult(CallState.ACCOUNT, reason="sender_not_verified" if unverified else code)


def asked_to_wait(headers: Mapping[str, str]) -> timedelta | None:
    """What `Retry-After` says, in seconds or as a date (RFC 9110, 10.2.3); None for none, or one that is no such."""
    text = {name.lower(): value for name, value in headers.items()}.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        wanted = timedelta(seconds=int(text))
    else:
        try:
            wanted = parsedate_to_datetime(text) - clock.wall()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(timedelta(0), min(wanted, MOST_WAIT))


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]
