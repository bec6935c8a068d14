"""Adding up a send: totals are the sizes of sets on its chunks and stats, so they can be recomputed at any time."""

import itertools
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from drumbeat import channels, clock, queues, table
from drumbeat.sends import destinations, marks, moving, stats
from drumbeat.sends.breakdown import Breakdown
from drumbeat.sends.model import ENDED, Chunk, ChunkState, Outcome, Send, Stat
from drumbeat.sends.recovery import Recovery
from drumbeat.sends.totals import Totals
from drumbeat.sends.work import ROLL_UP
from drumbeat.table import ConditionFailed

# Wall seconds between two roll-ups of a send that is up to `YOUNG` seconds old. Each reads all of its chunks, so they
# become rarer in proportion to its age (opens come for days), up to the longest delay of SQS.
EVERY, YOUNG, LONGEST = 5, 50, 900
# {send: the wall time until which nobody need ask again}
_asked: dict[str, float] = {}


def compute(tenant: str, send: Send) -> dict[str, Any]:
    """Read every chunk and stat of a send and add them up.

    `undelivered` are those that were accepted and did not arrive; of text messages `parts` are what they were cut into,
    and `texts_cost` is what that costs. `outcomes` counts recipients by letter, `open` the chunks that are not done,
    `links` unique human clicks by link number, `details` are the same numbers by hour, reader, country and domain
    (drumbeat.sends.breakdown), `by_account` how many were sent over which account, if there are two, `recovery` says
    how far it is and what was settled (drumbeat.sends.recovery).
    """
    outcomes: Counter[str] = Counter()
    sets: Counter[str] = Counter()
    open_chunks = 0
    paid = channels.get(send.channel).paid_by_length
    prices = destinations.of_launch(send.launch) if paid else None
    by_account: Counter[str] = Counter()
    details, recovery = Breakdown(marks.hour_of(send.launched_at), prices=prices), Recovery(clock.business())
    # Whether a send is finished must not be read from a stale copy; at half the price once it is.
    consistent = send.state not in ENDED
    for shard in range(int(send.plan_shards)):
        for chunk in table.rows(Chunk, f"CHUNK#{tenant}#{send.send_id}#{shard}", consistent=consistent):
            outcomes.update(chunk.outcomes)
            if send.fallback:
                sent = (number for number, letter in enumerate(chunk.outcomes) if letter == Outcome.ACCEPTED)
                by_account.update(moving.carrier(chunk, number) or send.account for number in sent)
            open_chunks += chunk.state != ChunkState.DONE
            recovery.chunk(chunk)
            details.chunk(f"{shard}#{chunk.sk}", chunk.outcomes, chunk.hours, chunk.domains)
        for number, item in stats.by_chunk(_stats(tenant, send.send_id, shard)):
            found = net(Stat.sets_of(item))
            sets.update({name: len(members) for name, members in found.items()})
            details.stat(f"{shard}#{number}", found, Stat.sets_of(item, marks=True))
    return {
        **{name: size for name, size in sets.items() if not _is_link(name)},
        **details.paid(),
        "channel": send.channel,
        "recipients": sum(outcomes.values()),
        "accepted": outcomes[Outcome.ACCEPTED],
        "outcomes": dict(outcomes),
        **({"by_account": dict(by_account)} if send.fallback else {}),
        "open": open_chunks,
        "planned": send.planned_whole,
        "links": {name[1:]: size for name, size in sorted(sets.items()) if _is_link(name)},
        "details": details.numbers(),
        "recovery": recovery.numbers(),
    }


def outcomes(tenant: str, send: Send) -> Counter[str]:
    """How many recipients have which outcome, by letter: what a list of recipients counts, without what came back."""
    found: Counter[str] = Counter()
    for shard in range(int(send.plan_shards)):
        for chunk in table.rows(Chunk, f"CHUNK#{tenant}#{send.send_id}#{shard}", consistent=send.state not in ENDED):
            found.update(chunk.outcomes)
    return found


def _is_link(name: str) -> bool:
    return name[0] == "l" and name[1:].isdigit()


def net(sets: dict[str, frozenset[int]]) -> dict[str, frozenset[int]]:
    """The sets as they count: a mail that was delivered first and bounced later was not delivered; one that bounced
    softly and then arrived was."""
    none: frozenset[int] = frozenset()
    hard, arrived = sets.get("bounced", none), sets.get("delivered", none)
    soft = sets.get("soft_bounced", none) - arrived - hard
    lost = (hard | soft | sets.get("failed", none)) - (arrived - hard)
    return {**sets, "delivered": arrived - hard, "soft_bounced": soft, "bounced": hard | soft, "undelivered": lost}


def _stats(tenant: str, send_id: str, shard: int) -> Iterable[dict[str, Any]]:
    """Raw stat items: their link sets are not declared attributes. A roll-up comes seconds after the events that asked
    for it, so the cheaper read sees them."""
    connection = table.connection(Stat)
    start = None
    while True:
        data = connection.query(f"STAT#{tenant}#{send_id}#{shard}", consistent_read=False, exclusive_start_key=start)
        yield from data["Items"]
        start = data.get("LastEvaluatedKey")
        if not start:
            return


def store(tenant: str, send: Send, now: datetime) -> Totals:
    """Compute and keep the totals with the moment they are true for; what is given back has the details as well."""
    numbers = compute(tenant, send)
    details = {"links": numbers["links"], **numbers["details"]}
    short = {name: number for name, number in numbers.items() if name not in ("links", "details")}
    totals = Totals(
        *Totals.key(tenant, send.send_id), gsi1pk=Totals.partition(tenant), campaign=send.campaign, as_of=now,
        gsi1sk=f"{clock.iso(send.launched_at)}#{send.campaign}", name=(send.launch or {}).get("name"), numbers=short,
    )  # fmt: skip
    not_newer = Totals.pk.does_not_exist() | (Totals.as_of <= now)
    try:
        Totals(*Totals.details_key(tenant, send.send_id), as_of=now, numbers=details).save(condition=not_newer)
        totals.save(condition=not_newer)
    except ConditionFailed:
        return latest(tenant, send.send_id) or totals  # a later one was faster
    totals.numbers = numbers
    return totals


def spacing(launched_at: datetime | None, now: datetime) -> int:
    """Wall seconds until the next roll-up of a send; the shortest when nobody says how old it is (business time)."""
    age = clock.wall_seconds(now - launched_at) if launched_at else 0.0
    return int(min(LONGEST, EVERY * max(1.0, age / YOUNG)))


def request(tenant: str, send_id: str, launched_at: datetime | None = None) -> None:
    """Ask for a roll-up soon. However often this is called, one send is rolled up once in a while; the last call before
    a roll-up starts is always seen by it, because the message waits as long as later calls are held back."""
    now = clock.wall()
    if now.timestamp() < _asked.get(send_id, 0.0):
        return
    if len(_asked) > 1000:
        _asked.clear()
    every = spacing(launched_at, clock.business())
    until = now + timedelta(seconds=every)
    try:
        Send.change_at(
            *Send.key(tenant, send_id),
            Send.rollup_at.set(until),
            condition=Send.pk.exists() & (Send.rollup_at.does_not_exist() | (Send.rollup_at < now)),
        )
    except ConditionFailed as error:
        held = (error.found or {}).get("rollup_at", {}).get("S")
        if held:
            _asked[send_id] = clock.parse(held).timestamp()
        return
    queues.send(ROLL_UP, tenant, [{"tenant": tenant, "send": send_id}], delay=every)
    _asked[send_id] = until.timestamp()


def latest(tenant: str, send_id: str) -> Totals | None:
    """The last roll-up with its details, in one read; None when there is none yet."""
    keys = [Totals.key(tenant, send_id), Totals.details_key(tenant, send_id)]
    rows = {row.sk: row for row in Totals.many(keys, consistent=False)}
    totals, details = rows.get("TOTALS"), rows.get("DETAILS")
    if totals is None:
        return None
    known = dict(details.numbers) if details else {}
    totals.numbers = {**totals.numbers, "links": known.pop("links", {}), "details": known}
    return totals


def launched(tenant: str, start: datetime, end: datetime, most: int) -> list[Totals]:
    """The totals, without details, of the sends that were launched from `start` until before `end`, newest first and at
    most so many. What has never been rolled up is not there."""
    keys = table.keys_in_index(1, Totals.partition(tenant))
    within = itertools.dropwhile(lambda key: key[2] >= clock.iso(end), keys)
    wanted = itertools.takewhile(lambda key: key[2] >= clock.iso(start), within)
    return Totals.many(((pk, sk) for pk, sk, _ in itertools.islice(wanted, most)), consistent=False)


def forget() -> None:
    _asked.clear()
