"""Requests to confirm: who was asked, by which mails, and what came of it.

pk                               sk       gsi2pk                       gsi2sk
OPTIN#<tenant>#<address hash>    OPTIN    DUE#confirmations#<shard>    <business time>    while something is to be done

One row an address. `state`: `due` a mail is to go out; `sending` a worker has it; `sent`; `unknown` nobody knows
whether the mail left: it is not repeated by itself; `failed` the provider refused it; `blocked` no mail may go out,
`reason` says why; `confirmed`; `expired` nobody confirmed in time.
"""

from datetime import datetime
from typing import Literal, cast

from pynamodb.attributes import JSONAttribute
from pynamodb.expressions.update import Action

from drumbeat import clock, ids
from drumbeat.contacts.opt_in import rules
from drumbeat.declare import Queue
from drumbeat.fields import Instant, Message, View
from drumbeat.table import Entity, InstantAttribute, UnicodeAttribute

CONFIRMATIONS = Queue("confirmations")
# By tenant, so that one's import of many thousands is not in front of another's; and two lanes each, as it may be hot.
BUCKETS, LANES = 8, 2
SHARDS = BUCKETS * LANES

State = Literal["due", "sending", "sent", "unknown", "failed", "blocked", "confirmed", "expired"]
# A mail is on its way, or will be.
UNDER_WAY = frozenset({"due", "sending"})
# The person has answered, or the time is over: the next statement asks anew.
OVER = frozenset({"confirmed", "expired"})


class ConfirmationMessage(Message):
    """A mail that asks for a confirmation is to go to the address of this request."""

    tenant: str
    address_key: str


class OptIn(Entity):
    """A request to confirm. `mails` has one object a mail: token (its hash), at, expires_at, outcome."""

    TYPE = "OPTIN"
    INDEX_TYPES = {"gsi2": "DUE"}

    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    tenant = UnicodeAttribute()
    contact = UnicodeAttribute()
    state = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    source = UnicodeAttribute(null=True)
    requested_at = InstantAttribute()
    mails = JSONAttribute(default=list)
    lease_until = InstantAttribute(null=True)
    confirmed_at = InstantAttribute(null=True)

    @staticmethod
    def key(tenant: str, address_key: str) -> tuple[str, str]:
        return f"OPTIN#{tenant}#{address_key}", "OPTIN"

    @property
    def address_key(self) -> str:
        return str(self.pk.rsplit("#", 1)[1])

    @property
    def sent(self) -> list[datetime]:
        """When mails went out, or may have gone out."""
        return [clock.parse(mail["at"]) for mail in self.mails or []]

    @property
    def expires_at(self) -> datetime | None:
        """Until when the latest link can be used."""
        return clock.parse(self.mails[-1]["expires_at"]) if self.mails else None

    def next_mail_at(self, now: datetime) -> datetime | None:
        """From when on another mail may go out; None for never."""
        return rules.next_mail_at(self.sent, self.confirmed_at, now)


class MailView(View):
    """A mail that asked. `outcome` is `sending`, `sent`, `unknown` or `failed`."""

    at: Instant
    expires_at: Instant
    outcome: str


class ConfirmationView(View):
    """How far a double opt-in is. `next_mail_at` is from when on another mail can be asked for, null for never."""

    state: State
    reason: str | None
    source: str | None
    requested_at: Instant
    expires_at: Instant | None
    confirmed_at: Instant | None
    next_mail_at: Instant | None
    mails: list[MailView]


def partition(shard: int) -> str:
    """The index partition of what is to be done, in the order of time."""
    return f"DUE#confirmations#{shard}"


def partition_of(tenant: str, address_key: str) -> str:
    """The index partition of an address's request, while something is to be done."""
    return partition(ids.shard(tenant, BUCKETS) * LANES + ids.shard(address_key, LANES))


def due_again(row: OptIn, at: datetime) -> list[Action]:
    """Have the request looked at then."""
    return [OptIn.gsi2pk.set(partition_of(row.tenant, row.address_key)), OptIn.gsi2sk.set(clock.iso(at))]


def nothing_due() -> list[Action]:
    return [OptIn.gsi2pk.remove(), OptIn.gsi2sk.remove()]


def find(tenant: str, email: str) -> OptIn | None:
    """The request of an address."""
    return OptIn.fetch(*OptIn.key(tenant, rules.address_key(tenant, email)))


def view(row: OptIn, now: datetime) -> ConfirmationView:
    return ConfirmationView(
        state=cast(State, row.state),
        reason=row.reason,
        source=row.source,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        confirmed_at=row.confirmed_at,
        next_mail_at=row.next_mail_at(now),
        mails=[
            MailView(at=mail["at"], expires_at=mail["expires_at"], outcome=mail["outcome"]) for mail in row.mails or []
        ],
    )
