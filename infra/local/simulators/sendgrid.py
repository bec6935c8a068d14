"""SendGrid v3: POST /v3/mail/send."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from typing import Any

from .http import Reply, Request
from .mailbox import Content, Mail
from .ses_rules import EntryRefused, address
from .simulation import Simulation

MAX_PERSONALIZATIONS = 1000
MAX_RECIPIENTS = 1000
MAX_BYTES = 30 * 1024 * 1024
MAX_CUSTOM_ARGS_BYTES = 10_000


class Bad(Exception):
    """A 400: the text and the field that it is about."""

    def __init__(self, message: str, field: str | None) -> None:
        super().__init__(message)
        self.message, self.field = message, field


def error(status: int, message: str, field: str | None = None) -> Reply:
    """SendGrid's error shape."""
    return Reply.json({"errors": [{"message": message, "field": field, "help": None}]}, status)


def mail_send(sim: Simulation, request: Request) -> Reply:
    """202 with X-Message-Id; 400 names the field; 401 without a known key; 413 above 30 MB."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    known = sim.config.sendgrid.api_keys
    if not key or (known and key not in known):
        return error(401, "The provided authorization grant is invalid, expired, or revoked")
    if len(request.body) > MAX_BYTES:
        return error(413, "The JSON payload you have included in your request is too large.")
    try:
        body = json.loads(request.body)
    except ValueError:
        return error(400, "Bad Request")
    try:
        mails, contents = _parse(body)
    except Bad as bad:
        return error(400, bad.message, bad.field)
    if (body.get("mail_settings") or {}).get("sandbox_mode", {}).get("enable"):
        return Reply(status=200)
    identity, now = secrets.token_urlsafe(16), time.time()
    for index, (mail, content) in enumerate(zip(mails, contents, strict=True)):
        mail.content, mail.at = sim.mailbox.keep_content(content), now
        mail.message_id = f"{identity}.recvd-{secrets.token_hex(6)}-{index}"
    sim.accept(mails, silent=request.is_silent)
    return Reply(status=202, headers={"X-Message-Id": identity})


def _parse(body: Any) -> tuple[list[Mail], list[Content]]:
    if not isinstance(body, dict):
        raise Bad("Bad Request", None)
    groups = body.get("personalizations")
    if not isinstance(groups, list) or not groups:
        raise Bad(
            "The personalizations field is required and must have at least one personalization.", "personalizations"
        )
    if len(groups) > MAX_PERSONALIZATIONS:
        raise Bad(f"At most {MAX_PERSONALIZATIONS} personalizations are allowed.", "personalizations")
    sender = _address(body.get("from"), "from.email")
    parts = _content(body)
    mails, contents = [], []
    for index, group in enumerate(groups):
        mail = _personalization(body, group, index, sender)
        subject = str(group.get("subject") or body.get("subject") or "")
        if not subject and not body.get("template_id"):
            raise Bad("The subject is required. You can get around this requirement if you use a template.", "subject")
        mails.append(mail)
        contents.append(_substituted(subject, parts, group.get("substitutions") or {}))
    if sum(len(mail.recipients) for mail in mails) > MAX_RECIPIENTS:
        raise Bad(f"The total number of recipients must not exceed {MAX_RECIPIENTS}.", "personalizations")
    return mails, contents


def _personalization(body: dict[str, Any], group: Any, index: int, sender: str) -> Mail:
    where = f"personalizations.{index}"
    if not isinstance(group, dict) or not group.get("to"):
        raise Bad("The to array is required for all personalization objects.", f"{where}.to")
    kinds = ("to", "cc", "bcc")
    to, cc, bcc = (
        [_address(one, f"{where}.{kind}.{place}.email") for place, one in enumerate(group.get(kind) or ())]
        for kind in kinds
    )
    doubled = [one for one, count in Counter(a.lower() for a in [*to, *cc, *bcc]).items() if count > 1]
    if doubled:
        text = "Each email address in the personalization block should be unique between to, cc, and bcc."
        raise Bad(f"{text} We found the following duplicates: {', '.join(doubled)}", where)
    args = {str(k): str(v) for k, v in ((body.get("custom_args") or {}) | (group.get("custom_args") or {})).items()}
    if len(json.dumps(args)) > MAX_CUSTOM_ARGS_BYTES:
        raise Bad(f"custom_args must be less than {MAX_CUSTOM_ARGS_BYTES} bytes.", f"{where}.custom_args")
    headers = [[str(k), str(v)] for k, v in ((body.get("headers") or {}) | (group.get("headers") or {})).items()]
    return Mail("sendgrid", "", 0.0, sender, to, "", cc=cc, bcc=bcc, headers=headers, tags=args)


def _address(value: Any, field: str) -> str:
    try:
        return address(value.get("email") if isinstance(value, dict) else None)
    except EntryRefused:
        raise Bad("Does not contain a valid address.", field) from None


def _content(body: dict[str, Any]) -> tuple[str, str]:
    """HTML and text."""
    content = body.get("content") or []
    if not content and not body.get("template_id"):
        raise Bad("Unless a valid template_id is provided, the content parameter is required.", "content")
    by_type = {str(part.get("type")): str(part.get("value") or "") for part in content}
    if content and not all(by_type.values()):
        raise Bad("The content value must be a string at least one character in length.", "content.0.value")
    html, text = by_type.get("text/html", ""), by_type.get("text/plain", "")
    return html or (f"<p>Template {body['template_id']}</p>" if body.get("template_id") else ""), text


def _substituted(subject: str, parts: tuple[str, str], substitutions: dict[str, Any]) -> Content:
    html, text = parts
    for tag, value in substitutions.items():
        subject, html, text = (part.replace(str(tag), str(value)) for part in (subject, html, text))
    return Content(subject, html, text, literal=True)
