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
from drumbeat.templates.parameters import Parameters

if TYPE_CHECKING:
    from drumbeat.templates.engine import Compiled

_KEPT = 20
_compiled: "OrderedDict[tuple[str, str, bool], Compiled]" = OrderedDict()


def compiled(content: Content, *, tracked: bool = True) -> "Compiled":
    """The content's template, or, for people who are not to be tracked, the one without pixel and click addresses; an
    instance keeps the latest ones. Raises TemplateError."""
    key = content.pk, content.sk, tracked
    if key not in _compiled:
        _compiled[key] = compile_content(content, tracked=tracked)
        if len(_compiled) > _KEPT:
            _compiled.popitem(last=False)
    return _compiled[key]


def compile_content(content: Content, *, tracked: bool = True) -> "Compiled":
    """Compile it now. Raises TemplateError."""
    # Functions that only need the addresses here do without a quarter of a second of imports.
    from drumbeat.templates.engine import compile_template

    return compile_template(
        content.subject,
        content.html,
        content.text,
        track_links=tracked and bool(content.track_clicks),
        track_opens=tracked and bool(content.track_opens),
        language=content.words or "en",
        parameters=Parameters.of(content.utm),
        known_links=content.known_links or (),
    )


def template(content: Content, *, tracked: bool = True) -> Template:
    """The static parts, as SES takes them."""
    whole = compiled(content, tracked=tracked)
    return Template(whole.subject, whole.html, whole.text)


def sender(content: Content) -> str:
    """The From header."""
    return formataddr((content.sender_name, content.sender_email))


def mail(content: Content, contact: Contact, place: Place, number: int, secret: bytes, attempt: int) -> Mail:
    """One recipient's fragments, unsubscribe headers (RFC 8058) and tags. Raises TemplateError."""
    token = tokens.issue(secret, place, number)
    base = base_of(content)
    unsubscribe = f"{base}/u/{token}"
    _, send_id, shard, chunk = place
    tracked = contact.tracking is not False
    variables = offered(content, f"{base}/c/{token}" if tracked and content.track_clicks else None)
    data = {**personal(contact, variables), **addresses(base, token), **frame(content)}
    return Mail(
        to=contact.email or "",
        fragments=compiled(content, tracked=tracked).render(data),
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


def offered(content: Content, click_base: str | None = None) -> Mapping[str, Any]:
    """The variables of a send. With `click_base` the addresses of its products are tracked, as those of links are."""
    variables: Mapping[str, Any] = content.variables or {}
    if click_base is None or not variables.get("products"):
        return variables
    products = [
        {**product, "url": f"{click_base}/{product['link_number']}"}
        if isinstance(product, dict) and "link_number" in product else product
        for product in variables["products"]
    ]  # fmt: skip
    return {**variables, "products": products, "content": {**variables.get("content", {}), "products": products}}


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
        "sender_name": content.sender_name,
        "now": clock.business(),
        "timezone": content.time_zone,
        "currency": content.currency,
    }


def personal(contact: Contact, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a template may say of a contact: attributes, then the fields, which no attribute replaces. `variables` are
    the send's; attributes go before them."""
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
    return {**(variables or {}), **attributes, **present, "attributes": attributes, "tags": sorted(contact.tags or ())}


def base_of(content: Content) -> str:
    """Where the links of a send lead: the tenant's own tracking domain as it was at launch, or the deployment's."""
    return content.base_url or public_url()


def public_url() -> str:
    """Where links of this deployment lead, without a slash at the end."""
    return os.environ["PUBLIC_URL"].rstrip("/")


def forget() -> None:
    _compiled.clear()
