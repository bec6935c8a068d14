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

MAX_BODY = 1600
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# Twilio's magic test numbers and the error that each gives: https://www.twilio.com/docs/iam/test-credentials
_MAGIC = {
    "+15005550001": (21211, "is not a valid phone number."),
    "+15005550002": (21612, "is not currently reachable."),
    "+15005550003": (21408, "is in a region without permission."),
    "+15005550004": (21610, "is unsubscribed."),
    "+15005550009": (21614, "is not a mobile number."),
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
    form = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
    to, sender = form.get("To", ""), form.get("From") or form.get("MessagingServiceSid") or ""
    if not to:
        return error(400, 21604, "A 'To' phone number is required.")
    if not _E164.fullmatch(to):
        return error(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if to in _MAGIC:
        return error(400, _MAGIC[to][0], f"The 'To' number {to} {_MAGIC[to][1]}")
    if not sender:
        return error(400, 21603, "A 'From' phone number is required.")
    text = form.get("Body", "")
    if not text:
        return error(400, 21602, "Message body is required.")
    if len(text) > MAX_BODY:
        return error(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    if (sender, to) in sim.opted_out:
        return error(400, 21610, "Attempt to send to unsubscribed recipient")
    content = sim.mailbox.keep_content(Content("", "", text, literal=True))
    mail = Mail("twilio", f"SM{secrets.token_hex(16)}", time.time(), sender, [to], content)
    if form.get("StatusCallback"):
        sim.callbacks_of[mail.message_id] = form["StatusCallback"]
        mail.headers = [["StatusCallback", form["StatusCallback"]]]
    sim.accept([mail], silent=request.is_silent)
    return Reply.json(_resource(sim, mail) | {"status": "queued"}, 201)


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
    more = (page + 1) * size < len(found)
    following = f"{request.path}?{urlencode({**query, 'PageSize': size, 'Page': page + 1})}" if more else None
    items = [_resource(sim, mail) for mail in shown]
    return Reply.json(
        {"messages": items, "page": page, "page_size": size, "next_page_uri": following, "uri": request.path}
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
    status, code = twilio_status(mail.happened[-1]) if mail.happened else ("sent", "")
    sid, date = sim.config.twilio.account_sid, format_datetime(datetime.fromtimestamp(mail.at, UTC))
    return {
        "sid": mail.message_id,
        "account_sid": sid,
        "api_version": "2010-04-01",
        "to": mail.to[0],
        "from": mail.sender,
        "body": sim.mailbox.render(mail).text,
        "status": status,
        "error_code": int(code) if code else None,
        "error_message": None,
        "direction": "outbound-api",
        "num_segments": "1",
        "date_created": date,
        "date_updated": date,
        "date_sent": date,
        "uri": f"/2010-04-01/Accounts/{sid}/Messages/{mail.message_id}.json",
    }
