"""Chunks of which nobody knows whether they were sent: a call timed out, or its worker died.

Provider events carry chunk and recipient, so any event proves that a mail was accepted. Who has none by the end of the
grace is sent again (`after_grace`) or given up (`never`), as the tenant's policy says. Either way it is written down.
"""

from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, table
from drumbeat.contacts import model as contacts
from drumbeat.sends import due
from drumbeat.sends.ledger import merged, sent_rows
from drumbeat.sends.model import ENDED, PROOFS, Chunk, ChunkState, Outcome, Send, Stat
from drumbeat.table import ConditionFailed

FIRST_LOOK = timedelta(minutes=2)


def next_look(now: datetime, since: datetime, send: Send) -> datetime:
    """When to look for proof again: after two minutes, then after as long as it has been, at the latest when the
    grace ends."""
    end = since + timedelta(seconds=int(send.grace_seconds))
    return min(end, now + max(FIRST_LOOK, now - since)) if now < end else now


def settle(send: Send, chunk: Chunk) -> None:
    """Look for proof, and decide when the grace is over."""
    now = clock.business()
    if chunk.state == ChunkState.SENDING:
        if chunk.lease_until and chunk.lease_until > clock.wall():
            return
        # Whoever had the claim is dead. It may have died before or after the call.
        chunk.doubtful, chunk.unknown_since = {float(number) for number in chunk.to_do}, now
    doubtful = {int(number) for number in chunk.doubtful or ()}
    since = chunk.unknown_since or now
    proven = doubtful & _proofs(chunk)
    in_doubt = doubtful - proven
    outcomes = merged(chunk.outcomes, dict.fromkeys(proven, Outcome.ACCEPTED))
    if now >= since + timedelta(seconds=int(send.grace_seconds)):
        if send.unknown_policy == "never" or send.state in ENDED:
            outcomes = merged(outcomes, dict.fromkeys(in_doubt, Outcome.GIVEN_UP))
        in_doubt = set()
    if proven:
        _tell(send, chunk, proven)
    _write(send, chunk, outcomes, in_doubt, since, now)


def _write(send: Send, chunk: Chunk, outcomes: str, in_doubt: set[int], since: datetime, now: datetime) -> None:
    cls = Chunk
    left = outcomes.count(Outcome.TO_DO)
    actions: list[Any] = [cls.outcomes.set(outcomes)]
    if in_doubt:
        at = next_look(now, since, send)
        actions += [
            cls.state.set(ChunkState.UNKNOWN.value),
            cls.doubtful.set({float(number) for number in in_doubt}),
            cls.unknown_since.set(since),
        ]
        actions.append(cls.gsi2sk.set(due.sort_key(at, ChunkState.UNKNOWN, left, chunk.place)))
    elif left:
        actions += [cls.state.set(ChunkState.PENDING.value), cls.doubtful.remove(), cls.not_before.set(now)]
        actions.append(cls.gsi2sk.set(due.sort_key(now, ChunkState.PENDING, left, chunk.place)))
    else:
        actions += [cls.state.set(ChunkState.DONE.value), cls.doubtful.remove(), *due.nothing()]
    # The claim stays on the item until the next one: a worker that was only slow may still write what it knows.
    try:
        chunk.change(*actions, unchanged=True)
    except ConditionFailed:
        # It was written meanwhile, so what was decided here is out of date; the chunk is due again by itself.
        return


def _proofs(chunk: Chunk) -> set[int]:
    """The recipients of whom any event has come."""
    data = table.connection(Stat).get_item(*chunk.place.stat_key, consistent_read=True)
    sets = Stat.sets_of(data.get("Item", {}))
    return {number for name, members in sets.items() if name in PROOFS or name.startswith("l") for number in members}


def _tell(send: Send, chunk: Chunk, proven: set[int]) -> None:
    """The timeline rows that the lost call would have written."""
    everyone = chunk.contacts
    found = {
        contact.contact_id: contact for contact in contacts.many(send.tenant, [everyone[n] for n in sorted(proven)])
    }
    people = {number: found[everyone[number]] for number in proven if everyone[number] in found}
    table.put_many(sent_rows(send, chunk, people, dict.fromkeys(people, "")))
