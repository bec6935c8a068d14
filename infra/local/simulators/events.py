"""How SES, SendGrid and Twilio word what happened to a message.

SES: the records of https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
"""

from __future__ import annotations

import base64
import uuid
from datetime import UTC, datetime
from typing import Any

from .mailbox import Happening, Mail
from .signing import stamp

ACCOUNT = "000000000000"
_NAMESPACE = uuid.UUID("6f1f6b0e-5b7e-4f0e-9e52-3d8c2f0f2c11")


def ses(mail: Mail, happening: Happening, subject: str) -> dict[str, Any]:
    """The event as SES publishes it for a configuration set."""
    at = stamp(datetime.fromtimestamp(happening.at, UTC))
    event: dict[str, Any] = {"eventType": happening.kind, "mail": _ses_mail(mail, subject)}
    feedback = f"{mail.message_id[:16]}-{uuid.uuid5(_NAMESPACE, mail.message_id + happening.kind)}-000000"
    match happening.kind:
        case "Delivery":
            event["delivery"] = {
                "timestamp": at,
                "processingTimeMillis": 412,
                "recipients": happening.recipients,
                "smtpResponse": "250 2.6.0 Message received",
                "reportingMTA": "a8-70.smtp-out.amazonses.com",
                "remoteMtaIp": "127.0.2.0",
            }
        case "Bounce":
            event["bounce"] = _ses_bounce(happening, at, feedback)
        case "Complaint":
            event["complaint"] = {
                "complaintSubType": None,
                "complainedRecipients": [{"emailAddress": address} for address in happening.recipients],
                "timestamp": at,
                "feedbackId": feedback,
                "userAgent": "Amazon SES Mailbox Simulator",
                "complaintFeedbackType": happening.detail or "abuse",
                "arrivalDate": at,
            }
        case "Reject":
            event["reject"] = {"reason": happening.detail or "Bad content"}
        case "Rendering Failure":
            event["failure"] = {"errorMessage": happening.detail, "templateName": "inline"}
        case "DeliveryDelay":
            event["deliveryDelay"] = {
                "timestamp": at,
                "delayType": happening.detail,
                "expirationTime": stamp(datetime.fromtimestamp(happening.at + 50_400, UTC)),
                "delayedRecipients": [
                    {"emailAddress": address, "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 Unable to connect"}
                    for address in happening.recipients
                ],
            }
        case "Send":
            event["send"] = {}
    return event


# The subtype that SES gives, with the SMTP answer that stands behind it.
_BOUNCES = {
    "General": ("Permanent", "5.1.1", "smtp; 550 5.1.1 user unknown"),
    "Suppressed": ("Permanent", "5.1.1", "Amazon SES has suppressed sending to this address: recent bounces"),
    "OnAccountSuppressionList": ("Permanent", "5.1.1", "Amazon SES did not send: on the account's suppression list"),
    "Transient": ("Transient", "4.2.2", "smtp; 452 4.2.2 mailbox full"),
}


def _ses_bounce(happening: Happening, at: str, feedback: str) -> dict[str, Any]:
    kind, status, diagnostic = _BOUNCES[happening.detail]
    subtype = "General" if kind == "Transient" else happening.detail
    return {
        "bounceType": kind,
        "bounceSubType": subtype,
        "bouncedRecipients": [
            {"emailAddress": address, "action": "failed", "status": status, "diagnosticCode": diagnostic}
            for address in happening.recipients
        ],
        "timestamp": at,
        "feedbackId": feedback,
        "reportingMTA": "dns; a8-70.smtp-out.amazonses.com",
    }


def _ses_mail(mail: Mail, subject: str) -> dict[str, Any]:
    headers = [{"name": "From", "value": mail.sender}, {"name": "To", "value": ", ".join(mail.to)}]
    headers += [{"name": "Subject", "value": subject}, {"name": "MIME-Version", "value": "1.0"}]
    headers += [{"name": name, "value": value} for name, value in mail.headers]
    tags: dict[str, list[str]] = {name: [value] for name, value in mail.tags.items()}
    tags |= {
        "ses:configuration-set": [mail.configuration_set],
        "ses:from-domain": [mail.sender.rpartition("@")[2].rstrip(">")],
        "ses:source-ip": ["127.0.0.1"],
        "ses:caller-identity": ["drumbeat"],
    }
    return {
        "timestamp": stamp(datetime.fromtimestamp(mail.at, UTC)),
        "source": mail.sender,
        "sourceArn": f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/{mail.sender.rpartition('@')[2].rstrip('>')}",
        "sendingAccountId": ACCOUNT,
        "messageId": mail.message_id,
        "destination": mail.recipients,
        "headersTruncated": False,
        "headers": headers,
        "commonHeaders": {"from": [mail.sender], "to": mail.to, "messageId": mail.message_id, "subject": subject},
        "tags": tags,
    }


# What SendGrid says of each kind of happening: the event's name, and what belongs to it besides.
_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
_READER = {"ip": "203.0.113.7", "useragent": _AGENT}
_SERVER = {"ip": "198.51.100.25", "tls": 1}
_SENDGRID: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("Send", ""): ("processed", {}),
    ("Delivery", ""): ("delivered", {**_SERVER, "response": "250 2.0.0 OK"}),
    ("DeliveryDelay", ""): ("deferred", {**_SERVER, "response": "421 4.4.1 try again later", "attempt": "1"}),
    ("Bounce", ""): (
        "bounce", {**_SERVER, "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 user unknown",
                   "bounce_classification": "Invalid Address"},
    ),
    ("Bounce", "Transient"): (
        "bounce", {**_SERVER, "type": "blocked", "status": "4.2.2", "reason": "452 4.2.2 mailbox full",
                   "bounce_classification": "Mailbox Unavailable"},
    ),
    ("Bounce", "Suppressed"): ("dropped", {"reason": "Bounced Address"}),
    ("Bounce", "OnAccountSuppressionList"): ("dropped", {"reason": "Bounced Address"}),
    ("Complaint", ""): ("spamreport", {}),
    ("Reject", ""): ("dropped", {"reason": "Spam Content (if Spam Checker app is enabled)"}),
    ("Rendering Failure", ""): ("dropped", {"reason": "Invalid SMTPAPI header"}),
    ("Open", ""): ("open", {**_READER, "sg_content_type": "html", "sg_machine_open": False}),
    ("Open", "machine"): ("open", {"ip": "203.0.113.8", "useragent": "Mozilla/5.0", "sg_machine_open": True}),
    ("Click", ""): ("click", {**_READER, "url_offset": {"index": 0, "type": "html"}}),
    ("Unsubscribe", ""): ("unsubscribe", {}),
    ("Unsubscribe", "group"): ("group_unsubscribe", {**_READER, "asm_group_id": 1}),
}  # fmt: skip


def sendgrid(mail: Mail, happening: Happening) -> dict[str, Any]:
    """One entry of SendGrid's event webhook (twilio.com/docs/sendgrid/for-developers/tracking-events/event); the custom
    arguments lie beside its own keys."""
    address, detail = happening.recipients[0], happening.detail
    name, more = _SENDGRID.get((happening.kind, detail)) or _SENDGRID[happening.kind, ""]
    identity = base64.urlsafe_b64encode(uuid.uuid5(_NAMESPACE, mail.message_id + happening.kind + address).bytes)
    event: dict[str, Any] = {
        **mail.tags,
        "email": address,
        "timestamp": int(happening.at),
        "smtp-id": f"<{mail.message_id}@geopod-ismtpd-1>",
        "event": name,
        "sg_event_id": identity.decode().rstrip("="),
        "sg_message_id": mail.message_id,
        **more,
    }
    if mail.categories:
        event["category"] = mail.categories
    if mail.group is not None:
        event["asm_group_id"] = mail.group
    if happening.kind == "Click":
        event["url"] = detail
    if name == "dropped" and detail.endswith(" Address"):
        event["reason"] = detail
    return event


def twilio_status(happening: Happening) -> tuple[str, str]:
    """Twilio's message status and error code (empty when none)."""
    match happening.kind:
        case "Queued":
            return "queued", ""
        case "Send":
            return "sent", ""
        case "Delivery":
            return "delivered", ""
        case "Bounce" if happening.detail == "Transient":
            return "undelivered", "30003"
        case "Bounce":
            return "undelivered", "30005"
        case "Complaint" | "DeliveryDelay":
            return "sent", ""
    return "failed", "30008"


def twilio(mail: Mail, happening: Happening, account_sid: str) -> dict[str, str]:
    """The form fields of a status callback."""
    status, error = twilio_status(happening)
    form = {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "From": mail.sender,
        "MessageSid": mail.message_id,
        "MessageStatus": status,
        "SmsSid": mail.message_id,
        "SmsStatus": status,
        "To": happening.recipients[0],
    }
    if mail.configuration_set:
        form["MessagingServiceSid"] = mail.configuration_set
    if status == "delivered":
        form["RawDlrDoneDate"] = datetime.fromtimestamp(happening.at, UTC).strftime("%y%m%d%H%M")
    return form | ({"ErrorCode": error} if error else {})
