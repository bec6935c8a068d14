"""Chunks of which nobody knows whether they were sent: a call timed out, or its worker died.

Provider events carry chunk and recipient, so any event proves that a message was accepted; and some providers can be
asked (drumbeat.sends.asking). Who is in doubt still by the end of the grace is sent to again (`after_grace`) or given
up (`never`), as the tenant's policy says. Either way it is written down.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, table
from drumbeat.channels.outcomes import Entry, Fate
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.sends import asking, due, ledger, stats
from drumbeat.sends.ledger import merged, sent_rows
from drumbeat.sends.model import ENDED, PROOFS, Chunk, ChunkState, Outcome, Send, Stat
from drumbeat.table import ConditionFailed

FIRST_LOOK = timedelta(minutes=2)


def next_look(now: datetime, since: datetime, send: Send) -> datetime:
    """When to look for proof again: after two minutes (sooner where the provider can be asked), then after as long as
    it has been, at the latest when the grace ends."""
    end = since + timedelta(seconds=int(send.grace_seconds))
    first = asking.FIRST_ASK * clock.SCALE if asking.possible(send) else FIRST_LOOK
    return min(end, now + max(first, now - since)) if now < end else now


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
    told = asking.answers(send, chunk, doubtful - proven)
    sent = dict.fromkeys(proven, "") | {number: it.message_id or "" for number, it in told.items() if _was_sent(it)}
    # Who was not sent for sure is to be sent as if nothing had happened, whatever the policy.
    in_doubt = doubtful - proven - frozenset(told)
    again: frozenset[int] = frozenset()
    outcomes = merged(chunk.outcomes, dict.fromkeys(sent, Outcome.ACCEPTED))
    if now >= since + timedelta(seconds=int(send.grace_seconds)):
        if send.unknown_policy == "never" or send.state in ENDED:
            outcomes = merged(outcomes, dict.fromkeys(in_doubt, Outcome.GIVEN_UP))
        else:
            again = in_doubt
        in_doubt = frozenset()
    facts: list[Any] = []
    if proven or told:
        facts = [_settled(chunk, {"events": proven, "asking": frozenset(told)})]
    if sent:
        facts += ledger.facts(send, chunk, _tell(send, chunk, sent), sent, {})
    _write(send, chunk, outcomes, in_doubt, again, since, facts)


def _was_sent(entry: Entry) -> bool:
    return entry.fate == Fate.ACCEPTED


def _settled(chunk: Chunk, by: Mapping[str, frozenset[int]]) -> Any:
    """Who is in doubt no more, and because of what: sets, so that whoever says it again changes nothing."""
    known = dict(chunk.settled or {})
    told = {what: sorted({*known.get(what, ()), *numbers}) for what, numbers in by.items() if numbers}
    return Chunk.settled.set({**known, **told})


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
    sets = Stat.sets_of(stats.of([chunk]).get(chunk.place, {}))
    return {number for name, members in sets.items() if name in PROOFS or name.startswith("l") for number in members}


def _tell(send: Send, chunk: Chunk, sent: Mapping[int, str]) -> dict[int, Contact]:
    """Write the timeline rows that the lost call would have written, with the provider's ids where they are known;
    gives whom they are of."""
    everyone = chunk.contacts
    found = {contact.contact_id: contact for contact in contacts.many(send.tenant, [everyone[n] for n in sorted(sent)])}
    people = {number: found[everyone[number]] for number in sent if everyone[number] in found}
    table.put_many(sent_rows(send, chunk, people, {number: sent[number] for number in people}))
    return people
