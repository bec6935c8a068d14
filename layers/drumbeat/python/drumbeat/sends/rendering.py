"""What a recipient gets: the send's content, compiled once per instance, with the recipient's fragments.

A template is compiled into a static text and fragments (drumbeat.templates.engine), whatever its channel. The same code
renders previews, tests and campaigns, so what was previewed is what is sent.
"""

import os
from collections import OrderedDict
from collections.abc import Mapping
from email.utils import formataddr
from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python

from drumbeat import channels, clock, ids, money
from drumbeat.channels import Message, Template
from drumbeat.contacts.model import Contact
from drumbeat.sends import tokens
from drumbeat.sends.model import Content, Place
from drumbeat.templates.parameters import Parameters

if TYPE_CHECKING:
    from drumbeat.templates.engine import Compiled

_KEPT = 20
# Where our own templates' links and pixel lead.
_OURS = ("click_base", "open_url")
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
    from drumbeat.templates.engine import compile_template, compile_texts

    channel = channels.get(content.channel)
    if "html" not in channel.parts:
        return compile_texts(
            content.subject,
            content.text or "",
            track_links=tracked and bool(content.track_clicks),
            parameters=Parameters.of(content.utm),
            known_links=content.known_links or (),
            json=channel.json,
        )
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
    """The static parts."""
    whole = compiled(content, tracked=tracked)
    return Template(whole.subject, whole.html, whole.text)


def sender(content: Content) -> str:
    """The From header of a mail; of other messages the sender's name."""
    return formataddr((content.sender_name, content.sender_email)) if content.sender_email else content.sender_name


def message(content: Content, contact: Contact, place: Place, number: int, secret: bytes, attempt: int) -> Message:
    """One recipient's fragments, tags and, of a mail, unsubscribe headers (RFC 8058). Raises TemplateError."""
    channel = channels.get(content.channel)
    token = (tokens.issue_short if channel.paid_by_length else tokens.issue)(secret, place, number)
    base = base_of(content)
    unsubscribe = {
        "List-Unsubscribe": f"<{base}/u/{token}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    _, send_id, shard, chunk = place
    tracked = contact.tracking is not False
    variables = offered(content, f"{base}/c/{token}" if tracked and content.track_clicks else None)
    data = {**personal(contact, variables), **addresses(base, token), **frame(content)}
    if channel.json:  # for programs, which call things by their ids
        data |= {"message_id": place.message(number), "contact_id": contact.contact_id}
    return Message(
        to=channel.address(contact) or "",
        fragments=compiled(content, tracked=tracked).render(data),
        headers=unsubscribe if content.sender_email else {},
        tags={
            "send": send_id,
            "chunk": f"{shard}-{chunk}",
            "attempt": str(attempt),
            "i": str(number),
            "contact": ids.bare(contact.contact_id),
        },
        values=_values(data) if (content.said or {}).get("provider_template") else {},
    )


def _values(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a template of the provider's own may say: all that ours may, but for our links and pixel, as JSON."""
    said: dict[str, Any] = to_jsonable_python({name: data[name] for name in data if name not in _OURS})
    return said


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
