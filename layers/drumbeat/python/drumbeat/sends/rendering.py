"""What a recipient gets: the send's content, compiled once per instance, with the recipient's fragments.

A template is compiled into SES's inline template and fragments (drumbeat.templates.engine). The same code renders
previews,
test mails and campaigns, so what was previewed is what is sent.
"""

import os
from collections import OrderedDict
from collections.abc import Mapping
from email.utils import formataddr
from typing import TYPE_CHECKING, Any

from drumbeat import clock, ids, money
from drumbeat.channels.ses import Mail, Template
from drumbeat.contacts.model import Contact
from drumbeat.sends import tokens
from drumbeat.sends.model import Content, Place

if TYPE_CHECKING:
    from drumbeat.templates.engine import Compiled

_KEPT = 20
_compiled: "OrderedDict[str, Compiled]" = OrderedDict()


def compiled(content: Content) -> "Compiled":
    """The content's template; an instance keeps the latest ones. Raises TemplateError."""
    if content.pk not in _compiled:
        # Functions that only need the addresses here do without a quarter of a second of imports.
        from drumbeat.templates.engine import compile_template

        _compiled[content.pk] = compile_template(
            content.subject,
            content.html,
            content.text,
            track_links=bool(content.track_clicks),
            track_opens=bool(content.track_opens),
        )
        if len(_compiled) > _KEPT:
            _compiled.popitem(last=False)
    return _compiled[content.pk]


def template(content: Content) -> Template:
    """The static parts, as SES takes them."""
    whole = compiled(content)
    return Template(whole.subject, whole.html, whole.text)


def sender(content: Content) -> str:
    """The From header."""
    return formataddr((content.sender_name, content.sender_email))


def mail(content: Content, contact: Contact, place: Place, number: int, secret: bytes, attempt: int) -> Mail:
    """One recipient's fragments, unsubscribe headers (RFC 8058) and tags. Raises TemplateError."""
    token = tokens.issue(secret, place, number)
    base = public_url()
    unsubscribe = f"{base}/u/{token}"
    _, send_id, shard, chunk = place
    data = {**personal(contact, content), **addresses(base, token), **frame(content)}
    return Mail(
        to=contact.email or "",
        fragments=compiled(content).render(data),
        headers={
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        tags={
            "send": send_id,
            "chunk": f"{shard}-{chunk}",
            "attempt": str(attempt),
            "i": str(number),
            "contact": ids.bare(contact.contact_id),
        },
    )


def addresses(base: str, token: str) -> dict[str, str]:
    """The recipient's own addresses: links, pixel, unsubscribe and preferences."""
    return {
        "click_base": f"{base}/c/{token}",
        "open_url": f"{base}/o/{token}",
        "unsubscribe_url": f"{base}/u/{token}",
        "preferences_url": f"{base}/p/{token}",
    }


def frame(content: Content) -> dict[str, Any]:
    """What is the same for every recipient of a send."""
    return {
        "postal_address": content.postal_address,
        "now": clock.business(),
        "timezone": content.time_zone,
        "currency": content.currency,
    }


def personal(contact: Contact, content: Content | None = None) -> dict[str, Any]:
    """What a template may say of a contact: attributes, then the fields, which no attribute replaces."""
    currency = contact.currency or "USD"
    fields: Mapping[str, Any] = {
        "email": contact.email,
        "phone": contact.phone,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "name": " ".join(part for part in (contact.first_name, contact.last_name) if part) or None,
        "external_id": contact.external_id,
        "language": contact.language,
        "country": contact.country,
        "customer_lifetime_value": None
        if contact.lifetime_value is None
        else money.shown(int(contact.lifetime_value), currency),
        "total_orders": None if contact.total_orders is None else int(contact.total_orders),
        "last_purchase_date": contact.last_purchase_at,
    }
    present = {name: value for name, value in fields.items() if value is not None}
    attributes = contact.attributes or {}
    variables = dict(content.variables or {}) if content is not None else {}
    return {**variables, **attributes, **present, "attributes": attributes, "tags": sorted(contact.tags or ())}


def public_url() -> str:
    """Where links of this deployment lead, without a slash at the end."""
    return os.environ["PUBLIC_URL"].rstrip("/")


def forget() -> None:
    _compiled.clear()
