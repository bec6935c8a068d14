"""Tracking tokens: which message a link, a pixel or an unsubscribe request belongs to.

32 bytes, base64url: send (16), shard (1), chunk (3), recipient (2) and an 80-bit HMAC-SHA256 with the send's own key,
which is kept on the send: a token proves nothing about any other send, and there is no secret that could be lost for
all.
A link's target is looked up by its number; no URL travels in a link, so there is no open redirect.
"""

import base64
import hashlib
import hmac
from collections import OrderedDict
from typing import NamedTuple

from drumbeat import ids
from drumbeat.sends.model import Place, SendKey

SECRET_BYTES = 32
_MAC_BYTES = 10
_KEPT = 200
_keys: OrderedDict[str, SendKey] = OrderedDict()


class Target(NamedTuple):
    """A verified token: the message, and the send's row with its links."""

    place: Place
    number: int
    key: SendKey

    @property
    def message(self) -> str:
        return self.place.message(self.number)


def issue(secret: bytes, place: Place, number: int) -> str:
    """The token of the message to recipient `number` of a chunk; 43 letters."""
    _, send_id, shard, chunk = place
    head = ids.decode(send_id) + bytes([shard]) + chunk.to_bytes(3, "big") + number.to_bytes(2, "big")
    return _spelled(head + _mac(secret, head))


def _spelled(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def verify(token: str) -> Target | None:
    """The message of a token; None for anything that we did not issue, letter by letter."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    head, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    # Base64 leaves bits over and skips foreign letters: other spellings of a token would each have a rate limit.
    if len(head) != 22 or _spelled(raw) != token:
        return None
    send_id = f"snd_{ids.encode(head[:16])}"
    key = _key(send_id)
    if key is None or not hmac.compare_digest(mac, _mac(key.secret, head)):
        return None
    place = Place(key.tenant, send_id, head[16], int.from_bytes(head[17:20], "big"))
    return Target(place, int.from_bytes(head[20:22], "big"), key)


def _mac(secret: bytes, head: bytes) -> bytes:
    return hmac.digest(secret, head, hashlib.sha256)[:_MAC_BYTES]


def _key(send_id: str) -> SendKey | None:
    """The send's row; it never changes, so an instance keeps the latest ones."""
    if send_id in _keys:
        _keys.move_to_end(send_id)
        return _keys[send_id]
    row = SendKey.fetch(*SendKey.key(send_id))
    if row is not None:
        _keys[send_id] = row
        if len(_keys) > _KEPT:
            _keys.popitem(last=False)
    return row


def forget() -> None:
    _keys.clear()
