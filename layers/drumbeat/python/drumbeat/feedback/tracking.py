"""Pixels and links: which message was opened, and where a click leads. Nothing is written here; a queue carries it."""

import base64
import json
import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from botocore.exceptions import BotoCoreError, ClientError

from drumbeat import clock
from drumbeat.activity import frames
from drumbeat.aws import client
from drumbeat.contacts import model as contacts
from drumbeat.feedback import known
from drumbeat.feedback.known import Kept
from drumbeat.logs import counted, logger
from drumbeat.sends import tokens
from drumbeat.sends.model import Content
from drumbeat.sends.tokens import Target
from drumbeat.sends.work import FEEDBACK
from drumbeat.table import tenancy

# A transparent GIF of one pixel.
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
MOST_URL = 2048
# Stands in test mails where a message's token would be.
SAMPLE = "test"
HEADERS = {
    "Cache-Control": "no-store, max-age=0",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
# A person waits for the answer: what the queue has not taken by then is lost.
_TRIES, _READ_TIMEOUT = 2, 2.0
_contents: Kept[str, Content] = Kept(20)


def message_of(token: str) -> Target | None:
    """The message of a token, which a pixel's address may end with `.gif`; None for none of ours. What is left to do is
    done for the token's tenant, and touches no other's."""
    target = tokens.verify(token.removesuffix(".gif"))
    if target is not None:
        tenancy.enter(target.place[0])
    return target


def record(
    target: Target,
    what: str,
    at: datetime,
    ip: str,
    user_agent: str,
    headers: Mapping[str, str],
    link: int | None = None,
    url: str | None = None,
) -> None:
    """Put an `open` or a `click` on the queue. A queue that does not take it costs us the event, not the recipient."""
    tenant, send_id, shard, chunk = target.place
    message: dict[str, Any] = {
        "type": what,
        "tenant": tenant,
        "send": send_id,
        "shard": shard,
        "number": chunk,
        "recipient": target.number,
        "link": link,
        "url": url and url[:MOST_URL],
        "at": clock.iso(at),
        "ip": ip or None,
        "user_agent": user_agent or None,
        **frames.location(headers),
    }
    body = json.dumps({name: value for name, value in message.items() if value is not None}, separators=(",", ":"))
    try:
        sqs = client("sqs", tries=_TRIES, read_timeout=_READ_TIMEOUT)
        sqs.send_message(QueueUrl=os.environ[FEEDBACK.variable], MessageBody=body, MessageGroupId=tenant)
    except (BotoCoreError, ClientError):
        logger.exception("tracking lost", extra={"send": send_id, "what": what})
        counted("TrackingLost")


def destination(target: Target, link: str, query: Mapping[str, str]) -> str | None:
    """Where a link of a message leads, by the send's table; None for a number that the send does not have.

    A target with merge fields is filled in with the recipient's data; without a recipient (deleted) they are empty.
    """
    number = int(link) if link.isascii() and link.isdigit() and len(link) < 7 else 0
    template = _templates(target).get(number)
    if template is None:
        return None
    url = _personalised(target, template, query) if "{{" in template else template
    return as_location(url) if url else None


def _templates(target: Target) -> dict[int, str]:
    """Targets by link number: stored as objects, or as texts in the order of their numbers from 1."""
    links: list[Any] = target.key.links or []
    return {
        int(link["number"]) if isinstance(link, dict) else place: link["url"] if isinstance(link, dict) else str(link)
        for place, link in enumerate(links, 1)
    }


def _personalised(target: Target, template: str, query: Mapping[str, str]) -> str | None:
    # Liquid is only imported for links that need it.
    from drumbeat.sends import rendering
    from drumbeat.templates.limits import TemplateError
    from drumbeat.templates.links import resolve_link

    contact_id = recipient(target)
    contact = contacts.find(target.place[0], contact_id) if contact_id else None
    content = _content(target)
    data = rendering.personal(contact, content.variables if content else None) if contact else {}
    frame = rendering.frame(content) if content else {}
    try:
        return resolve_link(template, {**data, **frame, "carried": dict(query)})
    except TemplateError as error:
        logger.warning("a link without a target", extra={"send": target.place[1], "problem": error.message})
        return None


def recipient(target: Target) -> str | None:
    """The contact id of a token's recipient."""
    everyone = known.recipients([target.place]).get(target.place, ())
    return everyone[target.number] if target.number < len(everyone) else None


def _content(target: Target) -> Content | None:
    tenant, send_id, _, _ = target.place
    kept = _contents.get(send_id)
    if kept is None:
        kept = Content.fetch(*Content.key(tenant, send_id), consistent=False)
        if kept is not None:
            _contents.put(send_id, kept)
    return kept


def as_location(url: str) -> str | None:
    """The address as a header may carry it (RFC 9110: ASCII); None for what is no address of the web."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except (ValueError, UnicodeError):
        return None
    path, query, fragment = (quote(part, safe="%/:=&?~+!$,;'@()*[]-._") for part in (parts[2], parts[3], parts[4]))
    return urlunsplit((parts.scheme, host, path, query, fragment))


def forget() -> None:
    _contents.clear()
