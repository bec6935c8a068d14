"""How much marketing a person has had lately: exact, with several workers, lost answers and repeats.

    pk                              sk           ttl
    FREQUENCY#<tenant>#<contact>    FREQUENCY    a month after the last message

A message takes its place here before it is called for, and gives it back when it was not sent for sure; whoever may
have been sent keeps it. A place has the message's id, so that taking it twice is taking it once: what a worker took
that died is the message's own when it is tried again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial

from pynamodb.exceptions import PynamoDBException

from drumbeat import clock
from drumbeat.contacts.model import CompactJSON, Contact
from drumbeat.logs import logger
from drumbeat.sends.model import Chunk, Send
from drumbeat.sends.moment import caps, terms
from drumbeat.sends.moment.caps import KEPT, Window
from drumbeat.table import ConditionFailed, Entity, NumberAttribute, retried

# Each refusal means that somebody else wrote the row, and a person is in few calls at once.
TRIES = 50


class Frequency(Entity):
    """What a person got: `taken` is message id → [business time, channel]."""

    TYPE = "FREQUENCY"

    taken = CompactJSON(default=dict)
    ttl = NumberAttribute()

    @staticmethod
    def key(tenant: str, contact_id: str) -> tuple[str, str]:
        return f"FREQUENCY#{tenant}#{contact_id}", "FREQUENCY"


def take(
    send: Send, chunk: Chunk, people: Mapping[int, Contact], placed: set[int], now: datetime
) -> dict[int, datetime]:
    """Take a place for the message of each; gives for whom there was none, and when there will be. Nothing is read or
    written for whom nothing binds. `placed` gets those who may have a place now, also when this fails."""
    asked = {number: bound for number, person in people.items() if (bound := terms.windows(send, person))}
    if not asked:
        return {}
    keys = {number: Frequency.key(send.tenant, people[number].contact_id) for number in asked}
    rows = {row.pk: row for row in Frequency.many(keys.values())}
    full: dict[int, datetime] = {}
    for number, bound in asked.items():
        placed.add(number)
        message = chunk.place.message(number)
        at = _taken(keys[number], rows.get(keys[number][0]), message, send.channel, bound, now)
        if at > now:
            full[number] = at
            placed.discard(number)
    return full


def _taken(
    key: tuple[str, str], row: Frequency | None, message: str, channel: str, bound: list[Window], now: datetime
) -> datetime:
    """Take a place; now, or when there will be room. Raises ConditionFailed when somebody else always is quicker."""
    for _ in range(TRIES):
        held = row.taken if row else {}
        at = caps.room_at(held, bound, message, now)
        if at > now:
            return at
        try:
            _write(key, row, caps.after(held, message, channel, now), now)
        except ConditionFailed as met:
            row = Frequency.from_raw_data(met.found) if met.found else None
            continue
        return now
    raise ConditionFailed(None)


def _write(key: tuple[str, str], row: Frequency | None, taken: dict[str, object], now: datetime) -> None:
    """Raises ConditionFailed when it is not as it was read."""
    ends = int(clock.wall_time_of(now + KEPT).timestamp())
    if row is None:
        Frequency(*key, taken=taken, ttl=ends).create()
    else:
        row.change(Frequency.taken.set(taken), Frequency.ttl.set(ends), unchanged=True)


def give_back(tenant: str, chunk: Chunk, numbers: Iterable[int], now: datetime) -> None:
    """The messages to these were not sent, and that is known: their places are free again. To be called under the
    chunk's claim, or a message that somebody else sends by then would lose its place.

    Where that fails the message keeps its place: nobody gets too much for it, and it is the message's own when it is
    tried again. What became of the others must be written down all the same."""
    for number in numbers:
        key, message = Frequency.key(tenant, chunk.contacts[number]), chunk.place.message(number)
        try:
            retried(partial(_give_back, key, message, now))
        except (ConditionFailed, PynamoDBException):
            logger.exception("a place was not given back", extra={"chunk": chunk.pk, "number": chunk.sk})


def _give_back(key: tuple[str, str], message: str, now: datetime) -> None:
    row = Frequency.fetch(*key)
    if row is not None and message in row.taken:
        _write(key, row, caps.without(row.taken, message, now), now)
