"""What a provider's answer means: done, not done, or unknown (DESIGN section 5, rule 5)."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Fate(StrEnum):
    """Of one recipient of a call."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Entry:
    """The answer for one recipient: the provider's message id, or why not."""

    fate: Fate
    message_id: str | None = None
    reason: str | None = None


class CallState(StrEnum):
    """Of a whole call.

    ANSWERED: each recipient has an entry. NOT_SENT: it did not get as far as the provider's work. THROTTLED: it came
    too soon after others. QUOTA: what the account may send in a day is used up. UNREACHABLE: there was no connection.
    REFUSED: the provider refused it as a whole, for something in it. ACCOUNT: the account may not send. UNKNOWN: nobody
    knows.
    """

    ANSWERED = "answered"
    NOT_SENT = "not_sent"
    THROTTLED = "throttled"
    QUOTA = "quota"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    ACCOUNT = "account"
    UNKNOWN = "unknown"


# Nobody was at the other end, or nobody who could do the work.
OUTAGES = frozenset({CallState.UNREACHABLE, CallState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class CallResult:
    """What came of a call. `wait` is how long the provider asked us to wait. `throttled` and `quota` say that the
    account was told so for some of the recipients."""

    state: CallState
    entries: list[Entry] = field(default_factory=list)
    reason: str = ""
    wait: timedelta | None = None
    throttled: bool = False
    quota: bool = False
