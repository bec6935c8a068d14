"""The pages that recipients see: opt-out, preferences, and a link that does not work. One file each, without scripts.

They say whose mails these are, and of the recipient's address only enough to recognise it: a mail may be forwarded.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from drumbeat.accounts import settings
from drumbeat.accounts.categories import Category
from drumbeat.accounts.settings import Settings
from drumbeat.contacts.model import Contact
from drumbeat.errors import NotFound
from drumbeat.feedback import tracking
from drumbeat.feedback.words import WORDS, spoken

REASONS = ("too_many", "not_relevant", "never_asked", "other")
# Present in what a page's form sends, so that an empty box differs from a request that is not the page's.
MARK = "page"

CSS = """
:root{color-scheme:light dark;--ink:#1c1e26;--soft:#5c6070;--paper:#fff;--ground:#f3f4f8;--line:#d9dbe4;
--key:#2f4bd8;--on:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#eceef5;--soft:#a6abbd;--paper:#1d2029;--ground:#13151b;--line:#3a3e4c;
--key:#8fa2ff;--on:#13151b}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.25rem;background:var(--ground);color:var(--ink);
font:1.0625rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans Bengali",sans-serif}
main{width:100%;max-width:30rem;background:var(--paper);border:1px solid var(--line);
border-radius:1rem;padding:2rem 1.75rem}
.from{margin:0 0 1.25rem;color:var(--soft);font-size:.9375rem;overflow-wrap:anywhere}
h1{margin:0 0 .75rem;font-size:1.5rem;line-height:1.25}
p{margin:0 0 1.25rem;overflow-wrap:anywhere}
fieldset{margin:0 0 1.5rem;padding:0;border:0}
legend{margin-bottom:.5rem;padding:0;color:var(--soft)}
label{display:flex;gap:.75rem;align-items:center;padding:.5rem 0;min-height:2.75rem;cursor:pointer}
input{width:1.25rem;height:1.25rem;margin:0;accent-color:var(--key);flex:none}
small{display:block;color:var(--soft);font-size:.875rem}
select{max-width:100%;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);
border-radius:.5rem;padding:.5rem .75rem;min-height:2.75rem}
button{font:inherit;font-weight:600;width:100%;min-height:3rem;padding:.625rem 1.25rem;
border:0;border-radius:.625rem;background:var(--key);color:var(--on);cursor:pointer}
button:hover{filter:brightness(1.08)}
:focus-visible{outline:3px solid var(--key);outline-offset:3px}
a{color:var(--key)}
.quiet{margin-top:.75rem;background:none;color:var(--key);border:1px solid var(--line)}
section{margin-top:2rem;padding-top:1.5rem;border-top:1px solid var(--line)}
h2{margin:0 0 .75rem;font-size:1.125rem}
.more{margin:.75rem 0 0;text-align:center}
.more a{display:inline-block;padding:.5rem .75rem}
main>:last-child{margin-bottom:0}
.saved{margin-bottom:1.5rem;padding:.75rem 1rem;border-radius:.625rem;background:var(--ground);overflow-wrap:anywhere}
.saved p{margin:0}
.saved ul{margin:.5rem 0 0;padding-left:1.25rem}
""".strip()
_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
HEADERS = {
    **tracking.HEADERS,
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a page speaks to: in which language, of whose mails, and by which address (masked); which categories the
    tenant's messages have, and the tenant's time zone."""

    language: str
    tenant: str
    address: str | None
    categories: tuple[Category, ...] = ()
    time_zone: str = "UTC"

    def says(self, name: str, **values: str) -> str:
        """A text of the page with its values, escaped."""
        return escape(WORDS[self.language][name].format(tenant=self.tenant, address=self.address or "", **values))


def reader(tenant: str, contact: Contact | None, headers: Mapping[str, str]) -> Reader:
    """The reader of a page about a tenant's mails. Reads Tenant."""
    try:
        owner = settings.stored(tenant)
        name, home = owner.name, settings.parsed(owner)
    except NotFound:
        name, home = "", Settings()
    language = spoken(contact.language if contact else None, headers.get("accept-language"), home.language)
    address = masked(contact.email) if contact and contact.email else None
    return Reader(language, name, address, home.categories, home.time_zone)


def masked(address: str) -> str:
    """`j•••@example.com` of an address."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def ask_to_unsubscribe(to: Reader, preferences: str) -> str:
    """The page with the button. `preferences` is the address of the preference page."""
    question = "unsubscribe_question" if to.address else "unsubscribe_question_unknown"
    boxes = "".join(
        f'<label><input type="radio" name="reason" value="{reason}"><span>{to.says(reason)}</span></label>'
        for reason in REASONS
    )
    return page(
        to,
        "unsubscribe_title",
        f"<p>{to.says(question)}</p>"
        f'<form method="post"><input type="hidden" name="{MARK}" value="1">'
        f"<fieldset><legend>{to.says('reason')}</legend>{boxes}</fieldset>"
        f'<button type="submit">{to.says("unsubscribe")}</button></form>'
        f'<p class="more"><a href="{escape(preferences)}">{to.says("other_choices")}</a></p>',
    )


def unsubscribed(to: Reader, preferences: str) -> str:
    """The page after the button."""
    return page(
        to,
        "done_title",
        f'<p role="status">{to.says("done")}</p>'
        f'<p class="more"><a href="{escape(preferences)}">{to.says("changed_mind")}</a></p>',
    )


def nobody(to: Reader) -> str:
    """The preference page of somebody who was deleted."""
    return page(to, "gone_title", f"<p>{to.says('gone')}</p>")


def of_test(headers: Mapping[str, str]) -> str:
    """The page for the links of a test mail, on which there is nothing to change."""
    to = Reader(spoken(headers.get("accept-language")), "", None)
    return page(to, "test_title", f"<p>{to.says('test')}</p>")


def unknown_link(headers: Mapping[str, str]) -> str:
    """The page for a token or link that we did not make. It says nothing of what exists."""
    to = Reader(spoken(headers.get("accept-language")), "", None)
    return page(to, "unknown_title", f"<p>{to.says('unknown')}</p>")


def page(to: Reader, title: str, body: str) -> str:
    """A whole page: whose it is, a title of the words, and what it says as HTML."""
    name = f'<p class="from">{escape(to.tenant)}</p>' if to.tenant else ""
    return (
        f'<!doctype html><html lang="{to.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{to.says(title)}</title><style>{CSS}</style></head>"
        f"<body><main>{name}<h1>{to.says(title)}</h1>{body}</main></body></html>"
    )
