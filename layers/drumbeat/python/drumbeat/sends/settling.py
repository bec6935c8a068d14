"""Chunks of which nobody knows whether they were sent: a call timed out, or its worker died.

Provider events carry chunk and recipient, so any event proves that a mail was accepted. Who has none by the end of the
grace is sent again (`after_grace`) or given up (`never`), as the tenant's policy says. Either way it is written down.
"""

from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, table
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.sends import due, ledger
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
    doubtful, since = chunk.in_doubt, chunk.unknown_since or now
    if chunk.state == ChunkState.SENDING:
        if chunk.lease_until and chunk.lease_until > clock.wall():
            return
        # Whoever had the claim is dead. It may have died before or after the call.
        called = chunk.to_do if chunk.calling is None else [int(number) for number in chunk.calling]
        doubtful, since = doubtful | set(called), now
    proven = doubtful & _proofs(chunk)
    in_doubt = doubtful - proven
    again: frozenset[int] = frozenset()
    outcomes = merged(chunk.outcomes, dict.fromkeys(proven, Outcome.ACCEPTED))
    if now >= since + timedelta(seconds=int(send.grace_seconds)):
        if send.unknown_policy == "never" or send.state in ENDED:
            outcomes = merged(outcomes, dict.fromkeys(in_doubt, Outcome.GIVEN_UP))
        else:
            again = in_doubt
        in_doubt = frozenset()
    facts: list[Any] = []
    if proven:
        facts = [_settled(chunk, "events", proven), *ledger.facts(chunk, _tell(send, chunk, set(proven)), proven)]
    _write(send, chunk, outcomes, in_doubt, again, since, facts)


def _settled(chunk: Chunk, by: str, numbers: frozenset[int]) -> Any:
    """Who is in doubt no more, and because of what: a set, so that whoever says it again changes nothing."""
    known = dict(chunk.settled or {})
    return Chunk.settled.set({**known, by: sorted({*known.get(by, ()), *numbers})})


def _write(
    send: Send,
    chunk: Chunk,
    outcomes: str,
    in_doubt: frozenset[int],
    again: frozenset[int],
    since: datetime,
    facts: list[Any],
) -> None:
    """`in_doubt` go on waiting for proof; `again` are sent once more, and who else is left goes on meanwhile. `facts`
    are what the ledger keeps of those who are proven."""
    cls, now = Chunk, clock.business()
    left = outcomes.count(Outcome.TO_DO) - len(in_doubt)
    actions: list[Any] = [*facts, cls.outcomes.set(outcomes), cls.calling.remove(), cls.held.remove()]
    actions += ledger.doubts(chunk, in_doubt)
    if in_doubt:
        actions.append(cls.unknown_since.set(since))
    if again:
        actions.append(cls.doubted.add(set(again)))
    if left:
        actions += [cls.state.set(ChunkState.PENDING.value), cls.not_before.set(now)]
        actions.append(cls.gsi2sk.set(due.sort_key(now, ChunkState.PENDING, left, chunk.place)))
    elif in_doubt:
        at = next_look(now, since, send)
        actions.append(cls.state.set(ChunkState.UNKNOWN.value))
        actions.append(cls.gsi2sk.set(due.sort_key(at, ChunkState.UNKNOWN, len(in_doubt), chunk.place)))
    else:
        actions += [cls.state.set(ChunkState.DONE.value), *due.nothing()]
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


def _tell(send: Send, chunk: Chunk, proven: set[int]) -> dict[int, Contact]:
    """Write the timeline rows that the lost call would have written; gives whom they are of."""
    everyone = chunk.contacts
    found = {
        contact.contact_id: contact for contact in contacts.many(send.tenant, [everyone[n] for n in sorted(proven)])
    }
    people = {number: found[everyone[number]] for number in proven if everyone[number] in found}
    table.put_many(sent_rows(send, chunk, people, dict.fromkeys(people, "")))
    return people
