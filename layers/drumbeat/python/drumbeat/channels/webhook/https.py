"""A signed POST to the address of a tenant's system, one a recipient.

What answers mean. Done: 2xx. Not done, because the receiver says so: 429 and 503 (tried again, `Retry-After` is
honoured), 3xx (nobody follows it) and any other 4xx (this recipient is refused; 401, 403 and 410 are about the account
and pause the send). Unknown: a time-out, a broken connection, any other 5xx: the receiver may have acted before it
failed. `webhook-id` stays the same whenever a message is sent again, so a receiver that keeps ids would see it once
whatever we did. But nothing shows us that it does, so doubt has the same states here as on every channel: it waits for
the end of the grace, and then the tenant's policy says whether it is sent again.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from drumbeat import channels, clock, egress, ids
from drumbeat.channels import Account, Call, Capacity, Checked, Message
from drumbeat.channels.outcomes import CallResult, CallState, Entry, Fate, asked_to_wait
from drumbeat.channels.webhook import canonical, signing
from drumbeat.channels.webhook.signing import BadSecret
from drumbeat.egress import Answer
from drumbeat.egress.addresses import Denied, allowed
from drumbeat.fields import Body

MOST_RECIPIENTS = 1
CREDENTIALS: tuple[str, ...] = ("signing_secrets",)
CALLS: tuple[str, ...] = ()
# Standard Webhooks: receivers may refuse more than 20 KB.
MOST_BODY = 20_000
MOST_PER_SECOND = 100
_OF_THE_ACCOUNT = frozenset({401, 403, 410})
PING = b'{"type":"ping"}'
_LATER = frozenset({429, 503})

ask = None


class Config(Body):
    """Where an account's messages go, and how many a second. The credential `signing_secrets` is one `whsec_…`, or,
    while it is being replaced, the new one and the old one with a comma between them."""

    url: Annotated[str, AfterValidator(allowed)]
    per_second: float = Field(default=10.0, gt=0, le=MOST_PER_SECOND)


CONFIG = Config


def capacity(account: Account) -> Capacity:
    return Capacity(Config.model_validate(account.config).per_second)


def fitting(call: Call) -> int:
    """One: each request is about one contact."""
    return 1


def send(call: Call) -> CallResult:
    """Send once, and say what the answer means."""
    message = call.messages[0]
    try:
        body = canonical.rewritten(call.whole(message).text).encode()
    except ValueError:
        return _rejected("text_is_no_json")
    if len(body) > MOST_BODY:
        return _rejected("text_too_long")
    try:
        return _meaning(_posted(call.account, _id(call, message), body))
    except Denied:
        return CallResult(CallState.ACCOUNT, reason="address_denied")
    except BadSecret:
        return CallResult(CallState.ACCOUNT, reason="bad_secret")
    except egress.Unreached as error:
        return CallResult(CallState.UNREACHABLE, reason=str(error))
    except egress.Unanswered as error:
        return CallResult(CallState.UNKNOWN, reason=str(error))


def _id(call: Call, message: Message) -> str:
    """The same whenever the message is sent; a test, which is nobody's message, has its claim's."""
    return channels.message_id(message.tags) or f"test_{call.claim}"


def _posted(account: Account, message_id: str, body: bytes) -> Answer:
    """Raises BadSecret, and what `egress.request` raises."""
    secrets = signing.secrets(account.credentials()["signing_secrets"])
    headers = signing.headers(secrets, message_id, clock.wall(), body)
    url = Config.model_validate(account.config).url
    return egress.request("POST", url, {"content-type": "application/json; charset=utf-8", **headers}, body)


def _meaning(answer: Answer) -> CallResult:
    status, reason = answer.status, f"http_{answer.status}"
    if 200 <= status < 300:
        return CallResult(CallState.ANSWERED, [Entry(Fate.ACCEPTED)])
    if status in _LATER:
        wait = asked_to_wait(answer.headers)
        return CallResult(CallState.THROTTLED, reason=reason, wait=wait, throttled=True)
    if status in _OF_THE_ACCOUNT:
        return CallResult(CallState.ACCOUNT, reason=reason)
    if status >= 500:
        return CallResult(CallState.UNKNOWN, reason=reason)
    return _rejected(reason)


def check(account: Account) -> Checked:
    """Send a request without a message, `{"type":"ping"}`, signed like others: the receiver should take it."""
    try:
        answer = _posted(account, ids.new("ping"), PING)
    except (Denied, BadSecret) as error:
        return Checked(False, str(error))
    except (egress.Unreached, egress.Unanswered) as error:
        return Checked(None, str(error))
    works = 200 <= answer.status < 300
    return Checked(works, f"The receiver answered {answer.status}" + ("." if works else ", not 2xx."))


def _rejected(reason: str) -> CallResult:
    return CallResult(CallState.ANSWERED, [Entry(Fate.REJECTED, reason=reason)], reason=reason)
