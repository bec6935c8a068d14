"""The ledger of sends: what was planned, who holds what, and what became of each recipient.

    pk                                sk           gsi2pk                        gsi2sk
    SEND#<tenant>#<send>              SEND         DUE#sends#<shard>             <time>            while it is not ended
    CONTENT#<tenant>#<send>           CONTENT      -                             -                 frozen at launch
                                      CONTENT#<language>                                           where it differs
    SENDKEY#<send>                    SENDKEY      -                             -                 GLOBAL: of tokens
    SENDKEY#<alias of a send>         SENDKEY      the same, for short tokens                      GLOBAL
    CHUNK#<tenant>#<send>#<shard>     <no>         DUE#<account>#<send>#<lane>   <time>#<state>#<size>  while it is open
    STAT#<tenant>#<send>#<shard>      <no>         -                             -                 of its first fifty
                                      <no>#<part>                                                  of the next, from 1

A chunk is one provider request. Its recipients are one ordered range of contact ids, 16 bytes each; `outcomes` has one
letter for each of them (`Outcome`). Stat items beside it, one for fifty recipients, hold sets of recipients' numbers,
so that an event that comes twice, or in another order, changes nothing.
"""

from typing import Any

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, JSONAttribute, NumberSetAttribute

from drumbeat import ids
from drumbeat.contacts.model import CompactJSON
from drumbeat.sends.outcomes import ENDED, PROOFS, REASONS, ChunkState, Outcome, SendState
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

__all__ = [
    "CONTACT_BYTES", "ENDED", "LANES", "PROOFS", "REASONS", "SHARDS", "Chunk", "ChunkState", "Content", "Outcome",
    "Place", "Send", "SendKey", "SendState", "Stat", "pack", "unpack",
]  # fmt: skip

SHARDS = 16
LANES = 4
CONTACT_BYTES = 16
# Recipients of a stat item: an update bills the whole item, which has less than 1 KB then.
STAT_SIZE = 50


class Send(Entity):
    """One launch of a campaign: its frozen audience, its state, and the policy that was in force.

    `limits` are mails by `per_second`, `per_minute`, `per_hour` and `per_day` (days of `time_zone`); `local` is the
    local time at which each recipient gets it (drumbeat.sends.local_time). Whoever was not sent by `expires_at` will
    not be. `languages` are the variants of its content. `paced_until` (business time) is how far the send's own rate
    has been given away.

    It leaves over `account`, and what that did not send for sure over `fallback` (drumbeat.sends.moving); `refused` is
    why the first account sends nothing of it. `origin` is what it belongs to: a
    campaign or a journey, whose id is `campaign`. `purpose` is marketing or transactional (which needs no consent and
    is never held back), `priority` what the frequency caps ask, `quiet` what becomes of whoever is in quiet hours.
    `moment` says when those are, and how much anybody gets (drumbeat.sends.moment.terms).

    `environment` is the table that it was launched or adopted in (drumbeat.sends.environment). `stopped` says what the
    send was paused for by itself, `answered` which figures a person knew who resumed it (drumbeat.sends.reputation).
    `swept_at` is the last look of the sweep, `restarted` when it last started what, by name.
    """

    TYPE = "SEND"
    LEDGER = True
    INDEX_TYPES = {"gsi2": "DUE"}

    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    tenant = UnicodeAttribute()
    send_id = UnicodeAttribute()
    campaign = UnicodeAttribute()
    channel = UnicodeAttribute(default="email")
    origin = UnicodeAttribute(default="campaign")
    purpose = UnicodeAttribute(default="marketing")
    priority = UnicodeAttribute(default="normal")
    quiet = UnicodeAttribute(null=True)
    category = UnicodeAttribute(null=True)
    moment = CompactJSON(null=True)
    account = UnicodeAttribute()
    provider = UnicodeAttribute(default="ses")
    fallback = UnicodeAttribute(null=True)
    refused = UnicodeAttribute(null=True)
    identity = UnicodeAttribute(null=True)
    state = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    audience = JSONAttribute()
    languages = JSONAttribute(null=True)
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
    limits = JSONAttribute(null=True)
    local = JSONAttribute(null=True)
    expires_at = InstantAttribute(null=True)
    paced_until = InstantAttribute(null=True)
    launched_at = InstantAttribute()
    finished_at = InstantAttribute(null=True)
    rollup_at = InstantAttribute(null=True)
    environment = UnicodeAttribute(null=True)
    stopped = JSONAttribute(null=True)
    answered = JSONAttribute(null=True)
    swept_at = InstantAttribute(null=True)
    restarted = JSONAttribute(null=True)

    @staticmethod
    def key(tenant: str, send_id: str) -> tuple[str, str]:
        return f"SEND#{tenant}#{send_id}", "SEND"

    @property
    def planned_whole(self) -> bool:
        return len(self.planned or ()) == int(self.plan_shards)


class Content(Entity):
    """What a send says, frozen: later changes of the template or the campaign do not touch mails on their way.

    `identity`, `configuration_set` and `provider_tenant` are those of its sender (drumbeat.deliverability.identities);
    `base_url` is where its links lead (None: the deployment's own address).

    What a channel does not have is empty; `said` is what else the messages say (media, a sender's id, …).

    The default content lists its variants in `languages`; a variant has its tag in `language`. `words` is the language
    that it is written in, `known_links` the targets that other variants have numbered before it."""

    TYPE = "CONTENT"
    LEDGER = True

    language = UnicodeAttribute(null=True)
    languages = JSONAttribute(null=True)
    words = UnicodeAttribute(null=True)
    known_links = JSONAttribute(null=True)
    channel = UnicodeAttribute(default="email")
    said = JSONAttribute(null=True)
    subject = UnicodeAttribute(default="")
    html = UnicodeAttribute(default="")
    text = UnicodeAttribute(null=True)
    sender_name = UnicodeAttribute(default="")
    sender_email = UnicodeAttribute(default="")
    identity = UnicodeAttribute(null=True)
    configuration_set = UnicodeAttribute(null=True)
    provider_tenant = UnicodeAttribute(null=True)
    base_url = UnicodeAttribute(null=True)
    reply_to = UnicodeAttribute(null=True)
    postal_address = UnicodeAttribute(default="")
    track_opens = BooleanAttribute()
    track_clicks = BooleanAttribute()
    utm = JSONAttribute(null=True)
    variables = JSONAttribute(default=dict)
    time_zone = UnicodeAttribute(default="UTC")
    currency = UnicodeAttribute(default="USD")

    @property
    def route(self) -> dict[str, str | None]:
        """The provider's names for what the sender belongs to."""
        return {"configuration_set": self.configuration_set, "provider_tenant": self.provider_tenant}

    @staticmethod
    def key(tenant: str, send_id: str, language: str = "") -> tuple[str, str]:
        return f"CONTENT#{tenant}#{send_id}", f"CONTENT#{language}" if language else "CONTENT"


class SendKey(Entity):
    """What a tracking token needs before its tenant is known: the key of its HMAC and the targets of its links. A send
    with short links has a second one under its alias (drumbeat.sends.tokens), which says whose it is in `send`."""

    TYPE = "SENDKEY"
    GLOBAL = True
    LEDGER = True

    send = UnicodeAttribute(null=True)
    tenant = UnicodeAttribute()
    campaign = UnicodeAttribute()
    secret = BinaryAttribute(legacy_encoding=False)
    links = JSONAttribute(default=list)

    @staticmethod
    def key(send_id: str) -> tuple[str, str]:
        return f"SENDKEY#{send_id}", "SENDKEY"


class Chunk(Entity):
    """Up to one provider request's recipients, and what became of each.

    A send that is grouped has several chunks for one range of contact ids: `range_end` is the range's last id.
    `through` is how many the shard has up to it. `calling` are those for whom a call was about to be made, with the
    windows (`held`) whose limits they count against. `doubtful` may have been sent, by a claim of the time `called_at`
    (by number); `doubted` were so, until their grace ended, and `settled` were so, until something told (by what told:
    `events`, `asking`). `hours` says how many mails were accepted in which hours,
    `domains` whose they are (drumbeat.sends.domains), `imprints` of which texts calls were about to be made, where the
    provider can be asked (drumbeat.sends.asking). `account` has it now, if not the send's own, and `carried` says whom
    the first one had sent before (drumbeat.sends.moving).
    `waiting` are those who wait for a better moment, why and until when (drumbeat.sends.moment.looking).
    """

    TYPE = "CHUNK"
    LEDGER = True
    INDEX_TYPES = {"gsi2": "DUE"}

    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    state = UnicodeAttribute()
    recipients = BinaryAttribute(legacy_encoding=False)
    outcomes = UnicodeAttribute()
    notes = JSONAttribute(null=True)
    hours = CompactJSON(null=True)
    domains = UnicodeAttribute(null=True)
    account = UnicodeAttribute(null=True)
    carried = CompactJSON(null=True)
    waiting = CompactJSON(null=True)
    claim = UnicodeAttribute(null=True)
    claimed_at = InstantAttribute(null=True)
    lease_until = InstantAttribute(null=True)
    not_before = InstantAttribute(null=True)
    attempts = NumberAttribute(default=0)
    span = NumberAttribute(null=True)
    range_end = UnicodeAttribute(null=True)
    through = NumberAttribute(null=True)
    calling = NumberSetAttribute(null=True)
    held = JSONAttribute(null=True)
    doubtful = NumberSetAttribute(null=True)
    doubted = NumberSetAttribute(null=True)
    settled = CompactJSON(null=True)
    called_at = CompactJSON(null=True)
    imprints = CompactJSON(null=True)
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

    @property
    def in_doubt(self) -> frozenset[int]:
        """The recipients of whom nobody knows whether they were sent."""
        return frozenset(int(number) for number in self.doubtful or ())

    @property
    def sendable(self) -> list[int]:
        """The recipients who were not sent, and that is known."""
        return [number for number in self.to_do if number not in self.in_doubt]


class Place(tuple[str, str, int, int]):
    """Where a chunk is: tenant, send, shard, number."""

    def __new__(cls, tenant: str, send_id: str, shard: int, number: int) -> "Place":
        return super().__new__(cls, (tenant, send_id, shard, number))

    @property
    def chunk_key(self) -> tuple[str, str]:
        return Chunk.key(*self)

    @property
    def stat_key(self) -> tuple[str, str]:
        """The stat item of the chunk's first recipients."""
        return self.stat_key_of(0)

    def stat_key_of(self, recipient: int) -> tuple[str, str]:
        """The stat item that a recipient's number is in."""
        tenant, send_id, shard, number = self
        part = recipient // STAT_SIZE
        return f"STAT#{tenant}#{send_id}#{shard}", f"{number:06d}#{part}" if part else f"{number:06d}"

    def stat_keys(self, recipients: int) -> list[tuple[str, str]]:
        """The stat items of a chunk with so many recipients."""
        return [self.stat_key_of(first) for first in range(0, recipients, STAT_SIZE)]

    def message(self, number: int) -> str:
        """The id of the message to recipient `number`: what events and timelines call it."""
        _, send_id, shard, chunk = self
        return f"msg_{send_id.removeprefix('snd_')}_{shard}_{chunk}_{number}"

    @classmethod
    def of_message(cls, tenant: str, message: str) -> "tuple[Place, int] | None":
        """The chunk and the recipient's number of a message's id; None for what is no such id."""
        match message.split("_"):
            case ["msg", send, shard, chunk, number] if all(part.isdecimal() for part in (shard, chunk, number)):
                return cls(tenant, f"snd_{send}", int(shard), int(chunk)), int(number)
        return None


class Stat(Entity):
    """What is known of a chunk's messages: sets of recipients' numbers, written by union only. Machine opens and clicks
    are kept apart from people's. `links` are sets too, one attribute a link (`l3`), of people's clicks. Sets of marks
    (drumbeat.sends.marks) have names in upper case."""

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
    replied = NumberSetAttribute(null=True)
    deferred = NumberSetAttribute(null=True)
    processed = NumberSetAttribute(null=True)

    @staticmethod
    def sets_of(item: dict[str, Any], *, marks: bool = False) -> dict[str, frozenset[int]]:
        """The sets of recipients' numbers of a raw item by name, links among them; or its sets of marks."""
        held = Stat.understood(item).items()
        sets = {name: value["NS"] for name, value in held if "NS" in value and name[0].isupper() == marks}
        return {name: frozenset(map(int, members)) for name, members in sets.items()}


def pack(contact_ids: list[str]) -> bytes:
    """Contact ids as 16 bytes each."""
    return b"".join(ids.decode(contact_id) for contact_id in contact_ids)


def unpack(raw: bytes) -> list[str]:
    starts = range(0, len(raw), CONTACT_BYTES)
    return [f"con_{ids.encode(raw[start : start + CONTACT_BYTES])}" for start in starts]
