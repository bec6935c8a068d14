"""Wakes: everyone of a journey version who is due in the same minute, in shards of at most 1,000.

    pk                                                        sk                gsi2pk               gsi3pk
    WAKE#<tenant>#<journey>#<version>#<minute>#<shard>        WAKE              DUE#wakes#<shard>    WAKES#<tenant>#…
    WAKE#<tenant>#<journey>#<version>#<minute>#<shard>        M#<contact>#<no>  a member: an entry's contact and number
    while it is not done: gsi2sk <when it is late, wall time>, gsi3pk WAKES#<tenant>#<journey>, gsi3sk <minute>#…

Whoever lets members wait does four things, in this order: reserves places, writes the members' rows, changes the
entries (which name the wake), and looks at the wake again (`confirm`). A wake is closed before its members are read.
So either the rows and entries were there when it closed, and it acts for them, or whoever put them sees it closed, and
moves the entries to the next minute. Entries decide: a row whose entry waits elsewhere means nothing, so rows may stay
when nobody needs them, and vanish by themselves.
"""

import contextlib
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

from pynamodb.attributes import BooleanAttribute

from drumbeat import clock, ids, machines, table
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.work import ADVANCE
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

MOST_MEMBERS = 1_000
DUE_SHARDS = 4
MINUTE = timedelta(minutes=1)
# Wall time after which a wake that should have acted is late, and a sweep starts it again.
LATE = timedelta(minutes=3)
# Rows of members are kept so long after they are due (wall time); a wake that is kept for longer renews them.
KEPT = timedelta(days=90)
RENEWED = timedelta(days=45)
# A wake whose journey is paused is looked at again after this (wall time), should its resumption not have seen it.
PAUSED = timedelta(minutes=15)


class Wake(Entity):
    """A wake. `size` is how many places were given away, at least as many as there are members. `closed_at` is when it
    began to act; from then on nobody joins. `held` says that it is due, and kept because its journey is paused."""

    TYPE = "WAKE"
    INDEX_TYPES = {"gsi2": "DUE", "gsi3": "WAKES"}

    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    gsi3pk = UnicodeAttribute(null=True)
    gsi3sk = UnicodeAttribute(null=True)
    due_at = InstantAttribute()
    size = NumberAttribute(default=0)
    started = BooleanAttribute(null=True)
    held = BooleanAttribute(null=True)
    closed_at = InstantAttribute(null=True)
    done_at = InstantAttribute(null=True)
    ttl = NumberAttribute(null=True)

    @staticmethod
    def partition(tenant: str, journey_id: str, place: str) -> str:
        return f"WAKE#{tenant}#{journey_id}#{place}"

    @staticmethod
    def key(tenant: str, journey_id: str, place: str) -> tuple[str, str]:
        """`place` is `<version>#<minute>#<shard>`, as entries name their wake."""
        return Wake.partition(tenant, journey_id, place), "WAKE"

    @staticmethod
    def listing(tenant: str, journey_id: str) -> str:
        """The index partition that lists a journey's wakes that are not done."""
        return f"WAKES#{tenant}#{journey_id}"

    @property
    def tenant(self) -> str:
        return self.pk.split("#")[1]

    @property
    def journey_id(self) -> str:
        return self.pk.split("#")[2]

    @property
    def place(self) -> str:
        return self.pk.split("#", 3)[3]

    @property
    def name(self) -> str:
        """The name of its execution."""
        return ids.derived("wak", self.pk)


class Member(Entity):
    """Somebody may wait in this wake."""

    TYPE = "WAKE"

    ttl = NumberAttribute()

    @property
    def entry_key(self) -> tuple[str, str]:
        _, tenant, journey_id, *_ = self.pk.split("#")
        _, contact_id, number = self.sk.split("#")
        return Entry.key(tenant, journey_id, contact_id, int(number))


def minute_of(at: datetime) -> datetime:
    """The minute, in business time, in which somebody who is due at a time is woken: never before it."""
    start = at.astimezone(UTC).replace(second=0, microsecond=0)
    return start if start == at else start + MINUTE


def reserve(tenant: str, journey_id: str, version: int, due_at: datetime, places: int) -> Wake:
    """A wake that takes so many (at most 1,000) at that time, or in the next minute that is open. It is there from now
    on, and a sweep finds it when nobody starts it. Writes Wake."""
    minute = minute_of(max(due_at, clock.business()))
    tier = 0
    while True:
        # One shard while it is enough; where it is full, twice as many each time, so that many who come at once meet.
        shard = random.randrange(2**tier - 1, 2 ** (tier + 1) - 1)
        place = f"{version}#{minute:%Y%m%dT%H%M}#{shard}"
        try:
            return _take(tenant, journey_id, place, minute, places)
        except ConditionFailed as refused:
            found = Wake.from_raw_data(refused.found or {})
            if found.closed_at is not None:
                minute, tier = max(minute + MINUTE, minute_of(clock.business())), 0
            else:
                tier = min(tier + 1, 12)


def _take(tenant: str, journey_id: str, place: str, minute: datetime, places: int) -> Wake:
    key = Wake.key(tenant, journey_id, place)
    late = clock.wall_time_of(minute) + LATE
    room = Wake.pk.does_not_exist() | (Wake.closed_at.does_not_exist() & (Wake.size <= MOST_MEMBERS - places))
    shard = ids.shard(key[0], DUE_SHARDS)
    stored = Wake.change_at(
        *key, Wake.size.add(places), Wake.due_at.set(minute),
        Wake.gsi2pk.set(Wake.gsi2pk | f"DUE#wakes#{shard}"), Wake.gsi2sk.set(Wake.gsi2sk | clock.iso(late)),
        Wake.gsi3pk.set(Wake.listing(tenant, journey_id)), Wake.gsi3sk.set(place), condition=room,
    )  # fmt: skip
    return Wake.from_raw_data(stored)


def put(wake: Wake, entries: Iterable[tuple[str, int]]) -> None:
    """Write the rows of members: contacts and the numbers of their entries."""
    kept = int((max(clock.wall_time_of(wake.due_at), clock.wall()) + KEPT).timestamp())
    table.put_many(Member(wake.pk, f"M#{contact_id}#{number}", ttl=kept) for contact_id, number in entries)


def confirm(wake: Wake) -> bool:
    """After rows and entries were written: whether the wake acts for them; if so it is started. False: it has closed,
    and may have missed them."""
    stored = Wake.fetch(wake.pk, wake.sk)
    if stored is None or stored.closed_at is not None:
        return False
    if not stored.started:
        start(stored)
        with contextlib.suppress(ConditionFailed):  # it has vanished
            stored.change(Wake.started.set(True))
    return True


def start(wake: Wake, again: str = "", after: timedelta = timedelta(0)) -> None:
    """Start the wake's execution; `again` names another one, should the first have died, that waits for `after`
    (business time) at least."""
    wait = max(wake.due_at - clock.business(), after)
    state = {
        "tenant": wake.tenant, "journey": wake.journey_id, "wake": wake.place,
        "wait_seconds": max(0, ceil(wait.total_seconds())),
    }  # fmt: skip
    machines.start(ADVANCE, f"{wake.name}{again}", state)


def close(wake: Wake) -> None:
    """Nobody joins from now on. Closing twice is the same."""
    with contextlib.suppress(ConditionFailed):
        wake.change(Wake.closed_at.set(clock.business()), Wake.held.remove(), condition=Wake.closed_at.does_not_exist())


def finish(wake: Wake) -> None:
    """All who waited in it are elsewhere: it is due no more, and vanishes by itself."""
    wake.change(
        Wake.done_at.set(clock.business()), Wake.gsi2pk.remove(), Wake.gsi2sk.remove(), Wake.gsi3pk.remove(),
        Wake.gsi3sk.remove(), Wake.ttl.set(int((clock.wall() + KEPT).timestamp())),
    )  # fmt: skip


def hold(wake: Wake) -> None:
    """It is due, and its journey is paused: it stays open, and its members' rows stay."""
    wake.change(Wake.held.set(True), Wake.gsi2sk.set(clock.iso(clock.wall() + PAUSED)))
    first = next(iter(table.rows(Member, wake.pk, prefix="M#", limit=1)), None)
    if first is not None and first.ttl < (clock.wall() + RENEWED).timestamp():
        again = int((clock.wall() + KEPT).timestamp())
        table.put_many(Member(row.pk, row.sk, ttl=again) for row in list(members(wake)))


def members(wake: Wake) -> Iterator[Member]:
    """The rows of its members, read consistently."""
    return table.rows(Member, wake.pk, prefix="M#")


def of_journey(tenant: str, journey_id: str) -> Iterator[Wake]:
    """The wakes of a journey that are not done, the earliest first."""
    keys = [(pk, sk) for pk, sk, _ in table.keys_in_index(3, Wake.listing(tenant, journey_id), newest_first=False)]
    for place in range(0, len(keys), 100):
        yield from Wake.many(keys[place : place + 100])


def late(now: datetime, most: int) -> Iterator[Wake]:
    """Wakes that should have acted by now (wall time); at most so many of a shard."""
    for shard in range(DUE_SHARDS):
        found = table.keys_in_index(2, f"DUE#wakes#{shard}", newest_first=False, limit=most)
        yield from Wake.many([(pk, sk) for pk, sk, at in found if at <= clock.iso(now)])


def move(entries: Sequence[Entry], due_at: datetime) -> None:
    """Let waiting entries of one journey version wait until another time, where they are. Who has moved meanwhile is
    left alone."""
    left = list(entries)
    while left:
        first = left[0]
        wake = reserve(first.tenant, first.journey_id, int(first.version), due_at, min(len(left), MOST_MEMBERS))
        taken, left = left[:MOST_MEMBERS], left[MOST_MEMBERS:]
        put(wake, [(entry.contact_id, entry.number) for entry in taken])
        moved = []
        for entry in taken:
            with contextlib.suppress(ConditionFailed):
                entry.change(Entry.wake.set(wake.place), Entry.moves.add(1), condition=entry.as_it_was())
                moved.append(entry)
        if not confirm(wake):
            left = [*moved, *left]
