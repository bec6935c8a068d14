"""How fast an account is used after its provider throttled it: half as fast, then a little faster all the time, until
it is at its rate again. Additive increase and multiplicative decrease (Chiu and Jain 1989), as TCP does it. Pure."""

from datetime import datetime, timedelta

# From half of its rate an account is back at all of it after this (wall time).
RECOVERY = timedelta(minutes=5)
# However often it is throttled, this share of its rate is left: what nobody sends, nobody can find out to be possible.
LEAST = 0.05
# Answers within this time are about the same moment, and slow the account down once.
TOGETHER = timedelta(seconds=5)


def rate(full: float, slow: float | None, slowed_at: datetime | None, now: datetime) -> float:
    """Recipients a second at `now`: `slow` at `slowed_at`, growing by half of `full` in `RECOVERY`, at most `full`."""
    if slow is None or slowed_at is None:
        return full
    grown = max(0.0, (now - slowed_at) / RECOVERY) * full / 2
    return min(full, slow + grown)


def halved(full: float, current: float) -> float:
    """The rate after a throttled call."""
    return max(full * LEAST, current / 2)
