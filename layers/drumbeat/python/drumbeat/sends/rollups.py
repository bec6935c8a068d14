"""Adding up a send: totals are the sizes of sets on its chunks and stats, so they can be recomputed at any time."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, queues, table
from drumbeat.sends.model import Chunk, ChunkState, Outcome, Send, Stat, Totals
from drumbeat.sends.work import ROLL_UP
from drumbeat.table import ConditionFailed

# Wall seconds between two roll-ups of one send; large ones cost more to read.
EVERY, EVERY_LARGE, LARGE = 5, 60, 100_000
_asked: dict[str, float] = {}


def compute(tenant: str, send: Send) -> dict[str, Any]:
    """Read every chunk and stat of a send and add them up.

    `outcomes` counts recipients by letter, `open` the chunks that are not done, `links` unique human clicks by link
    number.
    """
    outcomes: Counter[str] = Counter()
    sets: Counter[str] = Counter()
    open_chunks = 0
    for shard in range(int(send.plan_shards)):
        for chunk in table.rows(Chunk, f"CHUNK#{tenant}#{send.send_id}#{shard}"):
            outcomes.update(chunk.outcomes)
            open_chunks += chunk.state != ChunkState.DONE
        for item in _stats(tenant, send.send_id, shard):
            sets.update(_sizes(Stat.sets_of(item)))
    links = {int(name[1:]): size for name, size in sets.items() if name[0] == "l" and name[1:].isdigit()}
    numbers: dict[str, Any] = {name: size for name, size in sets.items() if not (name[0] == "l" and name[1:].isdigit())}
    return {
        **numbers,
        "recipients": sum(outcomes.values()),
        "accepted": outcomes[Outcome.ACCEPTED],
        "outcomes": dict(outcomes),
        "open": open_chunks,
        "planned": send.planned_whole,
        "links": {str(number): size for number, size in sorted(links.items())},
    }


def _sizes(sets: dict[str, frozenset[int]]) -> dict[str, int]:
    """A mail that was delivered first and bounced later was not delivered; one that bounced softly and then arrived
    was."""
    none: frozenset[int] = frozenset()
    hard, arrived = sets.get("bounced", none), sets.get("delivered", none)
    soft = sets.get("soft_bounced", none) - arrived - hard
    net = {**sets, "delivered": arrived - hard, "soft_bounced": soft, "bounced": hard | soft}
    return {name: len(members) for name, members in net.items()}


def _stats(tenant: str, send_id: str, shard: int) -> Iterable[dict[str, Any]]:
    """Raw stat items: their link sets are not declared attributes."""
    connection = table.connection(Stat)
    start = None
    while True:
        data = connection.query(f"STAT#{tenant}#{send_id}#{shard}", consistent_read=True, exclusive_start_key=start)
        yield from data["Items"]
        start = data.get("LastEvaluatedKey")
        if not start:
            return


def store(tenant: str, send: Send, now: datetime) -> Totals:
    """Compute and keep the totals with the moment they are true for."""
    totals = Totals(*Totals.key(tenant, send.send_id), as_of=now, numbers=compute(tenant, send))
    totals.save()
    return totals


def request(tenant: str, send_id: str, size: int = 0) -> None:
    """Ask for a roll-up soon. However often this is called, one send is rolled up once in a while; the last call before
    a roll-up starts is always seen by it, because the message waits as long as later calls are held back."""
    every = EVERY_LARGE if size > LARGE else EVERY
    now = clock.wall()
    if now.timestamp() - _asked.get(send_id, 0.0) < every:
        return
    if len(_asked) > 1000:
        _asked.clear()
    try:
        Send.change_at(
            *Send.key(tenant, send_id),
            Send.rollup_at.set(now),
            condition=Send.pk.exists()
            & (Send.rollup_at.does_not_exist() | (Send.rollup_at < now - timedelta(seconds=every))),
        )
    except ConditionFailed as error:
        held = (error.found or {}).get("rollup_at", {}).get("S")
        if held:
            _asked[send_id] = clock.parse(held).timestamp()
        return
    queues.send(ROLL_UP, tenant, [{"tenant": tenant, "send": send_id}], delay=every)
    _asked[send_id] = now.timestamp()


def latest(tenant: str, send_id: str) -> Totals | None:
    return Totals.fetch(*Totals.key(tenant, send_id))


def forget() -> None:
    _asked.clear()
