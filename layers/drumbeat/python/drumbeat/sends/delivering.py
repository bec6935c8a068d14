"""The worker's side of a chunk: claim it, check each recipient again, send once, write down what became of each.

The order matters. A claim comes before the call, so that no two workers send the same chunk; the timeline rows come
before the chunk's record, and have keys that follow from the claim, so that whoever repeats them writes the same rows.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from drumbeat import channels, clock, providers, table
from drumbeat.channels import Account, Call, Message
from drumbeat.channels.outcomes import CallResult, CallState, Fate
from drumbeat.logs import counted, logger
from drumbeat.sends import (
    asking,
    checking,
    claims,
    due,
    gate,
    moving,
    provider_messages,
    quotas,
    refusals,
    rendering,
    rollups,
    settling,
    states,
)
from drumbeat.sends.claims import Work
from drumbeat.sends.ledger import merged, sent_rows
from drumbeat.sends.model import ENDED, Chunk, ChunkState, Content, Outcome, Place, Send, SendKey, SendState
from drumbeat.templates.bodies import choose
from drumbeat.templates.limits import TemplateError

# After a throttled call: doubling from a minute, at most half an hour.
BACK_OFF, MOST_BACK_OFF = timedelta(minutes=1), timedelta(minutes=30)
# Wall time after which the send's state is too old to claim a chunk: a pause is to hold within ten seconds.
STALE = timedelta(seconds=5)


def look_at(place: Place, released: datetime | None = None) -> None:
    """Do whatever a chunk needs now: send it, settle it, close it, or nothing. `released` (wall time) is when the
    governor handed it over."""
    tenant, send_id, _, _ = place
    chunk = Chunk.fetch(*place.chunk_key)
    seen_at = clock.wall()
    send = Send.fetch(*Send.key(tenant, send_id))
    if chunk is None or send is None or chunk.state == ChunkState.DONE:
        return
    if not gate.is_home(send):
        return  # it stays as it is, and is due again by itself
    if send.state in ENDED and chunk.state == ChunkState.PENDING:
        _close(send, chunk, Outcome.CANCELLED)
    elif chunk.state == ChunkState.PENDING and states.is_expired(send):
        _close(send, chunk, Outcome.EXPIRED)
    elif chunk.state == ChunkState.PENDING and send.state != SendState.PAUSED:
        _deliver(send, chunk, seen_at, released)
    elif chunk.state == ChunkState.PENDING:
        _give_back(chunk, chunk.not_before or clock.business())
    else:
        settling.settle(send, chunk)
    rollups.request(tenant, send_id, send.launched_at)


def _close(send: Send, chunk: Chunk, outcome: Outcome) -> None:
    """The send was cancelled or has expired: whoever was not sent, will not be. Who may have been is no such one."""
    doubted = {int(number) for number in chunk.doubted or ()}
    found = {number: Outcome.GIVEN_UP if number in doubted else outcome for number in chunk.sendable}
    outcomes = Chunk.outcomes.set(merged(chunk.outcomes, found))
    if not chunk.in_doubt:
        claims.change(chunk, Chunk.state.set(ChunkState.DONE.value), outcomes, *due.nothing())
        return
    now = clock.business()
    look = settling.next_look(now, chunk.unknown_since or now, send)
    sort = due.sort_key(look, ChunkState.UNKNOWN, len(chunk.in_doubt), chunk.place)
    claims.change(chunk, Chunk.state.set(ChunkState.UNKNOWN.value), outcomes, Chunk.gsi2sk.set(sort))


def _give_back(chunk: Chunk, at: datetime) -> None:
    """The chunk's message is spent and it was not sent: its send is paused, or its account takes no calls. It is due
    again then, or as soon as the send is resumed."""
    at = max(clock.business(), at)
    sort = due.sort_key(at, ChunkState.PENDING, len(chunk.sendable), chunk.place)
    claims.change(chunk, Chunk.not_before.set(at), Chunk.gsi2sk.set(sort))


def _deliver(send: Send, chunk: Chunk, seen_at: datetime, released: datetime | None) -> None:
    if chunk.not_before and chunk.not_before > clock.business():
        return
    content = Content.fetch(*Content.key(send.tenant, send.send_id))
    key = SendKey.fetch(*SendKey.key(send.send_id))
    if content is None or key is None:
        raise LookupError(f"the content of {send.send_id} is missing")
    if clock.wall() - seen_at > STALE:
        _give_back(chunk, clock.business())
        return
    account = account_of(send, chunk)
    verdict = gate.ask(account.id, released)
    if moving.is_called_for(verdict.row, send, clock.business()) and verdict.probe is None and moving.move(send, chunk):
        return
    if not verdict.may_call:
        _give_back(chunk, verdict.again or clock.business())
        return
    try:
        result = _called(send, chunk, account, content, key.secret, seen_at)
    except Exception:
        gate.heard(verdict, None)
        raise
    gate.heard(verdict, result)


def account_of(send: Send, chunk: Chunk) -> Account:
    """The provider account that a chunk leaves over now. Raises NotFound for one that its tenant has deleted."""
    return providers.account(send.tenant, send.channel, chunk.account or send.account)


def _called(
    send: Send, chunk: Chunk, account: Account, content: Content, secret: bytes, seen_at: datetime
) -> CallResult | None:
    """Claim the chunk, make its call and write down what came of it; None when no call was made."""
    work = claims.claim(send, chunk, seen_at)
    if work is None:
        return None
    try:
        call, called = _prepared(work, _with_credentials(account), content, secret)
        messages = checking.still_true(work, called)
        ours = _written_down(work, account, call, messages)
    except Exception:
        # Nothing has been sent, and that is known: it must not end as a doubt.
        claims.look_up_reserved(work)
        claims.record(work, wait=_back_off(chunk))
        raise
    if call is None or not messages:
        claims.record(work)
        return None
    if not ours:
        return None
    if channels.get(account.channel).paid_by_length:
        work.texts = {number: call.whole(message).text for number, message in messages.items()}
    provider = channels.provider(account.channel, account.provider)
    result = provider.send(replace(call, messages=list(messages.values())))
    _act_on(work, list(messages), result)
    return result


def _with_credentials(account: Account) -> Account:
    """The account with its secrets read: what keeps them from being read must not look like a call without an answer.
    Raises NotFound and Unavailable."""
    held = account.credentials()
    return replace(account, credentials=lambda: held)


def _written_down(work: Work, account: Account, call: Call | None, messages: Mapping[int, Message]) -> bool:
    """Keep with the chunk what is about to be said, where the provider can be asked about it; False when somebody else
    has the chunk by now."""
    if call is None or not messages or channels.provider(account.channel, account.provider).ask is None:
        return True
    return claims.about_to_call(work, {number: call.whole(message).text for number, message in messages.items()})


def _prepared(work: Work, account: Account, content: Content, secret: bytes) -> tuple[Call | None, dict[int, Message]]:
    """One call and its messages by recipient: for whom we may write to, as many as fit into it and into the send's
    limits. Their content is the default or that of a language; who reads another one is left for the next claim."""
    checking.check(work)
    content = _in_one_language(work, content)
    messages = _render(work, content, secret)
    if not messages:
        return None, {}
    tracked = _tracked(work, next(iter(messages)))  # a call has one template
    messages = {number: message for number, message in messages.items() if _tracked(work, number) == tracked}
    call = Call(
        account, rendering.sender(content), rendering.template(content, tracked=tracked), list(messages.values()),
        content.reply_to, content.said or {}, content.route, work.claim, tracked,
    )  # fmt: skip
    most = channels.provider(account.channel, account.provider).fitting(call)
    chosen = list(messages)[: min(most, int(work.chunk.span or most))]
    now = clock.business()
    limits = quotas.caps(work.send, now)
    if limits:
        chosen = quotas.reserve(work.send.tenant, work.chunk, chosen, limits, now)
        work.full_until = None if chosen else quotas.until(work.send.tenant, limits, now)
    chosen = checking.with_room(work, chosen, now)
    return call, {number: messages[number] for number in chosen}


def _in_one_language(work: Work, default: Content) -> Content:
    """The content for most of the people, who alone stay: a call has one template."""
    if not default.languages or not work.people:
        return default
    reads = {number: choose(person.language, default.languages) for number, person in work.people.items()}
    tag, _ = Counter(reads.values()).most_common(1)[0]
    work.people = {number: person for number, person in work.people.items() if reads[number] == tag}
    content = Content.fetch(*Content.key(work.send.tenant, work.send.send_id, tag)) if tag else default
    if content is None:
        raise LookupError(f"the content of {work.send.send_id} in {tag} is missing")
    return content


def _tracked(work: Work, number: int) -> bool:
    return work.people[number].tracking is not False


def _render(work: Work, content: Content, secret: bytes) -> dict[int, Message]:
    """Messages by recipient number. Somebody whose data makes the template fail is rejected alone, with the reason."""
    messages: dict[int, Message] = {}
    for number, person in work.people.items():
        try:
            messages[number] = rendering.message(
                content, person, work.chunk.place, number, secret, int(work.chunk.attempts)
            )
        except TemplateError as error:
            work.outcomes[number] = Outcome.REJECTED
            work.notes[number] = f"template: {error.message}"[:200]
    return messages


def _act_on(work: Work, called: list[int], result: CallResult) -> None:
    """Turn the provider's answer into outcomes."""
    logger.info("provider answered", extra={"send": work.send.send_id, "state": result.state, "reason": result.reason})
    if result.state == CallState.ANSWERED:
        _answered(work, called, result)
    elif result.state == CallState.UNKNOWN:
        # Their events will tell, or the end of the grace (settling).
        work.doubtful = set(called)
        claims.record(work)
    elif result.state == CallState.REFUSED and len(called) == 1:
        work.outcomes[called[0]] = Outcome.REJECTED
        work.notes[called[0]] = result.reason
        claims.record(work)
    elif result.state == CallState.REFUSED:
        # Something in it is wrong: halve, until what is wrong stands alone.
        claims.record(work, span=(len(called) + 1) // 2)
    elif _moves(work, result):
        if result.state == CallState.ACCOUNT and work.chunk.account in (None, work.send.account):
            moving.refuse(work.send, work.chunk, result.reason)
        _record_moved(work)
    else:
        # Who was in doubt stays with the first account, while the others of the send go on over the second one.
        stays = moving.has_second(work.send, work.chunk) and not moving.may(work.send, work.chunk)
        if result.state == CallState.ACCOUNT and not stays:
            states.pause(work.send.tenant, work.send.send_id, f"provider_refused:{result.reason}")
        claims.record(work, wait=_wait(work, result))


def _moves(work: Work, result: CallResult) -> bool:
    """Whether who is left is another account's from now on, which waits for them."""
    return moving.wanted(work.send, work.chunk, result) and moving.ready(work.send)


def _record_moved(work: Work) -> None:
    work.moves = True
    claims.record(work)
    moving.announce(work.send)
    moving.told(work.send, len(work.chunk.to_do))


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
    if asking.possible(work.send):
        provider_messages.note(work.chunk.place, work.message_ids)
    refusals.tell(work, called, result.entries)
    table.put_many(sent_rows(work.send, work.chunk, work.people, work.message_ids))
    counted("Sends", len(work.message_ids))
    if again and _moves(work, result):
        _record_moved(work)
        return
    span = int(work.chunk.span or 0)
    wider = min(int(work.send.chunk_size), span * 2) or None
    claims.record(work, wait=_wait(work, result) if again else timedelta(0), span=wider)


def _wait(work: Work, result: CallResult) -> timedelta:
    """Business time until those who were not sent are tried again."""
    if result.quota:
        return gate.QUOTA_WAIT
    asked = (result.wait or timedelta(0)) * clock.SCALE
    return max(_back_off(work.chunk), asked)


def _back_off(chunk: Chunk) -> timedelta:
    doublings: int = min(10, int(chunk.attempts) - 1)
    return min(MOST_BACK_OFF, BACK_OFF * (1 << doublings))
