"""What a provider's answer means: done, not done, or unknown (DESIGN section 5, rule 5)."""

from dataclasses import dataclass, field
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

    ANSWERED: each recipient has an entry. NOT_SENT: it was throttled or never reached the provider. REFUSED: the
    provider
    refused it as a whole, for something in it. ACCOUNT: the account may not send. UNKNOWN: nobody knows.
    """

    ANSWERED = "answered"
    NOT_SENT = "not_sent"
    REFUSED = "refused"
    ACCOUNT = "account"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CallResult:
    state: CallState
    entries: list[Entry] = field(default_factory=list)
    reason: str = ""
