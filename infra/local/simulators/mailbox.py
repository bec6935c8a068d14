"""Every accepted message, in memory and in an append-only file.

A mail holds the hash of its template and its own data, so 10,000 mails of a 30 KB template take some tens of MB; text
is rendered when somebody looks. What happened to a mail (delivered, bounced, …) is decided at acceptance and kept with
it: the truth that the product's numbers are held against, whatever events were lost or doubled on the way.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from .handlebars import RenderingFailure, Template

# What readers do, where the provider itself tells of it.
READING = ("Open", "Click", "Unsubscribe")
STATUS = {
    "Delivery": "delivered",
    "Bounce": "bounced",
    "Complaint": "complained",
    "Reject": "rejected",
    "Rendering Failure": "rendering_failed",
    "DeliveryDelay": "delayed",
    **dict.fromkeys(READING, "delivered"),
}


@dataclass(frozen=True)
class Content:
    """Text shared by many mails. `literal` text has no variables; `data` are the values that all its mails share."""

    subject: str
    html: str
    text: str
    literal: bool = False
    data: str = "{}"

    @property
    def hash(self) -> str:
        """Names the content; equal contents have equal hashes."""
        parts = (self.subject, self.html, self.text, str(self.literal), self.data)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:24]


@dataclass(slots=True)
class Happening:
    """Something that happened to a mail for some of its recipients, at epoch seconds; `detail` refines the kind."""

    kind: str
    recipients: list[str]
    at: float
    detail: str = ""


@dataclass(slots=True)
class Mail:
    """One accepted message. `number` counts from 1 in order of acceptance. `account` is SendGrid's API key; categories
    and the `group` of unsubscribing are SendGrid's, too."""

    provider: str
    message_id: str
    at: float
    sender: str
    to: list[str]
    content: str
    data: str = "{}"
    cc: list[str] = field(default_factory=list)
    bcc: list[str] = field(default_factory=list)
    headers: list[list[str]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    configuration_set: str = ""
    tenant: str = ""
    account: str = ""
    categories: list[str] = field(default_factory=list)
    group: int | None = None
    number: int = 0
    happened: list[Happening] = field(default_factory=list)
    notified: dict[str, int] = field(default_factory=dict)

    @property
    def recipients(self) -> list[str]:
        """To, cc and bcc."""
        return [*self.to, *self.cc, *self.bcc]

    @property
    def status(self) -> str:
        """The last thing that happened, `accepted` when nothing did."""
        return STATUS.get(self.happened[-1].kind, "accepted") if self.happened else "accepted"


@dataclass(frozen=True)
class Rendered:
    """What the recipient sees; `failure` says why there is nothing to see."""

    subject: str
    html: str
    text: str
    failure: str = ""


class Mailbox:
    """Thread-safe; `path` is replayed at start, so a restart forgets nothing."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._path = path
        self._contents: dict[str, Content] = {}
        self._mails: list[Mail] = []
        self._by_id: dict[str, Mail] = {}
        self._next = 1
        if path.exists():
            self._replay()
        self._file = path.open("a", encoding="utf-8", errors="surrogatepass")

    def keep_content(self, content: Content) -> str:
        """Store the content once; its hash."""
        key = content.hash
        if key not in self._contents:
            with self._lock:
                self._contents[key] = content
                self._file.write(json.dumps({"hash": key, "content": asdict(content)}) + "\n")
        return key

    def add(self, mails: Iterable[Mail]) -> None:
        """Keep the mails; they are on the disk's side of the process when this returns."""
        with self._lock:
            for mail in mails:
                mail.number = self._next
                self._next += 1
                self._remember(mail)
                self._file.write(_line(mail))
            self._file.flush()

    def get(self, message_id: str) -> Mail | None:
        """The mail, or None."""
        return self._by_id.get(message_id)

    def clear(self) -> None:
        """Forget every mail; numbers go on."""
        with self._lock:
            self._mails, self._by_id, self._contents = [], {}, {}
            self._file.truncate(0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._mails)

    def content(self, mail: Mail) -> Content:
        """The content that the mail shares."""
        return self._contents.get(mail.content, Content("", "", "", literal=True))

    def render(self, mail: Mail) -> Rendered:
        """Subject, HTML and text of one mail; a rendering failure is a value, not an exception."""
        content = self.content(mail)
        if content.literal:
            return Rendered(content.subject, content.html, content.text)
        values = data_of(content, mail)
        try:
            subject, html, text = (
                compiled(part).render(values) for part in (content.subject, content.html, content.text)
            )
            return Rendered(subject, html, text)
        except RenderingFailure as failure:
            return Rendered(content.subject, "", "", str(failure))

    def subject(self, mail: Mail) -> str:
        """The subject alone: cheap enough for lists and events."""
        content = self.content(mail)
        if content.literal or "{{" not in content.subject:
            return content.subject
        try:
            return compiled(content.subject).render(data_of(content, mail))
        except RenderingFailure:
            return content.subject

    def every(self) -> list[Mail]:
        """All mails in order of acceptance, as of now."""
        with self._lock:
            return list(self._mails)

    def find(self, *, to: str = "", since: float = 0.0, tag: tuple[str, str] | None = None) -> Iterator[Mail]:
        """Mails whose address contains `to`, accepted at `since` or later and carrying the tag; oldest first."""
        wanted = to.lower()
        for mail in self.every():
            if mail.at < since or (tag and mail.tags.get(tag[0]) != tag[1]):
                continue
            if not wanted or any(wanted in address.lower() for address in mail.recipients):
                yield mail

    def _remember(self, mail: Mail) -> None:
        self._mails.append(mail)
        self._by_id[mail.message_id] = mail

    def _replay(self) -> None:
        with self._path.open(encoding="utf-8", errors="surrogatepass") as lines:
            for line in lines:
                try:
                    row = json.loads(line)
                except ValueError:
                    continue  # The last line of a process that was killed while writing.
                if "content" in row and "hash" in row:
                    self._contents[row["hash"]] = Content(**row["content"])
                else:
                    row["happened"] = [Happening(**item) for item in row["happened"]]
                    self._remember(Mail(**row))
        self._next = max((mail.number for mail in self._mails), default=0) + 1


@lru_cache(maxsize=256)
def compiled(source: str) -> Template:
    """Compiling 30 KB costs a millisecond, so templates are compiled once."""
    return Template(source)


def data_of(content: Content, mail: Mail) -> dict[str, Any]:
    """The mail's own values over those that all mails of the content share."""
    own = json.loads(mail.data)
    return {**json.loads(content.data), **own} if content.data != "{}" else dict(own)


def _line(mail: Mail) -> str:
    row = {name: getattr(mail, name) for name in Mail.__slots__ if name not in ("happened", "notified")}
    row["happened"] = [
        {"kind": one.kind, "recipients": one.recipients, "at": one.at, "detail": one.detail} for one in mail.happened
    ]
    return json.dumps(row, separators=(",", ":")) + "\n"
