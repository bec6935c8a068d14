"""Twilio: create, read and list messages of one account."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from .events import twilio_status
from .http import Reply, Request
from .mailbox import Content, Mail
from .simulation import Simulation
from .sms_segments import price, segments

MAX_BODY = 1600
MAX_MEDIA = 10
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# Twilio's magic test numbers and the error that each gives: https://www.twilio.com/docs/iam/test-credentials
_MAGIC = {
    "+15005550001": (21211, "is not a valid phone number."),
    "+15005550002": (21612, "is not currently reachable."),
    "+15005550003": (21408, "is in a region without permission."),
    "+15005550004": (21610, "is unsubscribed."),
    "+15005550009": (21614, "is not a mobile number."),
}
_MAGIC_SENDERS = {
    "+15005550001": (21212, "is not a valid phone number."),
    "+15005550007": (21606, "is not a phone number of your account."),
    "+15005550008": (21611, "has exceeded its queue of messages."),
}


def error(status: int, code: int, message: str) -> Reply:
    """Twilio's error shape."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply.json({"code": code, "message": message, "more_info": more, "status": status}, status)


def _refused(sim: Simulation, request: Request) -> Reply | None:
    sid, token = sim.config.twilio.account_sid, sim.twilio_token
    try:
        given = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic ")).decode()
    except (binascii.Error, UnicodeDecodeError):
        given = ""
    if not hmac.compare_digest(given.encode(), f"{sid}:{token}".encode()):
        return error(401, 20003, "Authenticate")
    if request.params["sid"] != sid:
        return error(404, 20404, f"The requested resource {request.path} was not found")
    return None


def create_message(sim: Simulation, request: Request) -> Reply:
    """POST …/Messages.json: 201 with the queued message."""
    if refused := _refused(sim, request):
        return refused
    fields = parse_qs(request.body.decode("utf-8", "replace"))
    form, media = {name: values[-1] for name, values in fields.items()}, fields.get("MediaUrl", [])
    if wrong := _unfit(sim, form, media):
        return wrong
    mail = outbound(sim, form["To"], form.get("Body", ""), media, form.get("From"), form.get("MessagingServiceSid"))
    if form.get("StatusCallback"):
        sim.callbacks_of[mail.message_id] = form["StatusCallback"]
        mail.headers.append(["StatusCallback", form["StatusCallback"]])
        mail.tags = _tags(form["StatusCallback"])
    sim.accept([mail], silent=request.is_silent)
    queued = {"status": "queued", "date_sent": None, "price": None, "error_code": None, "error_message": None}
    if mail.configuration_set and "From" not in form:
        queued["from"] = None  # the service chooses a number later
    return Reply.json(_resource(sim, mail) | queued, 201)


def _unfit(sim: Simulation, form: dict[str, str], media: list[str]) -> Reply | None:
    """Why Twilio does not take a message, in the order in which it looks."""
    to, sender = form.get("To", ""), form.get("From", "")
    if not to:
        return error(400, 21604, "A 'To' phone number is required.")
    if not _E164.fullmatch(to):
        return error(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if to in _MAGIC:
        return error(400, _MAGIC[to][0], f"The 'To' number {to} {_MAGIC[to][1]}")
    if not sender and not form.get("MessagingServiceSid"):
        return error(400, 21603, "A 'From' phone number is required.")
    if sender in _MAGIC_SENDERS:
        return error(400, _MAGIC_SENDERS[sender][0], f"The 'From' number {sender} {_MAGIC_SENDERS[sender][1]}")
    if not form.get("Body") and not media:
        return error(400, 21602, "Message body is required.")
    if len(form.get("Body", "")) > MAX_BODY:
        return error(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    if len(media) > MAX_MEDIA:
        return error(400, 21623, "The number of media files exceeds the limit of 10.")
    if not all(url.startswith(("http://", "https://")) for url in media):
        return error(400, 21620, "Invalid media URL(s)")
    number = sender or sim.config.twilio.number
    if (number, to) in sim.opted_out:
        return error(400, 21610, "Attempt to send to unsubscribed recipient")
    return None


def outbound(
    sim: Simulation, to: str, text: str, media: list[str], sender: str | None = None, service: str | None = None
) -> Mail:
    """A message of ours, not yet accepted. What a messaging service sends is from its number."""
    content = sim.mailbox.keep_content(Content("", "", text, literal=True))
    number = sender or sim.config.twilio.number
    mail = Mail("twilio", f"{'MM' if media else 'SM'}{secrets.token_hex(16)}", time.time(), number, [to], content)
    mail.configuration_set = service or ""
    mail.headers = [["MediaUrl", url] for url in media]
    return mail


def _tags(callback: str) -> dict[str, str]:
    """What the sender put into the path of its callback, so that messages can be found by send and counted by it, as
    mails can by the tags that their providers know."""
    parts = callback.rpartition("/")[2].split(".")
    return dict(zip(("send", "chunk", "attempt", "i", "contact"), parts, strict=True)) if len(parts) == 5 else {}


def get_message(sim: Simulation, request: Request) -> Reply:
    """GET …/Messages/<sid>.json."""
    if refused := _refused(sim, request):
        return refused
    mail = sim.mailbox.get(request.params["message"])
    if mail is None or mail.provider != "twilio":
        return error(404, 20404, f"The requested resource {request.path} was not found")
    return Reply.json(_resource(sim, mail))


def list_messages(sim: Simulation, request: Request) -> Reply:
    """GET …/Messages.json, newest first; `To`, `From`, `DateSent`, `DateSent>`, `DateSent<`, `PageSize`, `Page`."""
    if refused := _refused(sim, request):
        return refused
    query = request.query
    size, page = min(_number(query.get("PageSize"), 50), 1000), _number(query.get("Page"), 0)
    found = [mail for mail in reversed(sim.mailbox.every()) if mail.provider == "twilio" and _matches(mail, query)]
    shown = found[page * size : (page + 1) * size]

    def address(number: int) -> str:
        return f"{request.path}?{urlencode({**query, 'PageSize': size, 'Page': number})}"

    more = (page + 1) * size < len(found)
    return Reply.json(
        {
            "messages": [_resource(sim, mail) for mail in shown],
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": max(page * size + len(shown) - 1, 0),
            "uri": address(page),
            "first_page_uri": address(0),
            "next_page_uri": address(page + 1) if more else None,
            "previous_page_uri": address(page - 1) if page else None,
        }
    )


def _matches(mail: Mail, query: dict[str, str]) -> bool:
    at = datetime.fromtimestamp(mail.at, UTC)
    if ("To" in query and query["To"] not in mail.to) or ("From" in query and query["From"] != mail.sender):
        return False
    if "DateSent" in query and not at.isoformat().startswith(query["DateSent"][:10]):
        return False
    after, before = query.get("DateSent>"), query.get("DateSent<")
    return (not after or at >= _time(after)) and (not before or at <= _time(before))


def _time(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default


def _resource(sim: Simulation, mail: Mail) -> dict[str, Any]:
    """https://www.twilio.com/docs/messaging/api/message-resource#message-properties"""
    status, code = twilio_status(mail.happened[-1]) if mail.happened else ("sent", "")
    sid, date = sim.config.twilio.account_sid, format_datetime(datetime.fromtimestamp(mail.at, UTC))
    text, media = sim.mailbox.render(mail).text, sum(name == "MediaUrl" for name, _ in mail.headers)
    uri = f"/2010-04-01/Accounts/{sid}/Messages/{mail.message_id}"
    return {
        "sid": mail.message_id,
        "account_sid": sid,
        "messaging_service_sid": mail.configuration_set or None,
        "api_version": "2010-04-01",
        "to": mail.to[0],
        "from": mail.sender,
        "body": text,
        "status": status,
        "error_code": int(code) if code else None,
        "error_message": None,
        "direction": mail.tags.get("direction", "outbound-api"),
        "num_segments": str(segments(text)),
        "num_media": str(media),
        "price": f"-{price(mail.to[0], text, media):.5f}",
        "price_unit": "USD",
        "date_created": date,
        "date_updated": date,
        "date_sent": date,
        "uri": f"{uri}.json",
        "subresource_uris": {"media": f"{uri}/Media.json"},
    }
