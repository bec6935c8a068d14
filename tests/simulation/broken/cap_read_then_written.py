"""Broken on purpose: looks how much somebody has had, sends, and then writes down that it was one more. Who looks in
between sends as well; what a worker sent that died is never counted."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from drumbeat.contacts.model import Contact
from drumbeat.sends.model import Chunk, Send
from drumbeat.sends.moment import caps, frequency, terms
from drumbeat.sends.moment.frequency import Frequency

from tests.simulation import edge

# For whom there was room, by claim.
_looked: dict[str, set[int]] = {}


def take(
    send: Send, chunk: Chunk, people: Mapping[int, Contact], placed: set[int], now: datetime
) -> dict[int, datetime]:
    """Who has had enough; nothing is written."""
    full: dict[int, datetime] = {}
    for number, person in people.items():
        row = Frequency.fetch(*Frequency.key(send.tenant, person.contact_id))
        bound, message = terms.windows(send, person), chunk.place.message(number)
        at = caps.room_at(row.taken if row else {}, bound, message, now)
        if at > now:
            full[number] = at
        elif bound:
            placed.add(number)
            _looked.setdefault(chunk.claim, set()).add(number)
    return full


def count(tenant: str, chunk: Chunk, unsent: Iterable[int], now: datetime) -> None:
    """One more for whoever was sent."""
    for number in _looked.pop(chunk.claim, set()).difference(unsent):
        key, message = Frequency.key(tenant, chunk.contacts[number]), chunk.place.message(number)
        row = Frequency.fetch(*key)
        taken = caps.after(row.taken if row else {}, message, "email", now)
        Frequency(*key, taken=taken, ttl=int(now.timestamp()) + 10**6).save()


@contextmanager
def broken() -> Iterator[None]:
    """Counted behind the call."""
    with edge.instead(frequency, take=take, give_back=count):
        yield
