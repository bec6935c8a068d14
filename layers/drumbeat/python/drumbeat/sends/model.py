"""The ledger of sends: what was planned, who holds what, and what became of each recipient.

    pk                                sk           gsi2pk                        gsi2sk
    SEND#<tenant>#<send>              SEND         DUE#sends#<shard>             <time>            while it is not ended
    CONTENT#<tenant>#<send>           CONTENT      -                             -                 frozen at launch
    SENDKEY#<send>                    SENDKEY      -                             -                 GLOBAL: a token's
    send
    CHUNK#<tenant>#<send>#<shard>     <no>         DUE#<account>#<send>#<lane>   <time>#<state>#<size>  while it is open
    STAT#<tenant>#<send>#<shard>      <no>         -                             -
    ROLLUPS#<tenant>#<send>           TOTALS       -                             -

A chunk is one provider request. Its recipients are one ordered range of contact ids, 16 bytes each; `outcomes` has one
letter for each of them (`Outcome`). A stat item beside it holds sets of recipients' numbers, so that an event that
comes
twice, or in another order, changes nothing.
"""

from enum import StrEnum
from typing import Any

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, JSONAttribute, NumberSetAttribute

from drumbeat import ids
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

SHARDS = 16
LANES = 4
CONTACT_BYTES = 16


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
    REVOKED = "v"
    NO_ADDRESS = "n"
    GONE = "g"
    CANCELLED = "x"
    GIVEN_UP = "u"


# Every outcome but acceptance, in words: "who was not sent, and why".
REASONS: dict[str, str] = {
    Outcome.REJECTED: "rejected_by_provider",
    Outcome.SUPPRESSED: "suppressed",
    Outcome.NO_CONSENT: "no_consent",
    Outcome.REVOKED: "consent_revoked",
    Outcome.NO_ADDRESS: "no_address",
    Outcome.GONE: "contact_deleted",
    Outcome.CANCELLED: "cancelled",
    Outcome.GIVEN_UP: "outcome_unknown",
}


class Send(Entity):
    """One launch of a campaign: its frozen audience, its state, and the policy that was in force."""

    TYPE = "SEND"
    LEDGER = True
    INDEX_TYPES = {"gsi2": "DUE"}

    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    tenant = UnicodeAttribute()
    send_id = UnicodeAttribute()
    campaign = UnicodeAttribute()
    account = UnicodeAttribute()
    state = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    audience = JSONAttribute()
    plan_shards = NumberAttribute()
    chunk_size = NumberAttribute()
    planned = NumberSetAttribute(null=True)
    planned_at = InstantAttribute(null=True)
    audience_size = NumberAttribute(default=0)
    launch = JSONAttribute()
    unknown_policy = UnicodeAttribute()
    grace_seconds = NumberAttribute()
    publish = BooleanAttribute(default=True)
    created_by = UnicodeAttribute(null=True)
    launched_at = InstantAttribute()
    finished_at = InstantAttribute(null=True)
    rollup_at = InstantAttribute(null=True)

    @staticmethod
    def key(tenant: str, send_id: str) -> tuple[str, str]:
        return f"SEND#{tenant}#{send_id}", "SEND"

    @property
    def planned_whole(self) -> bool:
        return len(self.planned or ()) == int(self.plan_shards)


class Content(Entity):
    """What a send says, frozen: later changes of the template or the campaign do not touch mails on their way."""

    TYPE = "CONTENT"
    LEDGER = True

    subject = UnicodeAttribute()
    html = UnicodeAttribute()
    text = UnicodeAttribute(null=True)
    sender_name = UnicodeAttribute()
    sender_email = UnicodeAttribute()
    reply_to = UnicodeAttribute(null=True)
    postal_address = UnicodeAttribute()
    track_opens = BooleanAttribute()
    track_clicks = BooleanAttribute()
    variables = JSONAttribute(default=dict)
    time_zone = UnicodeAttribute(default="UTC")
    currency = UnicodeAttribute(default="USD")

    @staticmethod
    def key(tenant: str, send_id: str) -> tuple[str, str]:
        return f"CONTENT#{tenant}#{send_id}", "CONTENT"


class SendKey(Entity):
    """What a tracking token needs before its tenant is known: the key of its HMAC and the targets of its links."""

    TYPE = "SENDKEY"
    GLOBAL = True
    LEDGER = True

    tenant = UnicodeAttribute()
    campaign = UnicodeAttribute()
    secret = BinaryAttribute(legacy_encoding=False)
    links = JSONAttribute(default=list)

    @staticmethod
    def key(send_id: str) -> tuple[str, str]:
        return f"SENDKEY#{send_id}", "SENDKEY"


class Chunk(Entity):
    """Up to one provider request's recipients, and what became of each."""

    TYPE = "CHUNK"
    LEDGER = True
    INDEX_TYPES = {"gsi2": "DUE"}

    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    state = UnicodeAttribute()
    recipients = BinaryAttribute(legacy_encoding=False)
    outcomes = UnicodeAttribute()
    notes = JSONAttribute(null=True)
    claim = UnicodeAttribute(null=True)
    claimed_at = InstantAttribute(null=True)
    lease_until = InstantAttribute(null=True)
    not_before = InstantAttribute(null=True)
    attempts = NumberAttribute(default=0)
    span = NumberAttribute(null=True)
    doubtful = NumberSetAttribute(null=True)
    unknown_since = InstantAttribute(null=True)

    @staticmethod
    def key(tenant: str, send_id: str, shard: int, number: int) -> tuple[str, str]:
        return f"CHUNK#{tenant}#{send_id}#{shard}", f"{number:06d}"

    @property
    def place(self) -> "Place":
        _, tenant, send_id, shard = self.pk.split("#")
        return Place(tenant, send_id, int(shard), int(self.sk))

    @property
    def contacts(self) -> list[str]:
        """The contact ids, in order."""
        return unpack(self.recipients)

    @property
    def to_do(self) -> list[int]:
        """The recipients whose outcome is open."""
        return [number for number, letter in enumerate(self.outcomes) if letter == Outcome.TO_DO]


class Place(tuple[str, str, int, int]):
    """Where a chunk is: tenant, send, shard, number."""

    def __new__(cls, tenant: str, send_id: str, shard: int, number: int) -> "Place":
        return super().__new__(cls, (tenant, send_id, shard, number))

    @property
    def chunk_key(self) -> tuple[str, str]:
        return Chunk.key(*self)

    @property
    def stat_key(self) -> tuple[str, str]:
        tenant, send_id, shard, number = self
        return f"STAT#{tenant}#{send_id}#{shard}", f"{number:06d}"

    def message(self, number: int) -> str:
        """The id of the message to recipient `number`: what events and timelines call it."""
        _, send_id, shard, chunk = self
        return f"msg_{send_id.removeprefix('snd_')}_{shard}_{chunk}_{number}"


class Stat(Entity):
    """What is known of a chunk's messages: sets of recipients' numbers, written by union only. Machine opens and clicks
    are kept apart from people's. `links` are sets too, one attribute a link (`l3`), of people's clicks."""

    TYPE = "STAT"
    LEDGER = True

    delivered = NumberSetAttribute(null=True)
    bounced = NumberSetAttribute(null=True)
    soft_bounced = NumberSetAttribute(null=True)
    complained = NumberSetAttribute(null=True)
    opened = NumberSetAttribute(null=True)
    opened_machine = NumberSetAttribute(null=True)
    clicked = NumberSetAttribute(null=True)
    clicked_machine = NumberSetAttribute(null=True)
    unsubscribed = NumberSetAttribute(null=True)
    failed = NumberSetAttribute(null=True)
    deferred = NumberSetAttribute(null=True)
    processed = NumberSetAttribute(null=True)

    @staticmethod
    def sets_of(item: dict[str, Any]) -> dict[str, frozenset[int]]:
        """The number sets of a raw item by name, links among them."""
        return {name: frozenset(map(int, value["NS"])) for name, value in item.items() if "NS" in value}


# Any of these shows that the provider had accepted the message.
PROOFS = frozenset({
    "delivered", "bounced", "soft_bounced", "complained", "opened", "opened_machine", "clicked", "clicked_machine",
    "unsubscribed", "failed", "deferred", "processed",
})  # fmt: skip


class Totals(Entity):
    """A send's numbers, added up from its chunks and stats at `as_of`; they can be computed again at any time."""

    TYPE = "ROLLUPS"

    as_of = InstantAttribute()
    numbers = JSONAttribute()

    @staticmethod
    def key(tenant: str, send_id: str) -> tuple[str, str]:
        return f"ROLLUPS#{tenant}#{send_id}", "TOTALS"


def pack(contact_ids: list[str]) -> bytes:
    """Contact ids as 16 bytes each."""
    return b"".join(ids.decode(contact_id) for contact_id in contact_ids)


def unpack(raw: bytes) -> list[str]:
    starts = range(0, len(raw), CONTACT_BYTES)
    return [f"con_{ids.encode(raw[start : start + CONTACT_BYTES])}" for start in starts]
