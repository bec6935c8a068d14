"""The mail that asks for a confirmation: the tenant's own template, or one that is built in.

It is no marketing: it has no pixel and no tracked link, and nothing to unsubscribe from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drumbeat.accounts.settings import Settings
from drumbeat.channels import Message, Template
from drumbeat.contacts.model import Contact
from drumbeat.errors import NotFound
from drumbeat.sends import rendering
from drumbeat.templates import blocks, bodies
from drumbeat.templates import model as templates
from drumbeat.templates.limits import TemplateError

if TYPE_CHECKING:
    from drumbeat.templates.engine import Compiled

LINK = "confirm_url"
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "subject": "Please confirm your subscription to {{ sender_name }}",
        "hello": "Hello{% if first_name %} {{ first_name }}{% endif %},",
        "ask": "someone, we hope you, asked that {{ sender_name }} may send news and offers to this address. "
        "Please confirm it. Until then we send none.",
        "button": "Yes, subscribe me",
        "until": "The link works until {{ confirm_until }}.",
        "not_you": "If it was not you, nothing happens: leave this mail alone.",
    },
    "bn": {
        "subject": "{{ sender_name }}-এর সাবস্ক্রিপশন নিশ্চিত করুন",
        "hello": "প্রিয়{% if first_name %} {{ first_name }}{% else %} গ্রাহক{% endif %},",
        "ask": "কেউ, আশা করি আপনিই, এই ঠিকানায় {{ sender_name }}-এর খবর ও অফার চেয়েছেন। "
        "অনুগ্রহ করে নিশ্চিত করুন। তার আগে আমরা কিছুই পাঠাব না।",
        "button": "হ্যাঁ, আমাকে সাবস্ক্রাইব করুন",
        "until": "লিংকটি {{ confirm_until }} পর্যন্ত কাজ করবে।",
        "not_you": "অনুরোধটি আপনার না হলে কিছু করতে হবে না: এই মেইলটি উপেক্ষা করুন।",
    },
}
_HTML = """<!doctype html><html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"></head>
<body style="margin:0;padding:24px 16px;background:#f3f4f8;font:16px/1.55 sans-serif;color:#1c1e26">
<div style="max-width:480px;margin:0 auto;padding:32px 28px;background:#fff;border-radius:16px">
<p>{hello}</p><p>{ask}</p>
<p style="margin:28px 0"><a href="{{{{ confirm_url }}}}" style="display:block;padding:14px 20px;border-radius:10px;
background:#2f4bd8;color:#fff;font-weight:600;text-align:center;text-decoration:none">{button}</a></p>
<p style="font-size:14px;color:#5c6070">{until} {not_you}</p></div>
<p style="margin:24px 0 0;font-size:12px;color:#5c6070;text-align:center">
{{{{ sender_name }}}}<br>{{{{ postal_address }}}}</p></body></html>
"""
_TEXT = """{hello}

{ask}

{{{{ confirm_url }}}}

{until} {not_you}

{{{{ sender_name }}}}
{{{{ postal_address }}}}
"""


@dataclass(frozen=True, slots=True)
class Tags:
    """What the provider's events of such a mail bring back: whose it is, which address, and the start of its token's
    hash."""

    tenant: str
    address_key: str
    mail: str

    @classmethod
    def read(cls, tags: Mapping[str, Any]) -> "Tags | None":
        """Those of an event; None when they are not there."""
        found = [tags.get(name) for name in ("tenant", "confirmation", "mail")]
        first = [str(values[0]) for values in found if isinstance(values, list) and values]
        return cls(*first) if len(first) == len(found) else None

    def written(self) -> dict[str, str]:
        return {"tenant": self.tenant, "confirmation": self.address_key, "mail": self.mail}


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as providers take it; `note` says why it is not the tenant's own template, where there is one."""

    template: Template
    mail: Message
    note: str | None


def write(contact: Contact, chosen: Settings, link: str, until: datetime, now: datetime, tags: Tags) -> Letter:
    """The mail for a contact. The tenant's template, if it cannot be used (gone, broken, without the link), gives way
    to the built-in one. Reads Template, Slug, Block."""
    language = contact.language or chosen.language
    data = {
        **rendering.personal(contact),
        "sender_name": chosen.sender_name or "",
        LINK: link,
        "confirm_until": f"{until:%Y-%m-%d %H:%M} UTC",
        "postal_address": chosen.postal_address or "",
        "unsubscribe_url": "", "preferences_url": "", "open_url": "", "click_base": "",
        "now": now, "timezone": chosen.time_zone, "currency": chosen.currency,
    }  # fmt: skip
    note = None
    if chosen.confirmation_template:
        try:
            return _letter(_own(tags.tenant, chosen.confirmation_template, language), contact, data, tags, None)
        except (NotFound, TemplateError) as error:
            note = f"the built-in text was used: {error}"[:200]
    return _letter(_built_in(language), contact, data, tags, note)


def _letter(compiled: "Compiled", contact: Contact, data: dict[str, Any], tags: Tags, note: str | None) -> Letter:
    mail = Message(contact.email or "", compiled.render(data), headers={}, tags=tags.written())
    return Letter(Template(compiled.subject, compiled.html, compiled.text), mail, note)


def _own(tenant: str, reference: str, language: str) -> "Compiled":
    # A quarter of a second of imports, for the function that sends only.
    from drumbeat.templates.checks import assembled

    found = templates.get(tenant, reference)
    tag = bodies.choose(language, found.languages)
    body, words = found.bodies[tag], tag or found.language
    html, text = assembled(body, blocks.finder(tenant, words), lambda path: None)
    compiled = _compiled(body.subject, html, text)
    if LINK not in compiled.variables:
        raise TemplateError("html", "it does not have {{ confirm_url }}, the link to confirm")
    return compiled


def _built_in(language: str) -> "Compiled":
    tag = language.split("-")[0].lower()
    words = _WORDS.get(tag, _WORDS["en"])
    html = _HTML.format(language=tag if tag in _WORDS else "en", **words)
    return _compiled(words["subject"], html, _TEXT.format(**words))


def _compiled(subject: str, html: str, text: str | None) -> "Compiled":
    # A quarter of a second of imports, for the function that sends only.
    from drumbeat.templates.engine import compile_template

    return compile_template(subject, html, text, track_links=False, track_opens=False, ensure_footer=False)
