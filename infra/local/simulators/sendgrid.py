"""SendGrid v3: POST /v3/mail/send, and GET /v3/scopes.

Limits and words of refusals: twilio.com/docs/sendgrid/api-reference/mail-send/errors.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections import Counter
from typing import Any

from . import dynamic_templates
from .http import Reply, Request
from .mailbox import Content, Mail
from .ses_rules import EntryRefused, address
from .simulation import Simulation

MAX_PERSONALIZATIONS = 1000
MAX_RECIPIENTS = 1000
MAX_BYTES = 30 * 1024 * 1024
MAX_CUSTOM_ARGS_BYTES = 10_000
MAX_SUBSTITUTIONS_BYTES = 10_000
MAX_CATEGORIES = 10
_DYNAMIC = re.compile(r"d-[0-9a-f]{32}")
# Headers that a mail cannot have of its own (mail-send/errors, headers).
_RESERVED = frozenset({
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from",
    "subject", "reply-to", "cc", "bcc",
})  # fmt: skip
SCOPES = ("mail.send", "alerts.read", "stats.read")


class Bad(Exception):
    """A 400: the text and the field that it is about."""

    def __init__(self, message: str, field: str | None) -> None:
        super().__init__(message)
        self.message, self.field = message, field


def error(status: int, message: str, field: str | None = None) -> Reply:
    """SendGrid's error shape; a 429 says when it is over."""
    now = int(time.time())
    limits = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(now + 2)}
    body = {"errors": [{"message": message, "field": field, "help": None}]}
    return Reply.json(body, status, limits if status == 429 else None)


def _key(sim: Simulation, request: Request) -> str | None:
    """The request's API key, if it is one."""
    key = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    known = sim.config.sendgrid.api_keys
    return key if key and (not known or key in known) else None


def scopes(sim: Simulation, request: Request) -> Reply:
    """GET /v3/scopes: what the key may do."""
    if _key(sim, request) is None:
        return error(401, "authorization required")
    return Reply.json({"scopes": list(SCOPES)})


def mail_send(sim: Simulation, request: Request) -> Reply:
    """202 with X-Message-Id; 400 names the field; 401 without a known key, 403 from a domain that is not
    authenticated; 413 above 30 MB."""
    key = _key(sim, request)
    if key is None:
        return error(401, "The provided authorization grant is invalid, expired, or revoked")
    if len(request.body) > MAX_BYTES:
        return error(413, "The JSON payload you have included in your request is too large.")
    try:
        body = json.loads(request.body)
    except ValueError:
        return error(400, "Bad Request")
    try:
        mails, contents = parsed(body, sim.config.sendgrid.templates)
    except Bad as bad:
        return error(400, bad.message, bad.field)
    domains = sim.config.sendgrid.domains
    if domains and mails[0].sender.rpartition("@")[2] not in domains:
        text = "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is "
        return error(403, text + "resolved.", "from")
    if (body.get("mail_settings") or {}).get("sandbox_mode", {}).get("enable"):
        return Reply(status=200)
    identity, now = secrets.token_urlsafe(16), time.time()
    for index, (mail, content) in enumerate(zip(mails, contents, strict=True)):
        mail.content, mail.at, mail.account = sim.mailbox.keep_content(content), now, key
        mail.message_id = f"{identity}.recvd-{secrets.token_hex(6)}-{index}"
    sim.accept(mails, silent=request.is_silent)
    return Reply(status=202, headers={"X-Message-Id": identity})


def parsed(body: Any, templates: dict[str, dict[str, str]] | None = None) -> tuple[list[Mail], list[Content]]:
    """The mails of a request and what each says; `templates` are dynamic ones by id. Raises Bad."""
    if not isinstance(body, dict):
        raise Bad("Bad Request", None)
    groups = body.get("personalizations")
    if not isinstance(groups, list) or not groups:
        raise Bad(
            "The personalizations field is required and must have at least one personalization.", "personalizations"
        )
    if len(groups) > MAX_PERSONALIZATIONS:
        text = f"The personalization block is limited to {MAX_PERSONALIZATIONS} personalizations per API request."
        raise Bad(text, "personalizations")
    sender, template = _address(body.get("from"), "from.email"), _template(body)
    parts, shared = _content(body), _shared(body)
    mails, contents = [], []
    for index, group in enumerate(groups):
        mail = _personalization(shared, group, index, sender)
        subject = str(group.get("subject") or body.get("subject") or "")
        if not subject and not template:
            raise Bad("The subject is required. You can get around this requirement if you use a template.", "subject")
        mails.append(mail)
        if template and template.startswith("d-"):
            contents.append(_dynamic(template, (templates or {}).get(template), group, index, subject))
        else:
            contents.append(_substituted(subject, parts, _substitutions(group, index)))
    _limited(mails)
    return mails, contents


def _limited(mails: list[Mail]) -> None:
    if sum(len(mail.recipients) for mail in mails) > MAX_RECIPIENTS:
        text = f"There is a limit of {MAX_RECIPIENTS} total recipients (to + cc + bcc) per request."
        raise Bad(text, "personalizations")
    seen = Counter(one.lower() for mail in mails for one in mail.to)
    doubled = [one for one, count in seen.items() if count > 1]
    if doubled:
        text = "Each unique email address in the personalizations array should only be included once. "
        raise Bad(f"{text}You have included {doubled[0]} more than once.", "personalizations")


def _template(body: dict[str, Any]) -> str:
    """The template's id; a dynamic one begins with `d-`."""
    named = str(body.get("template_id") or "")
    if named.startswith("d-") and not _DYNAMIC.fullmatch(named):
        raise Bad(f"The template_id must be a valid GUID, you provided '{named}'.", "template_id")
    return named


def _shared(body: dict[str, Any]) -> dict[str, Any]:
    """What the request says for all of its mails."""
    categories = body.get("categories") or []
    if len(categories) > MAX_CATEGORIES:
        raise Bad(f"There is a limit of {MAX_CATEGORIES} categories per request.", "categories")
    if len(set(categories)) < len(categories):
        raise Bad("The category list must be unique.", "categories")
    asm = body.get("asm")
    if asm is not None and not isinstance(asm.get("group_id"), int):
        raise Bad("The asm.group_id parameter must be an integer.", "asm.group_id")
    return {
        "custom_args": body.get("custom_args") or {}, "headers": body.get("headers") or {}, "categories": categories,
        "group": asm and asm["group_id"],
    }  # fmt: skip


def _personalization(shared: dict[str, Any], group: Any, index: int, sender: str) -> Mail:
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
    args = {str(k): str(v) for k, v in (shared["custom_args"] | (group.get("custom_args") or {})).items()}
    if len(json.dumps(args)) > MAX_CUSTOM_ARGS_BYTES:
        raise Bad(f"custom_args must be less than {MAX_CUSTOM_ARGS_BYTES} bytes.", f"{where}.custom_args")
    headers = [[str(k), str(v)] for k, v in (shared["headers"] | (group.get("headers") or {})).items()]
    for name, _ in headers:
        if name.lower() in _RESERVED:
            raise Bad(f"The header '{name}' is reserved and cannot be set.", f"{where}.headers")
    mail = Mail("sendgrid", "", 0.0, sender, to, "", cc=cc, bcc=bcc, headers=headers, tags=args)
    mail.categories, mail.group = list(shared["categories"]), shared["group"]
    return mail


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
    kinds = [str(part.get("type")) for part in content]
    by_type = {kind: str(part.get("value") or "") for kind, part in zip(kinds, content, strict=True)}
    if content and not all(by_type.values()):
        raise Bad("The content value must be a string at least one character in length.", "content.0.value")
    if kinds != sorted(kinds, key=lambda kind: {"text/plain": 0, "text/html": 1}.get(kind, 2)):
        raise Bad("If present, text/plain and text/html may only be provided in this order.", "content")
    html, text = by_type.get("text/html", ""), by_type.get("text/plain", "")
    return html or (f"<p>Template {body['template_id']}</p>" if body.get("template_id") else ""), text


def _substitutions(group: dict[str, Any], index: int) -> dict[str, str]:
    found = group.get("substitutions") or {}
    where = f"personalizations.{index}.substitutions"
    if not all(isinstance(value, str) for value in found.values()):
        raise Bad("The substitutions values must be strings.", where)
    if sum(len(str(tag).encode()) + len(value.encode()) for tag, value in found.items()) > MAX_SUBSTITUTIONS_BYTES:
        raise Bad(f"The total size of substitutions must be less than {MAX_SUBSTITUTIONS_BYTES} bytes.", where)
    return dict(found)


def _substituted(subject: str, parts: tuple[str, str], substitutions: dict[str, str]) -> Content:
    html, text = parts
    for tag, value in substitutions.items():
        subject, html, text = (part.replace(tag, value) for part in (subject, html, text))
    return Content(subject, html, text, literal=True)


def _dynamic(template: str, known: dict[str, str] | None, group: dict[str, Any], index: int, subject: str) -> Content:
    """What a dynamic template says with the recipient's data; of one that is not configured, the data themselves."""
    if group.get("substitutions"):
        where = f"personalizations.{index}.substitutions"
        raise Bad("Substitutions may not be used with dynamic templating", where)
    data = group.get("dynamic_template_data") or {}
    if not isinstance(data, dict):
        raise Bad("The dynamic_template_data must be an object.", f"personalizations.{index}.dynamic_template_data")
    if known is None:
        return Content(subject, f"<p>Template {template}</p>", json.dumps(data), literal=True)
    said = {part: dynamic_templates.render(text, data, html=part == "html") for part, text in known.items()}
    return Content(said.get("subject") or subject, said.get("html", ""), said.get("text", ""), literal=True)
