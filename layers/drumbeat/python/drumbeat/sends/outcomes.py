"""What may become of a send, of a chunk and of a recipient, and what shows it. Pure."""

from enum import StrEnum


class SendState(StrEnum):
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


ENDED = frozenset({SendState.SENT, SendState.CANCELLED})


class ChunkState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DONE = "done"


class Outcome(StrEnum):
    """What became of a recipient, one letter in `Chunk.outcomes`."""

    TO_DO = "."
    ACCEPTED = "a"
    REJECTED = "r"
    SUPPRESSED = "s"
    NO_CONSENT = "c"
    NOT_CONFIRMED = "o"
    REVOKED = "v"
    NO_ADDRESS = "n"
    GONE = "g"
    CANCELLED = "x"
    EXPIRED = "e"
    GIVEN_UP = "u"
    PAUSED = "p"
    CATEGORY = "k"
    QUIET_HOURS = "q"
    STALE = "t"
    FREQUENCY_CAP = "f"


# Every outcome but acceptance, in words: "who was not sent, and why".
REASONS: dict[str, str] = {
    Outcome.REJECTED: "rejected_by_provider",
    Outcome.SUPPRESSED: "suppressed",
    Outcome.NO_CONSENT: "no_consent",
    Outcome.NOT_CONFIRMED: "not_confirmed",
    Outcome.REVOKED: "consent_revoked",
    Outcome.NO_ADDRESS: "no_address",
    Outcome.GONE: "contact_deleted",
    Outcome.CANCELLED: "cancelled",
    Outcome.EXPIRED: "expired",
    Outcome.GIVEN_UP: "outcome_unknown",
    Outcome.PAUSED: "paused",
    Outcome.CATEGORY: "category",
    Outcome.QUIET_HOURS: "quiet_hours",
    Outcome.STALE: "stale",
    Outcome.FREQUENCY_CAP: "frequency_cap",
}

# Any of these shows that the provider had accepted the message.
PROOFS = frozenset({
    "delivered", "bounced", "soft_bounced", "complained", "opened", "opened_machine", "clicked", "clicked_machine",
    "unsubscribed", "failed", "deferred", "processed",
})  # fmt: skip
