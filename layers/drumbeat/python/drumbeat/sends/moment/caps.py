"""How often somebody gets marketing: whether there is room for one more message, and if not, when. Pure.

What was taken is message id → [time, channel]. A message counts from the moment for which it was taken for as long as a
window is, whatever becomes of it in between: windows roll, in business time.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from drumbeat import clock

Taken = Mapping[str, Sequence[str]]
LENGTHS = {"per_day": timedelta(days=1), "per_week": timedelta(days=7)}
# The longest time that anybody may wish for is thirty days.
KEPT = timedelta(days=31)


class Window(NamedTuple):
    """At most `limit` messages in any time of this length, of one channel or (None) of all."""

    limit: int
    length: timedelta
    channel: str | None


def windows(caps: Mapping[str, int], channel: str, priority: str, apart: timedelta | None) -> list[Window]:
    """What binds a message of a channel: the tenant's caps, and that the person wants one message in `apart` at most.

    A message of priority `high` is counted and held back by no cap of the tenant; one of `low` leaves the last place of
    a window that has more than one. What the person wants binds all."""
    found = [] if apart is None else [Window(1, apart, None)]
    if priority == "high":
        # It is counted all the same, so it has a window: one that is never full.
        return [*found, *(Window(int(limit) + 10**6, LENGTHS[name], channel) for name, limit in caps.items())]
    left = 1 if priority == "low" else 0
    return [*found, *(Window(max(1, int(limit) - left), LENGTHS[name], channel) for name, limit in caps.items())]


def room_at(taken: Taken, wanted: Sequence[Window], message: str, now: datetime) -> datetime:
    """When all windows have room for a message: now, or when the last of them has, should nobody else take it."""
    return max((_room_at(taken, window, message, now) for window in wanted), default=now)


def _room_at(taken: Taken, window: Window, message: str, now: datetime) -> datetime:
    times = sorted(
        at
        for known, (written, channel) in taken.items()
        if known != message and window.channel in (None, channel) and (at := clock.parse(written)) + window.length > now
    )
    return now if len(times) < window.limit else times[len(times) - window.limit] + window.length


def after(taken: Taken, message: str, channel: str, now: datetime) -> dict[str, Any]:
    """What was taken once this message has taken its place, again if it had one; what is over is forgotten."""
    return {**_kept(taken, now), message: [clock.iso(now), channel]}


def without(taken: Taken, message: str, now: datetime) -> dict[str, Any]:
    """What was taken without this message."""
    return {known: told for known, told in _kept(taken, now).items() if known != message}


def _kept(taken: Taken, now: datetime) -> dict[str, Any]:
    return {known: list(told) for known, told in taken.items() if clock.parse(told[0]) + KEPT > now}
