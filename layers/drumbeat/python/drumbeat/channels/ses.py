"""Amazon SES v2: SendBulkEmail with an inline template.

Limits (docs.aws.amazon.com/ses/latest/dg/quotas.html): 50 recipients a call, an inline template of 1 MB. SES
substitutes
`{{f0}}` without escaping HTML. Message tags may hold `[A-Za-z0-9_-]`, and come back in events.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

from drumbeat.aws import client
from drumbeat.channels.outcomes import CallResult, CallState, Entry, Fate

MOST_RECIPIENTS = 50
MOST_BYTES = 900_000
READ_TIMEOUT = 15
CONFIGURATION_SET = os.environ.get("CONFIGURATION_SET", "drumbeat")

# Answers for single entries (API_BulkEmailEntryResult).
_AGAIN = frozenset({"TRANSIENT_FAILURE", "ACCOUNT_THROTTLED"})
_ACCOUNT = frozenset({
    "ACCOUNT_SUSPENDED", "ACCOUNT_DAILY_QUOTA_EXCEEDED", "ACCOUNT_SENDING_PAUSED", "CONFIGURATION_SET_SENDING_PAUSED",
    "CONFIGURATION_SET_NOT_FOUND", "CONFIGURATION_SET_DOES_NOT_EXIST", "MAIL_FROM_DOMAIN_NOT_VERIFIED",
    "INVALID_SENDING_POOL_NAME",
})  # fmt: skip
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
        return CallResult(CallState.NOT_SENT, reason=type(error).__name__)
    except (ReadTimeoutError, ConnectionClosedError, HTTPClientError) as error:
        # The request may have arrived. Only its events, or the end of the grace, can tell.
        return CallResult(CallState.UNKNOWN, reason=type(error).__name__)
    results = answer["BulkEmailEntryResults"]
    account = [result for result in results if result["Status"] in _ACCOUNT]
    if account and len(account) == len(results):
        return CallResult(CallState.ACCOUNT, reason=account[0]["Status"])
    return CallResult(CallState.ANSWERED, [_entry(result) for result in results])


def _entry(result: dict[str, str]) -> Entry:
    status = result["Status"]
    if status == "SUCCESS":
        return Entry(Fate.ACCEPTED, message_id=result.get("MessageId"))
    fate = Fate.AGAIN if status in _AGAIN or status in _ACCOUNT else Fate.REJECTED
    return Entry(fate, reason=status.lower())


def _refused(error: ClientError) -> CallResult:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= 500:
        return CallResult(CallState.UNKNOWN, reason=code)
    if status == 429 or "Throttl" in code or code == "TooManyRequestsException":
        return CallResult(CallState.NOT_SENT, reason=code)
    if code in _CREDENTIALS:
        return CallResult(CallState.NOT_SENT, reason=code)
    unverified = "not verified" in error.response["Error"].get("Message", "")
    if (code in _CONTENT_ERRORS or status == 413) and not unverified:
        return CallResult(CallState.REFUSED, reason=code)
    return CallResult(CallState.ACCOUNT, reason="sender_not_verified" if unverified else code)


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]
