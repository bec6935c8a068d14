"""Amazon SES v2: SendBulkEmail with an inline template.

Limits (docs.aws.amazon.com/ses/latest/dg/quotas.html): 50 recipients a call, an inline template of 1 MB. SES
substitutes
`{{f0}}` without escaping HTML. Message tags may hold `[A-Za-z0-9_-]`, and come back in events.
"""

import json
import os
from collections.abc import Mapping, Sequence

from botocore.exceptions import ClientError
from pydantic import BaseModel

from drumbeat.aws import client
from drumbeat.channels import Account, Call, Capacity, Message, amazon
from drumbeat.channels.outcomes import CallResult, CallState, Entry, Fate, asked_to_wait

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
# Refusals of a whole call for what is in it. Whatever else is refused says something about the account.
_CONTENT_ERRORS = frozenset({"BadRequestException", "MessageRejected", "RequestEntityTooLargeException"})


class Config(BaseModel):
    """Nothing: the deployment's account needs no more than its role."""


CONFIG = Config
CREDENTIALS: tuple[str, ...] = ()
CALLS = ("ses:SendBulkEmail",)
# SES cannot be asked what became of a mail; its events tell.
ask = None


def capacity(account: Account) -> Capacity:
    """What the deployment's account may send. Calls ses:GetAccount."""
    quota = client("sesv2").get_account()["SendQuota"]
    most = float(quota["Max24HourSend"])
    left = most - float(quota["SentLast24Hours"]) if most >= 0 else None  # -1: no daily limit
    return Capacity(max(0.1, float(quota["MaxSendRate"])), left)


def _entry_of(message: Message) -> dict[str, object]:
    return {
        "Destination": {"ToAddresses": [message.to]},
        "ReplacementTags": _pairs(message.tags),
        "ReplacementHeaders": _pairs(message.headers),
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": message.data}},
    }


def _at_most(message: Message) -> int:
    """More bytes than the entry can take, as JSON within JSON."""
    said = len(message.to) + sum(len(text) for pair in (message.headers, message.tags) for text in pair.values())
    return (2 if message.data.isascii() else 12) * len(message.data) + 6 * said + 1_000


def fitting(call: Call) -> int:
    """How many of these mails, from the first, fit into one call; at least one."""
    template = call.template
    room = MOST_BYTES - len((template.subject + template.html + template.text).encode())
    few = call.messages[:MOST_RECIPIENTS]
    if sum(map(_at_most, few)) <= room:
        return len(few)
    for number, message in enumerate(few):
        room -= len(json.dumps(_entry_of(message)).encode())
        if room < 0:
            return max(1, number)
    return len(few)


def send(call: Call) -> CallResult:
    """Send once, without a retry of the SDK's, and say what the answer means. `configuration_set` (the deployment's own
    unless said) and `provider_tenant` (SES's) in the call's route are those of the sending identity."""
    template, route = call.template, call.route
    request: dict[str, object] = {
        "FromEmailAddress": call.sender,
        "ConfigurationSetName": route.get("configuration_set") or CONFIGURATION_SET,
        "DefaultEmailTags": [],
        "DefaultContent": {
            "Template": {
                "TemplateContent": {"Subject": template.subject, "Html": template.html, "Text": template.text},
                "TemplateData": "{}",
            }
        },
        "BulkEmailEntries": [_entry_of(message) for message in call.messages],
    }
    if call.reply_to:
        request["ReplyToAddresses"] = [call.reply_to]
    if route.get("provider_tenant"):
        request["TenantName"] = route["provider_tenant"]
    ses = client("sesv2", tries=1, read_timeout=READ_TIMEOUT)
    answer = amazon.asked(lambda: ses.send_bulk_email(**request), _refused)
    return answer if isinstance(answer, CallResult) else _answered(answer["BulkEmailEntryResults"])


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
    if status < 500 and (_DAILY in message.lower() or code == "LimitExceededException"):
        wait = asked_to_wait(told.get("HTTPHeaders", {}))
        return CallResult(CallState.QUOTA, reason=code, wait=wait, quota=True)
    usual = amazon.usual(error)
    if usual is not None:
        return usual
    unverified = "not verified" in message
    if (code in _CONTENT_ERRORS or status == 413) and not unverified:
        return CallResult(CallState.REFUSED, reason=code)
    return CallResult(CallState.ACCOUNT, reason="sender_not_verified" if unverified else code)


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]
