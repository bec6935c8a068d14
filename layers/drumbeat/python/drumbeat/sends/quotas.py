"""How many mails may leave in a minute, an hour or a day: never more, with several workers, lost replies and repeats.

    pk                      sk                   ttl
    QUOTA#<tenant>#<key>    <window's start>     forty days after it

A worker reserves in the transaction that writes on its chunk whom it is about to call for; what did not leave is given
back in the transaction that writes down what became of them. Whoever may have been sent stays counted.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from drumbeat import clock
from drumbeat.deliverability import model as identities
from drumbeat.deliverability import steering, warmup
from drumbeat.sends.model import Chunk, ChunkState, Send
from drumbeat.table import ConditionFailed, Entity, NumberAttribute, Transaction, TransactionRefused

KEPT = timedelta(days=40)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# Each refusal means that somebody else took something, so a window of few is full long before.
TRIES = 50
UNLIMITED = 10**12


class Quota(Entity):
    """What was taken of a window."""

    TYPE = "QUOTA"

    taken = NumberAttribute(default=0)
    ttl = NumberAttribute()

    @staticmethod
    def key(tenant: str, name: str, start: datetime) -> tuple[str, str]:
        return f"QUOTA#{tenant}#{name}", clock.iso(start)


class Cap(NamedTuple):
    """At most `limit` mails in each window. `key` names what is counted: caps of several sends that have the same key
    share its windows. A `window` without a length is the calendar day of `zone`."""

    key: str
    limit: int
    window: timedelta | None
    zone: str = "UTC"

    def around(self, now: datetime) -> tuple[datetime, datetime]:
        """The window that `now` (business time) is in: its start, and the next one's."""
        if self.window is None:
            today = now.astimezone(ZoneInfo(self.zone)).date()
            return _midnight(today, self.zone), _midnight(today + timedelta(days=1), self.zone)
        length = self.window.total_seconds()
        start = datetime.fromtimestamp(now.timestamp() // length * length, UTC)
        return start, start + self.window


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def caps(send: Send, now: datetime) -> list[Cap]:
    """Everything that limits a send at this time."""
    said = send.limits or {}
    # Of a send with any limit hours and days are counted all the same: it shows how many have left.
    unlimited = UNLIMITED if said else None
    own = {
        "minute": (_a_minute(said), MINUTE),
        "hour": (said.get("per_hour", unlimited), HOUR),
        "day": (said.get("per_day", unlimited), None),
    }
    named = [
        Cap(f"{send.send_id}#{name}", int(limit), window, said.get("time_zone") or "UTC")
        for name, (limit, window) in own.items()
        if limit is not None
    ]
    return named + _of_identity(send, now)


def _of_identity(send: Send, now: datetime) -> list[Cap]:
    """What the sending identity may send on a day of its warm-up, and in an hour while its reputation is doubtful: one
    window each for all sends from it."""
    identity = identities.find(send.tenant, send.identity) if send.identity else None
    if identity is None:
        return []
    limit = warmup.limit(warmup.plan_of(identity.warmup), now)
    found = [] if limit is None else [Cap(f"warmup#{send.identity}", limit, None)]
    if steering.is_doubtful(identity):
        found.append(Cap(f"doubtful#{send.identity}", steering.SLOWLY, HOUR))
    return found


def _a_minute(said: dict[str, Any]) -> int | None:
    named = [said[name] * seconds for name, seconds in (("per_second", 60), ("per_minute", 1)) if said.get(name)]
    return min(named, default=None)


def pace(send: Send) -> float | None:
    """Recipients a business second at which the governor releases a send's chunks; None: as fast as it can."""
    most = _a_minute(send.limits or {})
    return None if most is None else most / 60


def reserve(tenant: str, chunk: Chunk, wanted: list[int], limits: list[Cap], now: datetime) -> list[int]:
    """Count as many of `wanted` as all windows have room for, and write them on the claimed chunk as `calling`.

    Raises ConditionFailed when the claim is no longer ours.
    """
    windows = [(Quota.key(tenant, cap.key, cap.around(now)[0]), cap) for cap in limits]
    for _ in range(TRIES):
        chosen = wanted[: _room(windows)]
        if not chosen:
            return []
        transaction = Transaction().update(
            Chunk,
            chunk.pk,
            chunk.sk,
            [Chunk.calling.set(set(chosen)), Chunk.held.set([list(key) for key, _ in windows])],
            (Chunk.claim == chunk.claim) & (Chunk.state == ChunkState.SENDING.value) & Chunk.calling.does_not_exist(),
        )
        for key, cap in windows:
            _take(transaction, key, cap, len(chosen), now)
        try:
            transaction.commit()
        except TransactionRefused as refused:
            if refused.found[0] is not None:
                return _our_own(chunk, wanted, refused)
            continue
        chunk.calling, chunk.held = set(chosen), [list(key) for key, _ in windows]
        return chosen
    return []


def _our_own(chunk: Chunk, wanted: list[int], refused: TransactionRefused) -> list[int]:
    """What an earlier attempt, whose answer was lost, has reserved under this claim. Raises ConditionFailed."""
    stored = Chunk.from_raw_data(refused.found[0] or {})
    if stored.claim != chunk.claim or stored.calling is None:
        raise ConditionFailed(refused.found[0]) from refused
    chunk.calling, chunk.held = stored.calling, stored.held
    return [number for number in wanted if number in stored.calling]


def _take(transaction: Transaction, key: tuple[str, str], cap: Cap, number: int, now: datetime) -> None:
    ends = clock.wall_time_of(cap.around(now)[1] + KEPT * clock.SCALE)
    fits = Quota.taken.does_not_exist() | (Quota.taken <= cap.limit - number)
    transaction.update(Quota, *key, [Quota.taken.add(number), Quota.ttl.set(int(ends.timestamp()))], fits)


def give_back(transaction: Transaction, chunk: Chunk, number: int) -> None:
    """Take back from the chunk's windows what did not leave, in the transaction that ends its `calling`."""
    for pk, sk in chunk.held or ():
        transaction.update(Quota, pk, sk, [Quota.taken.add(-number)], Quota.pk.exists())


def _room(windows: list[tuple[tuple[str, str], Cap]]) -> int:
    taken = {(row.pk, row.sk): int(row.taken) for row in Quota.many(key for key, _ in windows)}
    return max(0, min(cap.limit - taken.get(key, 0) for key, cap in windows))


def room(send: Send, now: datetime) -> int | None:
    """How many mails of the send may leave now; None when nothing limits it."""
    limits = caps(send, now)
    return _room([(Quota.key(send.tenant, cap.key, cap.around(now)[0]), cap) for cap in limits]) if limits else None


def opens_at(send: Send, now: datetime) -> datetime:
    """When the send has room again: now, or when the last of its full windows ends."""
    return until(send.tenant, caps(send, now), now)


def until(tenant: str, limits: list[Cap], now: datetime) -> datetime:
    """When there is room under these caps."""
    ends = [cap.around(now)[1] for cap in limits if used(tenant, cap, now) >= cap.limit]
    return max(ends, default=now)


def counted(send: Send, name: str, now: datetime) -> int:
    """How many mails have left in the present hour or day of a send that has a limit for it; else 0."""
    wanted = f"{send.send_id}#{name}"
    return sum(used(send.tenant, cap, now) for cap in caps(send, now) if cap.key == wanted)


def used(tenant: str, cap: Cap, now: datetime) -> int:
    """How many mails the window of `now` has counted."""
    row = Quota.fetch(*Quota.key(tenant, cap.key, cap.around(now)[0]))
    return int(row.taken) if row else 0
