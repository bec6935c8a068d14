"""The account's sending rate and daily quota, counted in recipients as SES does."""

from __future__ import annotations

import threading
from collections import deque

DAY = 86_400.0


class Quota:
    """A token bucket that holds one second of the rate, and a 24-hour window in one-minute steps."""

    def __init__(self, now: float) -> None:
        self._lock = threading.Lock()
        self._tokens = float("inf")  # Full: the first refill cuts it to the capacity.
        self._at = now
        self._minutes: deque[list[float]] = deque()

    def take(self, recipients: int, rate: float, per_day: float, now: float) -> str:
        """`ok`, `rate` or `daily`. SES lets a message through while anything is left, whatever its recipients."""
        with self._lock:
            self._refill(rate, now)
            if self._sent(now) >= per_day:
                return "daily"
            if self._tokens < 1:
                return "rate"
            self._tokens -= recipients
            if self._minutes and now - self._minutes[-1][0] < 60:
                self._minutes[-1][1] += recipients
            else:
                self._minutes.append([now, recipients])
            return "ok"

    def exhausted(self, rate: float, now: float) -> bool:
        """Nothing of this second's rate is left, so a whole call is refused."""
        with self._lock:
            self._refill(rate, now)
            return self._tokens < 1

    def sent(self, now: float) -> float:
        """Recipients of the last 24 hours."""
        with self._lock:
            return self._sent(now)

    def _sent(self, now: float) -> float:
        while self._minutes and now - self._minutes[0][0] >= DAY:
            self._minutes.popleft()
        return sum(count for _, count in self._minutes)

    def _refill(self, rate: float, now: float) -> None:
        # A rate below one a second still lets single messages through.
        capacity = max(rate, 1.0)
        self._tokens = min(capacity, self._tokens + max(now - self._at, 0.0) * rate)
        self._at = now
