"""The two clocks. All code asks one of them; nothing else reads the time.

`business()` is the time of waits, schedules, grace, quiet hours and lookback windows. On the local stack it runs
`TIME_SCALE` times faster, so that a day passes in seconds. `wall()` is the real time, for leases, tokens, rate limits,
signatures and TTL: things that other machines measure too.
"""

import os
import time
from datetime import UTC, datetime, timedelta

SCALE = float(os.environ.get("TIME_SCALE", "1"))
# Business time equals wall time at the anchor and runs ahead of it from then on.
ANCHOR = float(os.environ.get("TIME_ANCHOR", "0"))


def wall() -> datetime:
    """The real time, aware, in UTC."""
    return datetime.fromtimestamp(time.time(), UTC)


def business() -> datetime:
    """The product's time, aware, in UTC; equal to `wall()` on AWS."""
    now = time.time()
    if SCALE == 1:
        return datetime.fromtimestamp(now, UTC)
    return datetime.fromtimestamp(ANCHOR + (now - ANCHOR) * SCALE, UTC)


def wall_time_of(moment: datetime) -> datetime:
    """When the wall clock shows `moment` of the business clock: what a scheduler outside of us must be told."""
    if SCALE == 1:
        return moment
    return datetime.fromtimestamp(ANCHOR + (moment.timestamp() - ANCHOR) / SCALE, UTC)


def wall_seconds(duration: timedelta) -> float:
    """How many real seconds a business duration takes."""
    return duration.total_seconds() / SCALE


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and Z: sorts as text in the order of time."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[:23] + "Z"


def parse(text: str) -> datetime:
    """The aware UTC datetime of an ISO 8601 text; a text without a zone is taken as UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:  # as all that we have written
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def business_time_of(moment: datetime) -> datetime:
    """What the business clock showed when the wall clock showed `moment`: for times that providers tell us."""
    if SCALE == 1:
        return moment
    return datetime.fromtimestamp(ANCHOR + (moment.timestamp() - ANCHOR) * SCALE, UTC)
