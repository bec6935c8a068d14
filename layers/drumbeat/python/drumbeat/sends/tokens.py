"""Tracking tokens: which message a link, a pixel or an unsubscribe request belongs to.

32 bytes, base64url: send (16), shard (1), chunk (3), recipient (2) and an 80-bit HMAC-SHA256 with the send's own key,
which is kept on the send: a token proves nothing about any other send, and there is no secret that could be lost for
all.
A link's target is looked up by its number; no URL travels in a link, so there is no open redirect.

The links of a text message are paid for by the letter. Their tokens have 15 bytes: an alias of the send (39 bits, of
its key), chunk (20), shard (4), recipient (9) and a 48-bit HMAC. The alias is the name of a second row like the send's
own (`keys`), so that a click reads one row either way.
"""

import base64
import hashlib
import hmac
from collections import OrderedDict
from typing import Any, NamedTuple

from drumbeat import ids
from drumbeat.sends.model import Place, SendKey

SECRET_BYTES = 32
_MAC_BYTES = 10
_SHORT_BYTES, _SHORT_MAC_BYTES = 9, 6
_ALIAS_BITS, _CHUNK_BITS, _SHARD_BITS, _NUMBER_BITS = 39, 20, 4, 9
MOST_RECIPIENTS = 1 << _NUMBER_BITS
"""Of a chunk whose messages have short tokens."""
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


def issue_short(secret: bytes, place: Place, number: int) -> str:
    """The same in 20 letters, for a send with an alias."""
    _, _, shard, chunk = place
    if chunk >> _CHUNK_BITS or shard >> _SHARD_BITS or number >> _NUMBER_BITS:
        raise ValueError(f"no short token has room for the chunk {shard}-{chunk} and the recipient {number}")
    packed = _alias(secret)
    for value, bits in ((chunk, _CHUNK_BITS), (shard, _SHARD_BITS), (number, _NUMBER_BITS)):
        packed = packed << bits | value
    head = packed.to_bytes(_SHORT_BYTES, "big")
    return _spelled(head + _mac(secret, head)[:_SHORT_MAC_BYTES])


def keys(
    send_id: str, tenant: str, campaign: str, secret: bytes, links: list[dict[str, Any]], *, short: bool
) -> list[SendKey]:
    """The rows by which a send's tokens are verified; with `short` tokens there are two. They are written with the
    send, on condition that they are new."""
    names = [send_id, *([_named(_alias(secret))] if short else [])]
    return [
        SendKey(*SendKey.key(name), send=send_id, tenant=tenant, campaign=campaign, secret=secret, links=links)
        for name in names
    ]


def _alias(secret: bytes) -> int:
    """39 bits that tell nothing of the key."""
    return int.from_bytes(hmac.digest(secret, b"alias", hashlib.sha256)[:5], "big") >> (40 - _ALIAS_BITS)


def _named(alias: int) -> str:
    return f"alias-{alias:010x}"


def _spelled(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def verify(token: str) -> Target | None:
    """The message of a token; None for anything that we did not issue, letter by letter."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    # Base64 leaves bits over and skips foreign letters: other spellings of a token would each have a rate limit.
    if _spelled(raw) != token:
        return None
    if len(raw) == _SHORT_BYTES + _SHORT_MAC_BYTES:
        return _verify_short(raw[:_SHORT_BYTES], raw[_SHORT_BYTES:])
    head, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if len(head) != 22:
        return None
    send_id = f"snd_{ids.encode(head[:16])}"
    key = _key(send_id)
    if key is None or not hmac.compare_digest(mac, _mac(key.secret, head)):
        return None
    place = Place(key.tenant, send_id, head[16], int.from_bytes(head[17:20], "big"))
    return Target(place, int.from_bytes(head[20:22], "big"), key)


def _verify_short(head: bytes, mac: bytes) -> Target | None:
    packed, values = int.from_bytes(head, "big"), []
    for bits in (_NUMBER_BITS, _SHARD_BITS, _CHUNK_BITS):
        packed, value = packed >> bits, packed & (1 << bits) - 1
        values.append(value)
    key = _key(_named(packed))
    if key is None or key.send is None or not hmac.compare_digest(mac, _mac(key.secret, head)[:_SHORT_MAC_BYTES]):
        return None
    number, shard, chunk = values
    return Target(Place(key.tenant, key.send, shard, chunk), number, key)


def _mac(secret: bytes, head: bytes) -> bytes:
    return hmac.digest(secret, head, hashlib.sha256)[:_MAC_BYTES]


def _key(name: str) -> SendKey | None:
    """The row of a send or an alias; it never changes, so an instance keeps the latest ones."""
    if name in _keys:
        _keys.move_to_end(name)
        return _keys[name]
    row = SendKey.fetch(*SendKey.key(name))
    if row is not None:
        _keys[name] = row
        if len(_keys) > _KEPT:
            _keys.popitem(last=False)
    return row


def forget() -> None:
    _keys.clear()
