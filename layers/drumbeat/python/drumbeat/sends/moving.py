"""A second provider account for what the first one did not send: for sure, that is.

A chunk moves as a whole, once, and only while of nobody who is left in it there is doubt: who may have been sent by the
first account is settled there, and stays there. So whatever the second one does, nobody is sent by both. What moves a
chunk: the account refuses the send, or has no mails left for today, or its circuit is open, or it has turned the chunk
away too often.
"""

from datetime import datetime
from typing import Any

from drumbeat import clock, providers
from drumbeat.channels.outcomes import CallResult, CallState
from drumbeat.errors import NotFound
from drumbeat.logs import counted, logger
from drumbeat.sends import circuit, due, grouping, senders
from drumbeat.sends.due import Due
from drumbeat.sends.model import Chunk, ChunkState, Outcome, Send
from drumbeat.sends.senders import Sender
from drumbeat.table import ConditionFailed

# After so many claims of a chunk that came to nothing, it is another account's turn.
PATIENCE = {CallState.UNREACHABLE: 2, CallState.NOT_SENT: 2, CallState.THROTTLED: 5, CallState.ANSWERED: 5}
_AT_ONCE = frozenset({CallState.ACCOUNT, CallState.QUOTA})


def accounts(send: Send, *, planning: bool = False) -> list[str]:
    """The accounts that a send has chunks for, or may come to have; while it is planned, those that it has."""
    later = [] if planning or not send.fallback else [send.fallback]
    return list(dict.fromkeys([send.account, *grouping.routes(send), *later]))


def carrier(chunk: Chunk, number: int) -> str | None:
    """The account that a recipient was sent over, or will be; None for the send's first, if nothing ever moved."""
    before = (account for account, numbers in (chunk.carried or {}).items() if number in numbers)
    return next(before, chunk.account)


def has_second(send: Send, chunk: Chunk) -> bool:
    """Whether the chunk is at the first of two accounts."""
    return send.fallback not in (None, send.account, chunk.account)


def may(send: Send, chunk: Chunk) -> bool:
    """Whether the chunk can leave its first account: nobody left in it may have been sent, now or before a grace that
    is over."""
    if not has_second(send, chunk) or chunk.in_doubt:
        return False
    return not {int(number) for number in chunk.doubted or ()}.intersection(chunk.to_do)


def wanted(send: Send, chunk: Chunk, result: CallResult) -> bool:
    """Whether, after this call, those who were not sent are another account's."""
    if not may(send, chunk):
        return False
    if result.state in _AT_ONCE or result.quota:
        return True
    return result.state in PATIENCE and int(chunk.attempts) >= PATIENCE[result.state]


def is_called_for(row: Sender, send: Send, now: datetime) -> bool:
    """Whether the account of the row makes no calls for the send, and may not for a while."""
    if row.account not in accounts(send, planning=True) or row.account == send.fallback or not send.fallback:
        return False
    spent = row.held_reason == senders.DAILY_QUOTA and row.held_until is not None and row.held_until > clock.wall()
    refused = send.refused is not None and row.account == send.account
    return refused or spent or circuit.opens_at(row, now) is not None


def ready(send: Send) -> bool:
    """Have the second account wait for chunks of the send, which also keeps it from being deleted; False when it is
    gone by now."""
    try:
        row = senders.of(providers.account(send.tenant, send.channel, str(send.fallback)))
    except NotFound:
        return False
    if f"{send.tenant}#{send.send_id}" not in (row.work or ()):
        announce(send)
    return True


def announce(send: Send) -> None:
    """The second account has work."""
    senders.add_work(str(send.fallback), send.tenant, send.send_id)


def changes(send: Send, chunk: Chunk, outcomes: str) -> list[Any]:
    """What a chunk becomes that moves: besides, it keeps who was sent by the first account."""
    sent = [number for number, letter in enumerate(outcomes) if letter == Outcome.ACCEPTED]
    kept = [Chunk.carried.set({chunk.account or send.account: sent})] if sent else []
    partition = due.partition(str(send.fallback), send.send_id, chunk.place[2])
    return [Chunk.account.set(send.fallback), Chunk.gsi2pk.set(partition), *kept]


def move(send: Send, chunk: Chunk) -> bool:
    """Move a chunk that nobody has claimed; False when it stays, or is somebody else's by now."""
    if chunk.state != ChunkState.PENDING or not chunk.sendable or not may(send, chunk) or not ready(send):
        return False
    at = clock.business()
    sort = due.sort_key(at, ChunkState.PENDING, len(chunk.sendable), chunk.place)
    try:
        chunk.change(
            *changes(send, chunk, chunk.outcomes), Chunk.not_before.set(at), Chunk.gsi2sk.set(sort), unchanged=True
        )
    except ConditionFailed:
        return False
    announce(send)
    told(send, len(chunk.sendable))
    return True


def away(send: Send, waiting: list[Due]) -> list[Due]:
    """Move what is due of a send whose account makes no calls; gives what stays."""
    kept = []
    rows = {row.place: row for row in Chunk.many([one.place.chunk_key for one in waiting])}
    for one in waiting:
        chunk = rows.get(one.place)
        if chunk is None or not move(send, chunk):
            kept.append(one)
    return kept


def refuse(send: Send, chunk: Chunk, reason: str) -> None:
    """The account that has the chunk sends nothing of this send. If it is the send's first, the chunks that it has left
    need not ask it one by one."""
    if chunk.account not in (None, send.account):
        return
    try:
        Send.change_at(
            *Send.key(send.tenant, send.send_id), Send.refused.set(reason), condition=Send.refused.does_not_exist()
        )
    except ConditionFailed:
        return
    logger.warning("another account takes over", extra={"send": send.send_id, "reason": reason})


def told(send: Send, recipients: int) -> None:
    logger.info("moved to the fallback", extra={"send": send.send_id, "account": send.fallback})
    counted("Fallbacks", recipients)
