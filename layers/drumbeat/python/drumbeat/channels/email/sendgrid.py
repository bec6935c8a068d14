"""SendGrid v3: one POST /v3/mail/send for up to 500 recipients, each with a personalization of its own.

The request's shape is the SDK's (github.com/sendgrid/sendgrid-python, helpers.mail). Limits, from
twilio.com/docs/sendgrid/api-reference/mail-send and its errors: 1,000 personalizations a request (we send at most 500,
so that what one request decides stays small), each address once, and 10,000 bytes of substitutions and of custom
arguments in a personalization. A message whose substitutions do not fit goes alone, with whole texts. Custom arguments
come back in events.
"""

import base64
import re
from collections.abc import Sequence
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from drumbeat.channels import Account, Call, Capacity, Checked, Message
from drumbeat.channels.email import sendgrid_api
from drumbeat.channels.email.sendgrid_api import Reply
from drumbeat.channels.outcomes import CallResult, CallState, Entry, Fate
from drumbeat.fields import Body

if TYPE_CHECKING:
    from sendgrid.helpers.mail import Mail, Personalization

MOST_RECIPIENTS = 500
MOST_SUBSTITUTIONS = 10_000  # bytes of a personalization
CREDENTIALS: tuple[str, ...] = ("api_key",)
CALLS: tuple[str, ...] = ()
# Messages may be made of templates that are kept there.
TEMPLATES = True
# Its activity feed is an add-on that not every account has: events tell what became of a mail.
ask = None

_DOMAIN = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$"
_ADDRESS = re.compile(r"[^\s<>\"',;]+@[^\s<>\"',;]+")
# What a whole request is told when the plan's mails are used up; the status is 401 all the same.
_CREDITS = "maximum credits exceeded"
_SENDER = "sender identity"


def _key(text: str) -> str:
    """The verification key as SendGrid's settings show it: a P-256 public key, SPKI DER, base64."""
    public_key(text)
    return text


class Config(Body):
    """What an account says of itself.

    Mail may come from addresses in `sender_domain`, or in domains below it. `verification_key` is the public key of its
    event webhook (Settings, Mail Settings, Event Webhook, Security features). `tracking` says whose pixel and links
    count: ours, which are in the mail already, or SendGrid's besides; who wants no tracking has neither.
    `messages_per_second` is what the plan allows.
    """

    sender_domain: Annotated[str, StringConstraints(to_lower=True, max_length=253, pattern=_DOMAIN)]
    ip_pool: Annotated[str, StringConstraints(min_length=2, max_length=64)] | None = None
    verification_key: Annotated[str, StringConstraints(max_length=500), AfterValidator(_key)] | None = None
    tracking: Literal["drumbeat", "sendgrid"] = "drumbeat"
    messages_per_second: float = Field(default=1000.0, gt=0, le=100_000)
    region: Literal["global", "eu"] = "global"


CONFIG = Config


def public_key(text: str) -> Any:
    """The key of a verification key's text. Raises ValueError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("must be the verification key as SendGrid shows it: base64 of a public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ValueError("must be a key on the curve P-256")
    return key


def capacity(account: Account) -> Capacity:
    """What the account says: SendGrid takes 10,000 requests a second, and tells no rate of messages."""
    return Capacity(Config.model_validate(account.config).messages_per_second)


def unfit_sender(account: Account, address: str) -> str | None:
    """Why mail must not come from this address over this account; None when it may."""
    domain, own = address.rpartition("@")[2].lower(), str(account.config.get("sender_domain"))
    if domain == own or domain.endswith(f".{own}"):
        return None
    return f"the provider account {account.id} sends from addresses in {own} only"


def fitting(call: Call) -> int:
    """How many of the call's messages, from the first, fit into one request; at least one."""
    few = call.messages[:MOST_RECIPIENTS]
    if call.said.get("provider_template"):
        return len(few)
    return next((max(1, number) for number, message in enumerate(few) if not _substitutable(message)), len(few))


def _substitutable(message: Message) -> bool:
    """Whether the fragments can be substitutions. SendGrid does not say in which order it makes them, so none may look
    like the place of another."""
    size = sum(len(_place(name)) + len(text.encode()) for name, text in message.fragments.items())
    return size <= MOST_SUBSTITUTIONS and not any("{{f" in text for text in message.fragments.values())


def _place(fragment: str) -> str:
    return f"{{{{{fragment}}}}}"


def send(call: Call) -> CallResult:
    """Send once, and say what the answer means. From a foreign domain nothing is sent."""
    if unfit_sender(call.account, parseaddr(call.sender)[1]):
        return CallResult(CallState.ACCOUNT, reason="sender_outside_domain")
    answer = sendgrid_api.ask(call.account, "POST", "/v3/mail/send", request(call))
    return answer if isinstance(answer, CallResult) else _meant(answer, call.messages)


def request(call: Call) -> dict[str, Any]:
    """The body of POST /v3/mail/send."""
    from sendgrid.helpers import mail as sdk

    name, address = parseaddr(call.sender)
    whole, config = sdk.Mail(), call.account.config
    whole.from_email = sdk.From(address, str(make_header(decode_header(name))) or None)
    if call.reply_to:
        reply_name, reply_address = parseaddr(call.reply_to)
        whole.reply_to = sdk.ReplyTo(reply_address, reply_name or None)
    if config.get("ip_pool"):
        whole.ip_pool_name = sdk.IpPoolName(config["ip_pool"])
    theirs = call.said.get("provider_template")
    tracked = call.tracked and (bool(theirs) or config.get("tracking") == "sendgrid")
    tracking = sdk.TrackingSettings()
    tracking.click_tracking = sdk.ClickTracking(tracked, tracked)
    tracking.open_tracking = sdk.OpenTracking(tracked)
    whole.tracking_settings = tracking
    if theirs:
        whole.template_id = sdk.TemplateId(str(theirs))
        fill: Filling = "template"
    else:
        fill = _contents(whole, call)
    for place, message in enumerate(call.messages):
        whole.add_personalization(_personalization(message, fill), place)  # without a place it would be the first
    body: dict[str, Any] = whole.get()
    return body


Filling = Literal["template", "substitutions", "whole"]


def _contents(whole: "Mail", call: Call) -> Filling:
    """Put the texts in, with places for substitutions; or, for one message that has too much of them, whole."""
    from sendgrid.helpers import mail as sdk

    alone = len(call.messages) == 1 and not _substitutable(call.messages[0])
    texts = call.whole(call.messages[0]) if alone else call.template
    whole.subject = sdk.Subject(texts.subject)
    # In the order that SendGrid asks for; an empty part is refused.
    for kind, text in (("text/plain", texts.text), ("text/html", texts.html)):
        if text:
            whole.add_content(sdk.Content(kind, text))
    return "whole" if alone else "substitutions"


def _personalization(message: Message, fill: Filling) -> "Personalization":
    from sendgrid.helpers import mail as sdk

    one = sdk.Personalization()
    one.add_to(sdk.To(message.to))
    for name, value in message.headers.items():
        one.add_header(sdk.Header(name, value))
    for name, value in message.tags.items():
        one.add_custom_arg(sdk.CustomArg(name, value))
    if fill == "template":
        one.dynamic_template_data = dict(message.values)
    elif fill == "substitutions":
        for name, text in message.fragments.items():
            one.add_substitution(sdk.Substitution(_place(name), text))
    return one


def _meant(answer: Reply, messages: Sequence[Message]) -> CallResult:
    """SendGrid takes a request whole or not at all."""
    status, reason = answer.status, _reason(answer)
    told = " ".join(message for _, message in answer.errors).lower()
    if 200 <= status < 300:
        entry = Entry(Fate.ACCEPTED, message_id=answer.headers.get("x-message-id"))
        return CallResult(CallState.ANSWERED, [entry] * len(messages))
    if status == 429:
        return CallResult(CallState.THROTTLED, reason=reason, wait=answer.wait, throttled=True)
    if _CREDITS in told:
        return CallResult(CallState.QUOTA, reason="maximum_credits_exceeded", wait=answer.wait, quota=True)
    if status in (400, 413):
        return CallResult(CallState.REFUSED, reason=reason)
    if 400 <= status < 500 and status != 408:
        return CallResult(CallState.ACCOUNT, reason="sender_not_verified" if _SENDER in told else reason)
    return CallResult(CallState.UNKNOWN, reason=reason)


def _reason(answer: Reply) -> str:
    """What was said, without the addresses that were said of."""
    for where, message in answer.errors:
        words = _ADDRESS.sub("…", message)
        return f"http_{answer.status}: {where}: {words}"[:200] if where else f"http_{answer.status}: {words}"[:200]
    return f"http_{answer.status}"


def check(account: Account) -> Checked:
    """Whether the key works and may send: SendGrid tells a key its scopes."""
    answer = sendgrid_api.ask(account, "GET", "/v3/scopes")
    if isinstance(answer, CallResult):
        return Checked(None, answer.reason)
    if answer.status in (401, 403):
        return Checked(False, "SendGrid does not know this key. Make one with the scope mail.send and put it in.")
    if answer.status != 200:
        return Checked(None, f"it answered {answer.status}")
    scopes = answer.data.get("scopes") if isinstance(answer.data, dict) else None
    if "mail.send" not in (scopes or ()):
        return Checked(False, "The key works, but it lacks the scope mail.send.")
    return Checked(True, "The key works and may send.")
