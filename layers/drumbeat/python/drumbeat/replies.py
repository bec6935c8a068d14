"""`Idempotency-Key`: the same key and body give the same reply; the same key with another body is refused.

    pk                                sk       ttl
    REPLY#<tenant>#<hash of key>      REPLY    two days

The reply is only a convenience: effects are keyed by ids derived from the same key (`Request.new_id`), so that even a
request whose first try died halfway makes nothing twice.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from drumbeat import clock
from drumbeat.errors import Conflict, Invalid
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

KEPT = timedelta(days=2)
# Longer than any function behind the API may run.
LEASE = timedelta(seconds=35)
MOST_STORED = 300_000


class KeyInUse(Conflict):
    code = "REQUEST_IN_PROGRESS"


class KeyReused(Invalid):
    code = "IDEMPOTENCY_KEY_REUSED"


class Reply(Entity):
    """What was answered to a key, or that an answer is being made until `lease_until`."""

    TYPE = "REPLY"

    body_hash = UnicodeAttribute()
    lease_until = InstantAttribute(null=True)
    status = NumberAttribute(null=True)
    body = UnicodeAttribute(null=True)
    ttl = NumberAttribute()


@dataclass(frozen=True, slots=True)
class Claim:
    """This request is the one that answers the key. `finish` stores the answer, `release` lets another try."""

    row: Reply

    def finish(self, status: int, body: str) -> None:
        if len(body.encode()) > MOST_STORED:
            return
        cls = Reply
        self.row.change(cls.status.set(status), cls.body.set(body), cls.lease_until.remove())

    def reopen(self) -> None:
        """Keep the key's body, not the answer, which has a secret: the rule makes the same answer again when asked."""
        self.row.change(Reply.lease_until.remove())

    def release(self) -> None:
        Reply._get_connection().delete_item(self.row.pk, self.row.sk)


def claim(tenant: str, key: str, route: str, body: bytes) -> Claim | tuple[int, str]:
    """Claim the key, or give the stored (status, body). Raises KeyReused, KeyInUse, Invalid."""
    if not 1 <= len(key) <= 255:
        raise Invalid.field("Idempotency-Key", "must have 1 to 255 characters")
    now = clock.wall()
    row = Reply(
        f"REPLY#{tenant}#{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}",
        "REPLY",
        body_hash=hashlib.sha256(route.encode() + b"\n" + body).hexdigest(),
        lease_until=now + LEASE,
        ttl=int((now + KEPT).timestamp()),
    )
    try:
        row.create()
        return Claim(row)
    except ConditionFailed as error:
        held = Reply.from_raw_data(error.found or {})
    if held.body_hash != row.body_hash:
        raise KeyReused("This Idempotency-Key was used with another request. Use a new key for a new request.")
    if held.status is not None and held.body is not None:
        return int(held.status), held.body
    if held.lease_until and held.lease_until > now:
        raise KeyInUse("A request with this Idempotency-Key is being answered.", headers={"Retry-After": "2"})
    try:
        held.change(Reply.lease_until.set(now + LEASE), unchanged=True)
    except ConditionFailed as error:
        raise KeyInUse(
            "A request with this Idempotency-Key is being answered.", headers={"Retry-After": "2"}
        ) from error
    return Claim(held)
