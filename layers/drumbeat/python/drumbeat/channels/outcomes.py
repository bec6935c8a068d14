"""What a provider's answer means: done, not done, or unknown (DESIGN section 5, rule 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from drumbeat import clock

# The longest that a `Retry-After` is believed.
MOST_WAIT = timedelta(hours=1)


class Fate(StrEnum):
    """Of one recipient of a call."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Entry:
    """The answer for one recipient: the provider's message id, or why not. `opted_out`: because the recipient told the
    provider to send no more. `gone`: nobody has the address any more."""

    fate: Fate
    message_id: str | None = None
    reason: str | None = None
    opted_out: bool = False
    gone: bool = False


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


def asked_to_wait(headers: Mapping[str, str]) -> timedelta | None:
    """What `Retry-After` says, in seconds or as a date (RFC 9110, 10.2.3); None for none, or one that is no such."""
    text = {name.lower(): value for name, value in headers.items()}.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        wanted = timedelta(seconds=int(text))
    else:
        try:
            wanted = parsedate_to_datetime(text) - clock.wall()
        except (ValueError, TypeError, OverflowError):
            return None
    return max(timedelta(0), min(wanted, MOST_WAIT))
