"""A claimed chunk: taking it, and what is written under the claim. Whoever lost the claim writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, ids
from drumbeat.channels import imprint
from drumbeat.contacts.model import Contact
from drumbeat.logs import logger
from drumbeat.sends import due, ledger, moving, quotas, settling
from drumbeat.sends.ledger import merged
from drumbeat.sends.model import Chunk, ChunkState, Outcome, Send
from drumbeat.sends.moment import frequency, looking
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

# Longer than the worker may run: whoever still holds the claim then is dead.
LEASE = timedelta(seconds=90)


@dataclass
class Work:
    """A claimed chunk and what is being found out about it. `seen_at` (wall time) is when what is known of its send and
    its recipients was true; `full_until` is when its send's limits let it go on; `texts` are what messages say whose
    length is paid for. `waiting` is who has to wait for a better moment, why and until when; `placed` are those whose
    messages have taken a place under frequency caps. `moves`: who is left is another account's."""

    send: Send
    chunk: Chunk
    claim: str
    seen_at: datetime
    people: dict[int, Contact] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    message_ids: dict[int, str] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)
    full_until: datetime | None = None
    waiting: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    placed: set[int] = field(default_factory=set)
    moves: bool = False


def claim(send: Send, chunk: Chunk, seen_at: datetime) -> Work | None:
    """Take the chunk: PENDING → SENDING under a new claim, which fences off everyone else. `seen_at` (wall time) is
    when the send was read."""
    now = clock.business()
    lease = clock.wall() + LEASE
    cls, named = Chunk, ids.new("clm")
    try:
        chunk.change(
            cls.state.set(ChunkState.SENDING.value),
            cls.claim.set(named),
            cls.claimed_at.set(now),
            cls.lease_until.set(lease),
            cls.attempts.add(1),
            cls.gsi2sk.set(
                due.sort_key(clock.business_time_of(lease), ChunkState.SENDING, len(chunk.to_do), chunk.place)
            ),
            cls.calling.remove(),
            cls.held.remove(),
            # Who has claimed it meanwhile may have left people in doubt of whom this copy knows nothing.
            condition=(cls.state == ChunkState.PENDING.value) & (cls.attempts == chunk.attempts),
        )
    except ConditionFailed:
        return None
    return Work(send, chunk, named, seen_at)


def about_to_call(work: Work, texts: Mapping[int, str]) -> bool:
    """Keep the imprints of what is about to be said; False when somebody else has the chunk by now: then it must not
    be."""
    kept = {str(number): imprint(text) for number, text in texts.items()}
    try:
        work.chunk.change(Chunk.imprints.set(kept), condition=Chunk.claim == work.claim)
    except ConditionFailed:
        return False
    return True


def look_up_reserved(work: Work) -> None:
    """Whether the limits had counted this call when it came to nothing: the answer may have been lost."""
    stored = Chunk.fetch(*work.chunk.place.chunk_key)
    if stored is not None and stored.claim == work.claim:
        work.chunk.calling, work.chunk.held = stored.calling, stored.held


def record(work: Work, *, wait: timedelta = timedelta(0), span: int | None = None) -> None:
    """Write the outcomes down. Who is left makes the chunk due again, now or after `wait`; then it is settled of whom
    nobody knows whether they were sent, and then it is done."""
    cls, now = Chunk, clock.business()
    outcomes = merged(work.chunk.outcomes, work.outcomes)
    doubtful = work.chunk.in_doubt | work.doubtful
    still = [n for n, letter in enumerate(outcomes) if letter == Outcome.TO_DO and n not in doubtful]
    left, waiting = len(still), {number: work.waiting[number] for number in still if number in work.waiting}
    actions: list[Any] = [*ledger.doubts(work.chunk, doubtful), looking.noted(work.chunk, waiting, now)]
    if work.doubtful:
        actions.append(cls.unknown_since.set(now))
    if span:
        actions.append(cls.span.set(span))
    if left:
        at = max(now + wait, work.full_until or now)
        if len(waiting) == left:
            at = max(at, min(until for _, until in waiting.values()))
        actions += [cls.state.set(ChunkState.PENDING.value), cls.not_before.set(at)]
        actions.append(cls.gsi2sk.set(due.sort_key(at, ChunkState.PENDING, left, work.chunk.place)))
        if work.moves:
            actions += moving.changes(work.send, work.chunk, outcomes)
    elif doubtful:
        since = now if work.doubtful else work.chunk.unknown_since or now
        look = settling.next_look(now, since, work.send)
        actions.append(cls.state.set(ChunkState.UNKNOWN.value))
        actions.append(cls.gsi2sk.set(due.sort_key(look, ChunkState.UNKNOWN, len(doubtful), work.chunk.place)))
    else:
        actions += [cls.state.set(ChunkState.DONE.value), *due.nothing()]
    _write(work, [*actions, cls.outcomes.set(outcomes)])


def _write(work: Work, actions: list[Any]) -> None:
    """Write under our claim. A lease that ran out meanwhile does not matter as long as nobody claimed the chunk
    again. What the limits counted and did not leave is given back."""
    cls, chunk = Chunk, work.chunk
    unsent = work.placed.difference(work.message_ids, work.doubtful)
    frequency.give_back(work.send.tenant, chunk, sorted(unsent), clock.business())
    notes = {**(chunk.notes or {}), **{str(number): note for number, note in work.notes.items()}}
    if notes:
        actions.append(cls.notes.set(notes))
    actions += ledger.facts(work.send, chunk, work.people, work.message_ids, work.texts)
    ours = (cls.claim == work.claim) & (cls.state != ChunkState.DONE.value)
    unused = 0
    if chunk.held:
        actions += [cls.calling.remove(), cls.held.remove()]
        unused = len(chunk.calling or ()) - len(work.message_ids) - len(work.doubtful)
    if unused:
        transaction = Transaction().update(
            cls,
            *chunk.place.chunk_key,
            actions,
            ours & (cls.state == ChunkState.SENDING.value) & cls.held.exists(),
        )
        quotas.give_back(transaction, chunk, unused)
        try:
            transaction.commit()
            return
        except TransactionRefused:
            logger.info("not given back", extra={"chunk": chunk.pk, "number": chunk.sk})
    change(chunk, *actions, condition=ours)


def change(chunk: Chunk, *actions: Any, condition: Any = None) -> None:
    """Change the chunk unless somebody else has it by now; then what happened is theirs to find out."""
    try:
        chunk.change(*actions, condition=condition, unchanged=condition is None)
    except ConditionFailed:
        logger.warning("lost the chunk", extra={"chunk": chunk.pk, "number": chunk.sk})
