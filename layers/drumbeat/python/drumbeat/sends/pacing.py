"""A send's own rate: how far it has been given away, as with an account's (drumbeat.sends.senders), in business time.

The rate spreads mails; that none too many leave in a minute is for the limits (drumbeat.sends.quotas).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from drumbeat import clock
from drumbeat.sends import quotas
from drumbeat.sends.model import Send


@dataclass
class Pace:
    """Where a send is in its rate, in recipients a second; without one it has all the time."""

    send: Send
    rate: float | None
    now: datetime
    until: datetime

    @property
    def delay(self) -> float:
        """Wall seconds until its next mail may leave."""
        return clock.wall_seconds(self.until - self.now) if self.rate else 0.0

    def take(self, recipients: int) -> None:
        if self.rate:
            self.until += timedelta(seconds=recipients / self.rate)

    def keep(self) -> None:
        """Write down how far it has come. Of two governors at once the last one counts; the limits hold both."""
        if self.rate and self.until > (self.send.paced_until or self.now):
            Send.change_at(*Send.key(self.send.tenant, self.send.send_id), Send.paced_until.set(self.until))


def of(send: Send, now: datetime) -> Pace:
    return Pace(send, quotas.pace(send), now, max(now, send.paced_until or now))
