"""The worker's side of a chunk: claim it, check each recipient again, send once, write down what became of each.

The order matters. A claim comes before the call, so that no two workers send the same chunk; the timeline rows come
before
the chunk's record, and have keys that follow from the claim, so that whoever repeats them writes the same rows.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from drumbeat import clock, ids, table
from drumbeat.channels import ses
from drumbeat.channels.outcomes import CallResult, CallState, Fate
from drumbeat.contacts import addresses, consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.logs import counted, logger
from drumbeat.sends import due, rendering, rollups, settling, states
from drumbeat.sends.ledger import merged, sent_rows
from drumbeat.sends.model import ENDED, Chunk, ChunkState, Content, Outcome, Place, Send, SendKey, SendState
from drumbeat.table import ConditionFailed
from drumbeat.templates.limits import TemplateError

# Longer than the worker may run: whoever still holds the claim then is dead.
LEASE = timedelta(seconds=90)
# After a throttled call: doubling from a minute, at most half an hour.
BACK_OFF, MOST_BACK_OFF = timedelta(minutes=1), timedelta(minutes=30)
_BLOCKED = {
    "no_consent": Outcome.NO_CONSENT,
    "revoked": Outcome.REVOKED,
    "no_address": Outcome.NO_ADDRESS,
}


@dataclass
class Work:
    """A claimed chunk and what is being found out about it."""

    send: Send
    chunk: Chunk
    people: dict[int, Contact] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)
    message_ids: dict[int, str] = field(default_factory=dict)


def look_at(place: Place) -> None:
    """Do whatever a chunk needs now: send it, settle it, close it, or nothing."""
    tenant, send_id, _, _ = place
    chunk = Chunk.fetch(*place.chunk_key)
    send = Send.fetch(*Send.key(tenant, send_id))
    if chunk is None or send is None or chunk.state == ChunkState.DONE:
        return
    if send.state in ENDED and chunk.state == ChunkState.PENDING:
        _close(send, chunk)
    elif chunk.state == ChunkState.PENDING and send.state != SendState.PAUSED:
        _deliver(send, chunk)
    elif chunk.state == ChunkState.PENDING:
        _give_back(chunk)
    else:
        settling.settle(send, chunk)
    rollups.request(tenant, send_id, send.launched_at)


def _close(send: Send, chunk: Chunk) -> None:
    """The send was cancelled: whoever was not sent, will not be."""
    outcomes = chunk.outcomes.replace(Outcome.TO_DO, Outcome.CANCELLED)
    _try(chunk, Chunk.state.set(ChunkState.DONE.value), Chunk.outcomes.set(outcomes), *due.nothing())


def _give_back(chunk: Chunk) -> None:
    """The send is paused and the chunk's message is spent: it is due again as soon as the send is resumed."""
    at = max(clock.business(), chunk.not_before or clock.business())
    _try(chunk, Chunk.gsi2sk.set(due.sort_key(at, ChunkState.PENDING, len(chunk.to_do), chunk.place)))


def _deliver(send: Send, chunk: Chunk) -> None:
    content = Content.fetch(*Content.key(send.tenant, send.send_id))
    key = SendKey.fetch(*SendKey.key(send.send_id))
    if content is None or key is None:
        raise LookupError(f"the content of {send.send_id} is missing")
    work = _claim(send, chunk)
    if work is None:
        return
    try:
        mails = _prepared(work, content, key.secret)
    except Exception:
        # Nothing has been sent, and that is known: it must not end as a doubt.
        _record(work, {"wait": _back_off(chunk)})
        raise
    if not mails:
        _record(work, {})
        return
    called = list(mails)
    result = ses.send(
        rendering.sender(content), content.reply_to, rendering.template(content), [mails[number] for number in called]
    )
    _act_on(work, called, result)


def _prepared(work: Work, content: Content, secret: bytes) -> dict[int, ses.Mail]:
    """The mails of one call: for whom we may write to, as many as fit."""
    _check(work)
    mails = _render(work, content, secret)
    if not mails:
        return {}
    most = ses.fitting(rendering.template(content), list(mails.values()))
    return dict(list(mails.items())[: min(most, int(work.chunk.span or most))])


def _claim(send: Send, chunk: Chunk) -> Work | None:
    """Take the chunk: PENDING → SENDING under a new claim, which fences off everyone else."""
    now = clock.business()
    lease = clock.wall() + LEASE
    if chunk.not_before and chunk.not_before > now:
        return None
    cls = Chunk
    try:
        chunk.change(
            cls.state.set(ChunkState.SENDING.value),
            cls.claim.set(ids.new("clm")),
            cls.claimed_at.set(now),
            cls.lease_until.set(lease),
            cls.attempts.add(1),
            cls.gsi2sk.set(
                due.sort_key(clock.business_time_of(lease), ChunkState.SENDING, len(chunk.to_do), chunk.place)
            ),
            condition=(cls.state == ChunkState.PENDING.value) & (cls.outcomes == chunk.outcomes),
        )
    except ConditionFailed:
        return None
    return Work(send, chunk)


def _check(work: Work) -> None:
    """Read the recipients as they are now and leave out whom we must not write to: consent is checked here, not when
    the chunk was planned."""
    everyone = work.chunk.contacts
    found = {contact.contact_id: contact for contact in contacts.many(work.send.tenant, everyone)}
    open_ones = work.chunk.to_do
    present = {number: found[everyone[number]] for number in open_ones if everyone[number] in found}
    held = suppressions.many(work.send.tenant, [person.email for person in present.values() if person.email])
    for number in open_ones:
        person = present.get(number)
        outcome, reason = _refused(person, held)
        if outcome is None and person is not None:
            work.people[number] = person
        elif outcome is not None:
            work.outcomes[number] = outcome
            if reason:
                work.notes[number] = reason


def _refused(person: Contact | None, held: dict[str, Suppression]) -> tuple[Outcome | None, str | None]:
    if person is None:
        return Outcome.GONE, None
    suppression = held.get(addresses.claim(person.email)) if person.email else None
    reason = consent.may_market(person, "email", suppression)
    if reason is None:
        return None, None
    if reason.startswith("suppressed"):
        return Outcome.SUPPRESSED, reason.partition(":")[2]
    return _BLOCKED[reason], None


def _render(work: Work, content: Content, secret: bytes) -> dict[int, ses.Mail]:
    """Mails by recipient number. Somebody whose data makes the template fail is rejected alone, with the reason."""
    mails: dict[int, ses.Mail] = {}
    for number, person in work.people.items():
        try:
            mails[number] = rendering.mail(content, person, work.chunk.place, number, secret, int(work.chunk.attempts))
        except TemplateError as error:
            work.outcomes[number] = Outcome.REJECTED
            work.notes[number] = f"template: {error.message}"[:200]
    return mails


def _act_on(work: Work, called: list[int], result: CallResult) -> None:
    """Turn the provider's answer into outcomes."""
    logger.info("provider answered", extra={"send": work.send.send_id, "state": result.state, "reason": result.reason})
    if result.state == CallState.ANSWERED:
        _answered(work, called, result)
    elif result.state == CallState.UNKNOWN:
        _in_doubt(work, called)
    elif result.state == CallState.REFUSED and len(called) == 1:
        work.outcomes[called[0]] = Outcome.REJECTED
        work.notes[called[0]] = result.reason
        _record(work, {})
    elif result.state == CallState.REFUSED:
        # Something in it is wrong: halve, until what is wrong stands alone.
        _record(work, {"span": (len(called) + 1) // 2})
    else:
        if result.state == CallState.ACCOUNT:
            states.pause(work.send.tenant, work.send.send_id, f"provider_refused:{result.reason}")
        _record(work, {"wait": _back_off(work.chunk)})


def _answered(work: Work, called: list[int], result: CallResult) -> None:
    again = False
    for number, entry in zip(called, result.entries, strict=True):
        if entry.fate == Fate.ACCEPTED:
            work.outcomes[number] = Outcome.ACCEPTED
            work.message_ids[number] = entry.message_id or ""
        elif entry.fate == Fate.REJECTED:
            work.outcomes[number] = Outcome.REJECTED
            work.notes[number] = entry.reason or "rejected"
        else:
            again = True
    table.put_many(sent_rows(work.send, work.chunk, work.people, work.message_ids))
    counted("Sends", len(work.message_ids))
    span = work.chunk.span
    wider = {"span": min(ses.MOST_RECIPIENTS, int(span) * 2)} if span else {}
    _record(work, {**wider, "wait": _back_off(work.chunk)} if again else wider)


def _in_doubt(work: Work, called: list[int]) -> None:
    """Nobody knows whether these were sent. Their events will tell, or the end of the grace (settling)."""
    now = clock.business()
    cls = Chunk
    _write(
        work,
        [
            cls.state.set(ChunkState.UNKNOWN.value),
            cls.doubtful.set(set(called)),
            cls.unknown_since.set(now),
            cls.gsi2sk.set(
                due.sort_key(settling.next_look(now, now, work.send), ChunkState.UNKNOWN, len(called), work.chunk.place)
            ),
        ],
    )


def _record(work: Work, change: dict[str, Any]) -> None:
    """Write the outcomes down; who is left makes the chunk due again, now or after `wait`."""
    outcomes = merged(work.chunk.outcomes, work.outcomes)
    left = outcomes.count(Outcome.TO_DO)
    cls = Chunk
    actions: list[Any] = []
    if "span" in change:
        actions.append(cls.span.set(change["span"]))
    if left:
        at = clock.business() + change.get("wait", timedelta(0))
        actions += [cls.state.set(ChunkState.PENDING.value), cls.not_before.set(at)]
        actions.append(cls.gsi2sk.set(due.sort_key(at, ChunkState.PENDING, left, work.chunk.place)))
    else:
        actions += [cls.state.set(ChunkState.DONE.value), *due.nothing()]
    _write(work, actions)


def _write(work: Work, actions: list[Any]) -> None:
    """Write under our claim. A lease that ran out meanwhile does not matter as long as nobody claimed the chunk
    again."""
    cls = Chunk
    notes = {**(work.chunk.notes or {}), **{str(number): note for number, note in work.notes.items()}}
    if notes:
        actions.append(cls.notes.set(notes))
    actions.append(cls.outcomes.set(merged(work.chunk.outcomes, work.outcomes)))
    _try(work.chunk, *actions, claim=work.chunk.claim)


def _try(chunk: Chunk, *actions: Any, claim: str | None = None) -> None:
    """Change the chunk unless somebody else has it by now; then what happened is theirs to find out."""
    try:
        if claim is None:
            chunk.change(*actions, unchanged=True)
        else:
            chunk.change(*actions, condition=(Chunk.claim == claim) & (Chunk.state != ChunkState.DONE.value))
    except ConditionFailed:
        logger.warning("lost the chunk", extra={"chunk": chunk.pk, "number": chunk.sk})


def _back_off(chunk: Chunk) -> timedelta:
    doublings: int = min(10, int(chunk.attempts) - 1)
    return min(MOST_BACK_OFF, BACK_OFF * (1 << doublings))
