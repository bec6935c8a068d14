"""Twilio: SMS and MMS, one message a call.

Creating a message is not idempotent (twilio.com/docs/api/errors/20500), so there are no retries here. Twilio reports to
`StatusCallback`, whose path carries our tags; it cannot carry them in a query, which function URLs write anew. What
was in doubt is settled by asking: the list of messages to a number is the truth of what was accepted.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from drumbeat import clock
from drumbeat.channels import Account, Call, Capacity, Checked, Message, Question, imprint
from drumbeat.channels.outcomes import CallResult, CallState, Entry, Fate, asked_to_wait
from drumbeat.channels.sms import twilio_api, twilio_errors
from drumbeat.channels.sms.prices import SmsPrices
from drumbeat.fields import FieldNeeded

if TYPE_CHECKING:
    from twilio.http.response import Response

MOST_RECIPIENTS = 1
CREDENTIALS: tuple[str, ...] = ("auth_token",)
CALLS: tuple[str, ...] = ()
MOST_BODY = 1600  # characters (error 21617)
MOST_MEDIA = 10  # twilio.com/docs/messaging/api/message-resource: up to ten MediaUrl
# How many messages to one number, newest first, are looked through for one in doubt.
LISTED = 100
# Clocks differ, and Twilio gives times to the second.
SKEW = timedelta(seconds=10)
# Wall time after which a request that was not answered in time is not carried out any more.
IN_FLIGHT = timedelta(seconds=40)


_Sid = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[0-9a-fA-F]{32}$")]
_Sender = Annotated[str, StringConstraints(pattern=r"^(\+[1-9]\d{6,14}|\d{3,8}|[A-Za-z0-9 &_+-]{2,11})$")]


class Config(BaseModel):
    """What an account says of itself.

    Messages leave by `messaging_service_sid`, or from `from_number` (E.164, a short code, or a sender's name of up to
    11 letters). `per_second` is what its senders may send together (10DLC and toll-free numbers differ:
    twilio.com/docs/messaging/guides/rate-limits), `per_day` what a carrier allows in a day (of UTC), if that
    is limited.

    Status callbacks go to the API's address, or to `status_url`, which is cheaper: the URL of the function
    `feedback.receive_twilio_status`. `answers` says who answers STOP, START and HELP: `drumbeat`, or `twilio`, where
    its own handling of such words is switched on. With `prices` the account serves the destinations in them: it carries
    what it is the cheapest for, also while the settings choose another one (drumbeat.channels.sms.prices).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_sid: _Sid = Field(pattern="^AC")
    messaging_service_sid: _Sid | None = Field(default=None, pattern="^MG")
    from_number: _Sender | None = None
    per_second: float = Field(default=1.0, gt=0, le=1000)
    per_day: int | None = Field(default=None, ge=1)
    status_url: Annotated[str, StringConstraints(max_length=500)] | None = None
    answers: Literal["drumbeat", "twilio"] = "drumbeat"
    prices: SmsPrices = ()

    @field_validator("status_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "https://example.com")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be an address of the web without a query, such as the URL of the function")
        return value and value.rstrip("/")

    @model_validator(mode="after")
    def _sender(self) -> "Config":
        if not self.messaging_service_sid and not self.from_number:
            raise FieldNeeded("messaging_service_sid", "is needed, or from_number: what messages are sent from")
        return self


CONFIG = Config


def capacity(account: Account) -> Capacity:
    """What the account says: Twilio queues what comes faster, for ten hours at most, and tells no rate."""
    said = Config.model_validate(account.config)
    return Capacity(said.per_second, a_day=None if said.per_day is None else float(said.per_day))


def fitting(call: Call) -> int:
    """One: a message of Twilio's has one recipient."""
    return 1


def send(call: Call) -> CallResult:
    """Send once, and say what the answer means."""
    return _posted(call.account, _form(call, call.messages[0]))


def _form(call: Call, message: Message) -> dict[str, object]:
    """The parameters of twilio.com/docs/messaging/api/message-resource#create-a-message-resource."""
    said = Config.model_validate(call.account.config)
    media = [str(url) for url in call.said.get("media_urls") or ()][:MOST_MEDIA]
    form = {
        "To": message.to,
        "From": call.said.get("sender_id") or said.from_number,
        "MessagingServiceSid": said.messaging_service_sid,
        "Body": call.whole(message).text or None,
        "MediaUrl": media or None,
        "StatusCallback": status_callback(call.account, said, message.tags),
    }
    return {name: value for name, value in form.items() if value}


def status_callback(account: Account, said: Config, tags: Mapping[str, str]) -> str | None:
    """Where Twilio is to report about the message of these tags: the account's address, and the tags behind it. None
    for a message that is nobody's, as a test is."""
    named = reference(tags)
    if not account.callback_url or named is None:
        return None
    callback = account.callback_url.rsplit("/", 1)[1]
    base = f"{said.status_url}/{callback}" if said.status_url else account.callback_url
    return f"{base}/{named}"


# The tags in the order of the path's last part, which has only characters that nobody encodes.
_TAGS = ("send", "chunk", "attempt", "i", "contact")


def reference(tags: Mapping[str, str]) -> str | None:
    """A message's tags as one part of a path; None when one is missing, or for a test."""
    if tags.get("test") or any(not tags.get(name) for name in _TAGS):
        return None
    return ".".join(tags[name] for name in _TAGS)


def tags_of(named: str) -> dict[str, str]:
    """The tags of such a part; empty for any other."""
    values = named.split(".")
    return dict(zip(_TAGS, values, strict=True)) if len(values) == len(_TAGS) else {}


def _posted(account: Account, form: dict[str, object]) -> CallResult:
    import requests
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    try:
        answer = _messages(account, "POST", data=form)
    except requests.exceptions.ConnectionError as error:
        cause = getattr(next(iter(error.args), None), "reason", None)
        # Only these two say that there was no connection; a name that cannot be resolved is one of them.
        never = isinstance(cause, NewConnectionError | ConnectTimeoutError)
        return CallResult(CallState.UNREACHABLE if never else CallState.UNKNOWN, reason=type(cause or error).__name__)
    except requests.exceptions.RequestException as error:
        return CallResult(CallState.UNKNOWN, reason=type(error).__name__)
    said = _json(answer)
    if 200 <= answer.status_code < 300:
        return CallResult(CallState.ANSWERED, [Entry(Fate.ACCEPTED, message_id=_text(said.get("sid")))])
    return _refused(answer, said)


def _refused(answer: "Response", said: Mapping[str, Any]) -> CallResult:
    status, code = answer.status_code, twilio_errors.code_of(said.get("code"))
    wait = asked_to_wait(dict(answer.headers or {}))
    if status >= 500:
        return CallResult(CallState.UNKNOWN, reason=f"{code or status}")
    if code in twilio_errors.QUOTA:
        return CallResult(CallState.QUOTA, reason=str(code), wait=wait, quota=True)
    if status == 429 or code in twilio_errors.THROTTLED:
        return CallResult(CallState.THROTTLED, reason=str(code or status), wait=wait, throttled=True)
    if status in (401, 403, 404) or code in twilio_errors.ACCOUNT:
        return CallResult(CallState.ACCOUNT, reason=str(code or status))
    why = twilio_errors.reason_of(code) or str(status)
    opted_out, gone = code == twilio_errors.OPTED_OUT, code in twilio_errors.DEAD
    entry = Entry(Fate.REJECTED, reason=why, opted_out=opted_out, gone=gone)
    return CallResult(CallState.ANSWERED, [entry], reason=entry.reason or "")


def ask(account: Account, questions: Sequence[Question]) -> dict[int, Entry]:
    """What became of messages in doubt, by position. One that Twilio does not have was not sent, once its request can
    be on its way no more. Nothing about those of which Twilio did not tell.

    The list is asked by number only. Twilio filters by `DateSent`, which a message that waits in its queue does not
    have yet; so the newest ones are read, and those from before the doubt are left out here.
    """
    found: dict[int, Entry] = {}
    taken: set[str] = set()
    for place, question in enumerate(questions):
        listed = _listed(account, question)
        if listed is None:
            continue
        may_be = [str(message.get("sid")) for message in listed if _may_be(message, question)]
        mine = next((sid for sid in may_be if sid not in taken and not question.of_another(sid)), None)
        if mine:
            taken.add(mine)
            found[place] = Entry(Fate.ACCEPTED, message_id=mine)
        elif clock.wall() >= question.since + IN_FLIGHT and _goes_back_to(question, listed):
            found[place] = Entry(Fate.AGAIN)
    return found


def _listed(account: Account, question: Question) -> list[dict[str, Any]] | None:
    """The newest messages to the number in question, oldest first; None when Twilio did not tell."""
    answer = _read(account, To=question.to, PageSize=str(LISTED))
    said = _json(answer) if answer is not None and answer.status_code == 200 else {}
    if not isinstance(said.get("messages"), list):
        return None
    return [message for message in reversed(said["messages"]) if isinstance(message, dict)]


def _may_be(message: Mapping[str, Any], question: Question) -> bool:
    outbound = str(message.get("direction", "")).startswith("outbound")
    recent = not _is_before(message, question)
    return outbound and recent and imprint(str(message.get("body") or "")) == question.imprint


def _goes_back_to(question: Question, listed: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the list has all messages since the doubt: another one may stand on its next page."""
    return len(listed) < LISTED or _is_before(listed[0], question)


def _is_before(message: Mapping[str, Any], question: Question) -> bool:
    """Whether a message was made before the doubt; one without a time may be the one in question."""
    try:
        return parsedate_to_datetime(str(message.get("date_created"))) < question.since - SKEW
    except ValueError:
        return False


def check(account: Account) -> Checked:
    """Whether the token works: it may read the account's messages."""
    answer = _read(account, PageSize="1")
    if answer is None:
        return Checked(None, "it does not answer")
    if answer.status_code in (401, 403, 404):
        return Checked(
            False, "Twilio does not know this account_sid with this auth_token; the primary token is needed."
        )
    if answer.status_code != 200:
        return Checked(None, f"it answered {answer.status_code}")
    return Checked(True, "The account_sid and the auth_token work.")


def _read(account: Account, **params: str) -> "Response | None":
    """The account's messages by these parameters; None for no answer."""
    import requests

    try:
        return _messages(account, "GET", params=params)
    except requests.exceptions.RequestException:
        return None


def _messages(account: Account, method: str, **what: Any) -> "Response":
    return twilio_api.messages(account, Config.model_validate(account.config).account_sid, method, **what)


def _json(answer: "Response") -> dict[str, Any]:
    try:
        said = json.loads(answer.text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
