"""An identity's reputation: what share of its mail bounced or was complained of, and what follows from that. In its
place may be `shared`: all that a tenant sends from senders that the operator shares.

pk                                 sk                       one row a send, as its latest roll-up has it
REPUTATION#<tenant>#<identity>     <launched_at>#<send>

Exact, because a send's totals are the sizes of sets (drumbeat.sends.rollups): a row is what a roll-up found, a later
roll-up replaces it, an earlier one does not, and the figure is the sum of the rows. It covers the sends that were
sending at some time of the window, each with all that came back of it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from drumbeat import clock, table
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

WINDOW = timedelta(days=7)
# How long a send may run and still be found by when it was launched.
LONGEST_SEND = timedelta(days=30)

# Amazon SES puts an account under review at 5 % of bounces and 0.1 % of complaints, and pauses it at 10 % and 0.5 %
# (docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html); Gmail asks senders to stay below 0.1 % and never
# to reach 0.3 % (support.google.com/a/answer/81126). So we stop where SES would begin to look, and warn well before.
WARN_BOUNCES, MOST_BOUNCES = 0.02, 0.05
WARN_COMPLAINTS, MOST_COMPLAINTS = 0.0005, 0.001
# Below these volumes a rate says nothing: one of ten is 10 %.
LEAST_FOR_BOUNCES, LEAST_FOR_COMPLAINTS = 200, 1_000

Level = Literal["too_few", "good", "warning", "critical"]


class SendFigures(Entity):
    """What is known of one send: `bounced` are hard bounces. `ended_at` is when its last chunk was closed."""

    TYPE = "REPUTATION"

    send_id = UnicodeAttribute()
    campaign = UnicodeAttribute()
    launched_at = InstantAttribute()
    ended_at = InstantAttribute(null=True)
    as_of = InstantAttribute()
    sent = NumberAttribute(default=0)
    delivered = NumberAttribute(default=0)
    bounced = NumberAttribute(default=0)
    soft_bounced = NumberAttribute(default=0)
    complained = NumberAttribute(default=0)

    @staticmethod
    def partition(tenant: str, identity_id: str) -> str:
        return f"REPUTATION#{tenant}#{identity_id}"


class Figure(NamedTuple):
    """The window's sums and rates (of mails that the provider accepted), and what they mean; `reasons` names the rates
    that are too high."""

    sent: int
    delivered: int
    bounced: int
    soft_bounced: int
    complained: int
    level: Level
    reasons: tuple[str, ...]

    @property
    def bounce_rate(self) -> float:
        return self.bounced / self.sent if self.sent else 0.0

    @property
    def complaint_rate(self) -> float:
        return self.complained / self.sent if self.sent else 0.0

    def as_json(self) -> dict[str, Any]:
        """As it is kept, shown and put on the bus."""
        return {
            "sent": self.sent, "bounced": self.bounced, "complained": self.complained,
            "bounce_rate": round(self.bounce_rate, 6), "complaint_rate": round(self.complaint_rate, 6),
            "reasons": list(self.reasons),
        }  # fmt: skip


def record(
    tenant: str, identity_id: str, send_id: str, campaign: str, launched_at: datetime, ended_at: datetime | None,
    as_of: datetime, numbers: Mapping[str, Any],
) -> None:  # fmt: skip
    """Keep a send's roll-up; an older one than what is kept changes nothing."""
    count = counted(numbers)
    row = SendFigures(
        SendFigures.partition(tenant, identity_id),
        f"{clock.iso(launched_at)}#{send_id}",
        send_id=send_id,
        campaign=campaign,
        launched_at=launched_at,
        ended_at=ended_at,
        as_of=as_of,
        sent=count["sent"],
        delivered=count["delivered"],
        bounced=count["bounced"],
        soft_bounced=count["soft_bounced"],
        complained=count["complained"],
    )
    try:
        row.save(condition=SendFigures.pk.does_not_exist() | (SendFigures.as_of <= as_of))
    except ConditionFailed:
        return


def counted(numbers: Mapping[str, Any]) -> dict[str, int]:
    """What counts of a roll-up as `rollups.compute` gives it: its bounces are hard and soft ones."""
    count = {name: int(numbers.get(name, 0)) for name in ("delivered", "bounced", "soft_bounced", "complained")}
    return {**count, "sent": int(numbers.get("accepted", 0)), "bounced": count["bounced"] - count["soft_bounced"]}


def rows(tenant: str, identity_id: str, now: datetime) -> list[SendFigures]:
    """The sends of the window, the oldest first."""
    earliest = clock.iso(now - WINDOW - LONGEST_SEND)
    found = table.rows(SendFigures, SendFigures.partition(tenant, identity_id), start=earliest)
    return [row for row in found if row.ended_at is None or row.ended_at >= now - WINDOW]


def figure(tenant: str, identity_id: str, now: datetime) -> Figure:
    """The identity's figure of the window."""
    return summed(rows(tenant, identity_id, now))


def summed(sends: Iterable[SendFigures]) -> Figure:
    names = ("sent", "delivered", "bounced", "soft_bounced", "complained")
    sums = dict.fromkeys(names, 0)
    for row in sends:
        for name in names:
            sums[name] += int(getattr(row, name))
    return judged(**sums)


def judged(sent: int, delivered: int, bounced: int, soft_bounced: int, complained: int) -> Figure:
    """What the sums mean."""
    rates = (
        ("bounce_rate", bounced, LEAST_FOR_BOUNCES, WARN_BOUNCES, MOST_BOUNCES),
        ("complaint_rate", complained, LEAST_FOR_COMPLAINTS, WARN_COMPLAINTS, MOST_COMPLAINTS),
    )
    counted = [rate for rate in rates if sent >= rate[2]]
    critical = tuple(name for name, number, _, _, most in counted if number > most * sent)
    high = tuple(name for name, number, _, warn, _ in counted if number > warn * sent)
    level: Level = "critical" if critical else "warning" if high else "good" if counted else "too_few"
    return Figure(sent, delivered, bounced, soft_bounced, complained, level, critical or high)
