"""The mailbox in a browser: plain HTML that a phone and a keyboard can use, nothing fetched from elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

from .mailbox import Mail, Rendered

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--link:#0b57d0;--dim:#5f6368}
@media(prefers-color-scheme:dark){:root{--link:#8ab4f8;--dim:#9aa0a6}}
*{box-sizing:border-box}
body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:70rem;padding:1rem}
a{color:var(--link)}
a:focus-visible,button:focus-visible,input:focus-visible,summary:focus-visible,iframe:focus-visible,pre:focus-visible
{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-999rem}.skip:focus{position:static}
h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:2rem}
form{display:flex;gap:.5rem;flex-wrap:wrap;margin:1rem 0}
input{flex:1 1 14rem;min-width:0}
input,button{font:inherit;padding:.5rem .75rem;border:1px solid var(--dim);border-radius:.4rem}
ol.mails{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
ol.mails a{display:grid;grid-template-columns:1fr auto;gap:0 1rem;padding:.6rem .5rem;
border-bottom:1px solid var(--line);color:inherit;text-decoration:none}
ol.mails a:hover,ol.mails a:focus{background:var(--soft)}
.subject{font-weight:600}.subject,.to{overflow-wrap:anywhere;min-width:0}.dim{color:var(--dim);font-size:.875rem}
.badge{border:1px solid currentColor;border-radius:1rem;padding:0 .5rem;font-size:.8rem;
justify-self:end;align-self:start;white-space:nowrap}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
th{width:11rem;font-weight:600}
iframe{width:100%;height:70vh;border:1px solid var(--line);border-radius:.4rem;background:#fff}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--soft);padding:1rem;border-radius:.4rem}
@media(max-width:36rem){th,td{display:block;width:auto;border:0;padding:.1rem .2rem}tr{display:block;padding:.3rem 0;
border-bottom:1px solid var(--line)}}
"""

STATUS_TEXT = {
    "accepted": "accepted",
    "delivered": "delivered",
    "bounced": "bounced",
    "complained": "marked as spam",
    "rejected": "rejected",
    "rendering_failed": "rendering failed",
    "delayed": "delayed",
}


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{_STYLE}</style></head>'
        f'<body><a class="skip" href="#main">Skip to content</a><main id="main">{body}</main></body></html>'
    )


def _time(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f'<time datetime="{moment.isoformat()}">{moment:%Y-%m-%d %H:%M:%S} UTC</time>'


def listing(rows: list[tuple[Mail, str]], wanted: str, following: int | None, total: int) -> str:
    """Newest first, with a search by address and a link to older mails."""
    search = (
        '<form role="search" action="/mailbox"><label for="q" class="skip">Search by address</label>'
        f'<input id="q" name="q" type="search" placeholder="Search by address" value="{escape(wanted, quote=True)}">'
        "<button>Search</button></form>"
    )
    items = "".join(_row(mail, subject) for mail, subject in rows)
    listed = f'<ol class="mails">{items}</ol>' if items else _empty(wanted)
    older = ""
    if following is not None:
        query = urlencode({"before": following} | ({"q": wanted} if wanted else {}))
        older = f'<p><a href="/mailbox?{escape(query)}" rel="next">Older messages</a></p>'
    count = (
        f'<p class="dim">{total:,} {"message" if total == 1 else "messages"} accepted by the simulated providers</p>'
    )
    return _page("Mailbox", f"<h1>Mailbox</h1>{count}{search}{listed}{older}")


def _empty(wanted: str) -> str:
    if wanted:
        return f'<p>No message to an address with “{escape(wanted)}”. <a href="/mailbox">Show all</a></p>'
    return "<p>No messages yet. What Drumbeat sends on the local stack arrives here.</p>"


def _row(mail: Mail, subject: str) -> str:
    shown = subject or ("SMS" if mail.provider == "twilio" else "(no subject)")
    return (
        f'<li><a href="/mailbox/{quote(mail.message_id, safe="")}"><span class="subject">{escape(shown)}</span>'
        f'<span class="badge">{STATUS_TEXT[mail.status]}</span>'
        f'<span class="to dim">{escape(", ".join(mail.recipients))}</span>'
        f'<span class="dim">{_time(mail.at)}</span></a></li>'
    )


def missing() -> str:
    """The page for an unknown id."""
    return _page("No such message", '<h1>No such message</h1><p><a href="/mailbox">All messages</a></p>')


def mail(message: Mail, rendered: Rendered, raw: str, callbacks: list[dict[str, Any]]) -> str:
    """One message: frame with its HTML, text, headers, tags, events, raw."""
    title = rendered.subject or ("SMS" if message.provider == "twilio" else "(no subject)")
    parts = [f'<p><a href="/mailbox">All messages</a></p><h1>{escape(title)}</h1>{_table(_facts(message))}']
    if rendered.failure:
        parts.append(f'<p role="alert">Not sent: {escape(rendered.failure)}</p>')
    if rendered.html:
        parts.append(_frame(message))
    if rendered.text:
        parts.append(f'<h2>Text</h2><pre tabindex="0">{escape(rendered.text)}</pre>')
    parts.append(_section("Headers", [(name, escape(value)) for name, value in message.headers]))
    parts.append(_section("Tags", [(name, escape(value)) for name, value in message.tags.items()]))
    happened = [
        (one.kind, f"{escape(', '.join(one.recipients))} {escape(one.detail)} {_time(one.at)}")
        for one in message.happened
    ]
    parts.append(_section("Events", happened))
    posts = [(one["event"], escape(f"{one['status']} {one['error']} {one['url']} {one['at']}")) for one in callbacks]
    parts.append(_section("Callbacks", posts))
    parts.append(f'<details><summary>Raw</summary><pre tabindex="0">{escape(raw)}</pre></details>')
    return _page(title, "".join(parts))


def _facts(message: Mail) -> list[tuple[str, str]]:
    people = {"To": message.to, "Cc": message.cc, "Bcc": message.bcc}
    rows = [("From", escape(message.sender))]
    rows += [(name, escape(", ".join(addresses))) for name, addresses in people.items() if addresses]
    status = STATUS_TEXT[message.status]
    return [*rows, ("Accepted", _time(message.at)), ("Status", status), ("Provider", message.provider)]


def _frame(message: Mail) -> str:
    source = f"/mailbox/{quote(message.message_id, safe='')}/html"
    return (
        '<h2>Message</h2><p class="dim">Images load as in a mail program, so looking at it counts as an open. '
        f'<a href="{source}">Open alone</a></p><iframe src="{source}" title="Message"'
        ' sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe>'
    )


def _section(title: str, rows: list[tuple[str, str]]) -> str:
    return f"<h2>{title}</h2>{_table(rows)}" if rows else ""


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{value}</td></tr>' for name, value in rows)
    return f"<table>{cells}</table>"
