"""Sends whose recipients differ in more than their data: one chunk holds people of one group only.

Ordered contacts are cut into pages. A page's chunks are written in one transaction and carry the page's end, so that a
planner that died goes on behind it, whatever has become of people's groups meanwhile.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from drumbeat.contacts.model import Contact
from drumbeat.sends import destinations, local_time
from drumbeat.sends.model import Send
from drumbeat.table import MOST_IN_BATCH_GET, MOST_IN_TRANSACTION
from drumbeat.templates.bodies import choose

MOST_A_PAGE = 1_000


class Group(NamedTuple):
    """What the recipients of one chunk have in common. The language is that of when they were planned: the worker looks
    again, so it only decides how full calls are. `account` carries their messages, if it is not the send's own."""

    not_before: datetime | None = None
    language: str = ""
    account: str | None = None


def is_grouped(send: Send) -> bool:
    """Whether recipients have to be looked at before they are put into chunks."""
    return send.local is not None or bool(send.languages) or len(routes(send)) > 1


def routes(send: Send) -> list[str]:
    """The accounts between which each recipient's message chooses; none where the send's own carries all."""
    return [route["account"] for route in ((send.launch or {}).get("prices") or {}).get("routes", ())]


def _account(contact: Contact | None, send: Send) -> str | None:
    if contact is None or contact.phone is None or len(routes(send)) < 2:
        return None
    found = destinations.of_launch(send.launch).route(contact.phone).account
    return None if found == send.account else found


def group_of(contact: Contact | None, send: Send) -> Group:
    """The group of a recipient; of one who is no longer there, any."""
    return Group(
        not_before=local_time.due_at(send.local, contact, send.launched_at) if send.local else None,
        language=choose(contact.language if contact else None, send.languages or ()),
        account=_account(contact, send),
    )


@dataclass
class Page:
    """A range of contacts, by group in the order of their ids."""

    size: int
    people: dict[Group, list[str]] = field(default_factory=dict)
    end: str = ""
    number: int = 0
    opened: int = 0

    def add(self, group: Group, contact_id: str) -> bool:
        """Whether this one fits: the page's chunks go into one transaction."""
        opens = len(self.people.get(group, ())) % self.size == 0
        if self.number == MOST_A_PAGE or self.opened + opens > MOST_IN_TRANSACTION:
            return False
        self.people.setdefault(group, []).append(contact_id)
        self.end, self.number, self.opened = contact_id, self.number + 1, self.opened + opens
        return True

    @property
    def chunks(self) -> list[tuple[Group, list[str]]]:
        """The recipients of each chunk, at most `size`."""
        return [
            (group, people[start : start + self.size])
            for group, people in self.people.items()
            for start in range(0, len(people), self.size)
        ]


def pages(send: Send, people: Iterator[str]) -> Iterator[Page]:
    """Cut ordered contact ids into pages, as long as they may be."""
    page = Page(int(send.chunk_size))
    while block := list(itertools.islice(people, MOST_IN_BATCH_GET)):
        keys = [Contact.key(send.tenant, contact_id) for contact_id in block]
        found = {contact.contact_id: contact for contact in Contact.many(keys, consistent=False)}
        for contact_id in block:
            group = group_of(found.get(contact_id), send)
            if not page.add(group, contact_id):
                yield page
                page = Page(int(send.chunk_size))
                page.add(group, contact_id)
    if page.number:
        yield page
