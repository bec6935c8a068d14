"""Amazon SES v2: SendBulkEmail and SendEmail."""

from __future__ import annotations

import base64
import binascii
import email
import email.policy
import json
import time
import uuid
from email.message import EmailMessage
from typing import Any

from . import ses_rules as rules
from .http import Reply, Request
from .mailbox import Content, Mail
from .ses_rules import EntryRefused, Refused
from .simulation import Simulation

THROTTLED = Refused("TooManyRequestsException", "Maximum sending rate exceeded.", 429)
DAILY_QUOTA = Refused("LimitExceededException", "Daily message quota exceeded.", 400, "ACCOUNT_DAILY_QUOTA_EXCEEDED")


def error(refused: Refused) -> Reply:
    """SES's error: the code in a header, the text in the body."""
    return Reply.json({"message": refused.message}, refused.status, {"x-amzn-ErrorType": refused.code})


def parse(sim: Simulation, request: Request) -> dict[str, Any]:
    """The JSON body; Refused when too large or not an object."""
    if len(request.body) > sim.config.ses.max_request_bytes:
        limit = sim.config.ses.max_request_bytes
        raise Refused("RequestEntityTooLargeException", f"Request size exceeds {limit} bytes.", 413)
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise Refused("SerializationException", "The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Refused("SerializationException", "The request body is not a JSON object.")
    return body


def message_id(now: float) -> str:
    """SES's form: milliseconds in hex, a UUID, a suffix."""
    return f"{int(now * 1000):016x}-{uuid.uuid4()}-000000"


def check_account(sim: Simulation, body: dict[str, Any]) -> tuple[str, str]:
    """Refuses what concerns the whole call; the sender and the configuration set."""
    sender = str(body.get("FromEmailAddress") or "")
    try:
        bare = rules.address(sender)
    except EntryRefused as refused:
        raise Refused("BadRequestException", f"From: {refused.message}") from None
    if not rules.verified(sender, identities(sim)):
        text = "Email address is not verified. The following identities failed the check in region"
        raise Refused("MessageRejected", f"{text} {sim.config.aws.region.upper()}: {bare}")
    configuration_set = str(body.get("ConfigurationSetName") or "")
    _check_sending(sim, bare.rpartition("@")[2], configuration_set)
    _check_tenant(sim, body, bare.lower(), configuration_set)
    if sim.quota.exhausted(sim.config.ses.max_send_rate, time.time()):
        raise THROTTLED
    return sender, configuration_set


def _check_sending(sim: Simulation, domain: str, configuration_set: str) -> None:
    """States of the account in which nothing is sent."""
    ses = sim.config.ses
    known = set(ses.configuration_sets) | sim.configuration_sets.keys()
    paused = "SendingPausedException"
    if ses.enforcement_status == "SHUTDOWN":
        text = "Your account's ability to send email has been permanently restricted."
        raise Refused("AccountSuspendedException", text, 400, "ACCOUNT_SUSPENDED")
    if not ses.sending_enabled:
        raise Refused(paused, "Email sending is paused for this account.", 400, "ACCOUNT_SENDING_PAUSED")
    if domain in ses.mail_from_unverified:
        code, status = "MailFromDomainNotVerifiedException", "MAIL_FROM_DOMAIN_NOT_VERIFIED"
        raise Refused(code, "The custom MAIL FROM domain is not verified.", 400, status)
    if configuration_set and known and configuration_set not in known:
        text = f"Configuration set <{configuration_set}> does not exist."
        raise Refused("NotFoundException", text, 404, "CONFIGURATION_SET_NOT_FOUND")
    if configuration_set in ses.paused_configuration_sets:
        text = f"Email sending is paused for configuration set {configuration_set}."
        raise Refused(paused, text, 400, "CONFIGURATION_SET_SENDING_PAUSED")
    if sim.quota.sent(time.time()) >= ses.max_24_hour_send:
        raise DAILY_QUOTA


def _check_tenant(sim: Simulation, body: dict[str, Any], sender: str, configuration_set: str) -> None:
    """A tenant sends only with what is associated with it."""
    name = str(body.get("TenantName") or "")
    if not name:
        return
    tenant = sim.tenants.get(name)
    if tenant is None:
        raise Refused("NotFoundException", f"Tenant {name} does not exist.", 404)
    own = {arn.rpartition(":")[2] for arn in tenant.resources}
    senders = {arn.removeprefix("identity/") for arn in own if arn.startswith("identity/")}
    if not rules.verified(sender, senders):
        raise Refused("BadRequestException", f"The identity of {sender} is not associated with the tenant {name}.")
    if configuration_set and f"configuration-set/{configuration_set}" not in own:
        raise Refused("BadRequestException", f"{configuration_set} is not associated with the tenant {name}.")


def identities(sim: Simulation) -> set[str]:
    """Verified addresses and domains, in lower case."""
    own = {name for name, identity in sim.identities.items() if identity.verified}
    return {name.lower() for name in sim.config.ses.verified} | own


def take_quota(sim: Simulation, recipients: list[str]) -> None:
    """Pays for the recipients; EntryRefused when the rate or the day is used up, or the sandbox forbids them."""
    ses = sim.config.ses
    if not ses.production_access:
        outside = [one for one in recipients if not rules.verified(one, identities(sim))]
        if outside:
            raise EntryRefused(f"Email address is not verified: {outside[0]}", "MESSAGE_REJECTED")
    match sim.quota.take(len(recipients), ses.max_send_rate, ses.max_24_hour_send, time.time()):
        case "rate":
            raise EntryRefused("Maximum sending rate exceeded.", "ACCOUNT_THROTTLED")
        case "daily":
            raise EntryRefused("Daily message quota exceeded.", "ACCOUNT_DAILY_QUOTA_EXCEEDED")


def send_bulk_email(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/outbound-bulk-emails."""
    body = parse(sim, request)
    entries = body.get("BulkEmailEntries")
    if not isinstance(entries, list) or not entries:
        raise Refused("BadRequestException", "BulkEmailEntries is required.")
    if len(entries) > rules.MAX_ENTRIES:
        raise Refused("BadRequestException", f"Destination count exceeds {rules.MAX_ENTRIES}.")
    try:
        sender, configuration_set = check_account(sim, body)
    except Refused as refused:
        if sim.config.ses.refuse_whole_call or not refused.entry_status:
            raise
        return _results([{"Status": refused.entry_status, "Error": refused.message} for _ in entries])
    content, parsed = _parsed(body, entries)
    bad = next((item for item in parsed if isinstance(item, EntryRefused)), None)
    if bad and sim.config.ses.refuse_whole_call:
        raise Refused("BadRequestException", bad.message)
    key = sim.mailbox.keep_content(content)
    shared = (sender, configuration_set, key, str(body.get("TenantName") or ""))
    failing = request.partial_failures(len(entries))
    return _results(_accept(sim, parsed, shared, failing, silent=request.is_silent))


def _results(results: list[dict[str, str]]) -> Reply:
    return Reply.json({"BulkEmailEntryResults": results})


def _parsed(body: dict[str, Any], entries: list[Any]) -> tuple[Content, list[Mail | EntryRefused]]:
    """The shared content, and for each entry its mail or why it is refused."""
    template = (body.get("DefaultContent") or {}).get("Template") or {}
    try:
        content = Content(*rules.inline_template(template), data=rules.template_data(template.get("TemplateData")))
        tags, headers = rules.tags(body.get("DefaultEmailTags")), rules.headers(template.get("Headers"))
    except EntryRefused as refused:
        raise Refused("BadRequestException", refused.message) from None
    return content, [_entry(entry, tags, headers) for entry in entries]


def _accept(
    sim: Simulation,
    parsed: list[Mail | EntryRefused],
    shared: tuple[str, str, str, str],
    failing: dict[int, str],
    *,
    silent: bool,
) -> list[dict[str, str]]:
    """Accept the good entries while the quota lasts; a result for each. `shared`: sender, set, content, tenant."""
    now = time.time()
    mails: list[Mail] = []
    results: list[dict[str, str]] = []
    for index, item in enumerate(parsed):
        try:
            if isinstance(item, EntryRefused):
                raise item
            if index in failing:
                raise EntryRefused("Scripted failure of this entry.", failing[index])
            take_quota(sim, item.recipients)
        except EntryRefused as refused:
            results.append({"Status": refused.status, "Error": refused.message})
            continue
        item.message_id, item.at = message_id(now), now
        item.sender, item.configuration_set, item.content, item.tenant = shared
        mails.append(item)
        results.append({"Status": "SUCCESS", "MessageId": item.message_id})
    sim.accept(mails, silent=silent)
    return results


def _entry(entry: Any, default_tags: dict[str, str], default_headers: list[list[str]]) -> Mail | EntryRefused:
    """The mail that the entry asks for, or why it is refused: a value, because the other entries go on."""
    try:
        if not isinstance(entry, dict):
            raise EntryRefused("An entry is an object.")
        to, cc, bcc = rules.recipients(entry.get("Destination"))
        replacement = (entry.get("ReplacementEmailContent") or {}).get("ReplacementTemplate") or {}
        data = rules.template_data(replacement.get("ReplacementTemplateData"))
        tags = default_tags | rules.tags(entry.get("ReplacementTags"))
        headers = rules.merged_headers(default_headers, rules.headers(entry.get("ReplacementHeaders")))
        return Mail("ses", "", 0.0, "", to, "", data=data, cc=cc, bcc=bcc, headers=headers, tags=tags)
    except EntryRefused as refused:
        return refused


def send_email(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/outbound-emails with simple, raw or inline template content."""
    body = parse(sim, request)
    content = body.get("Content") or {}
    if "Raw" in content and not body.get("FromEmailAddress"):
        body["FromEmailAddress"] = str(_mime(content).get("From", ""))
    sender, configuration_set = check_account(sim, body)
    try:
        if "Raw" in content:
            mail, text = _raw(body, _mime(content))
        elif "Simple" in content:
            mail, text = _simple(body, content["Simple"])
        else:
            template = content.get("Template") or {}
            mail, text = _addressed(body, template.get("Headers")), Content(*rules.inline_template(template))
            mail.data = rules.template_data(template.get("TemplateData"))
        take_quota(sim, mail.recipients)
    except EntryRefused as refused:
        raise _whole_call(refused) from None
    now = time.time()
    mail.message_id, mail.at, mail.sender = message_id(now), now, sender
    mail.configuration_set, mail.content = configuration_set, sim.mailbox.keep_content(text)
    mail.tenant = str(body.get("TenantName") or "")
    sim.accept([mail], silent=request.is_silent)
    return Reply.json({"MessageId": mail.message_id})


_WHOLE_CALL = {
    "ACCOUNT_THROTTLED": THROTTLED,
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": DAILY_QUOTA,
}


def _whole_call(refused: EntryRefused) -> Refused:
    if refused.status == "MESSAGE_REJECTED":
        return Refused("MessageRejected", refused.message)
    return _WHOLE_CALL.get(refused.status, Refused("BadRequestException", refused.message))


def _addressed(body: dict[str, Any], headers: Any) -> Mail:
    to, cc, bcc = rules.recipients(body.get("Destination"))
    tags = rules.tags(body.get("EmailTags"))
    return Mail("ses", "", 0.0, "", to, "", cc=cc, bcc=bcc, headers=rules.headers(headers), tags=tags)


def _simple(body: dict[str, Any], simple: dict[str, Any]) -> tuple[Mail, Content]:
    subject = (simple.get("Subject") or {}).get("Data")
    parts = simple.get("Body") or {}
    html, text = ((parts.get(kind) or {}).get("Data") or "" for kind in ("Html", "Text"))
    if not subject or not (html or text):
        raise EntryRefused("A subject and an HTML or text body are required.")
    return _addressed(body, simple.get("Headers")), Content(subject, html, text, literal=True)


def _mime(content: dict[str, Any]) -> EmailMessage:
    try:
        data = base64.b64decode((content.get("Raw") or {}).get("Data") or "", validate=True)
    except (binascii.Error, ValueError):
        raise Refused("BadRequestException", "Raw.Data is not base64.") from None
    return email.message_from_bytes(data, policy=email.policy.default)


def _raw(body: dict[str, Any], message: EmailMessage) -> tuple[Mail, Content]:
    if not body.get("Destination"):
        lists = {kind: [str(one) for one in message.get_all(kind, [])] for kind in ("To", "Cc", "Bcc")}
        split = {
            f"{kind}Addresses": [a.strip() for one in values for a in one.split(",")] for kind, values in lists.items()
        }
        body = body | {"Destination": split}
    mail = _addressed(body, None)
    skip = {"from", "to", "cc", "bcc", "subject", "mime-version", "content-type", "content-transfer-encoding"}
    mail.headers = [[name, str(value)] for name, value in message.items() if name.lower() not in skip]
    bodies = [message.get_body(preferencelist=(kind,)) for kind in ("html", "plain")]
    html, text = (str(part.get_content()) if part else "" for part in bodies)
    return mail, Content(str(message.get("Subject", "")), html, text, literal=True)
