"""Ids: a prefix that says what it is, and a ULID (48 bits of milliseconds, 80 bits of chance; github.com/ulid/spec)."""

import hashlib
import os
import re
import time

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [one + two for one in _CROCKFORD for two in _CROCKFORD]
_VALUES = {letter: value for value, letter in enumerate(_CROCKFORD)}
_SHAPE = re.compile(r"[a-z]{2,4}_[0-7][0-9A-HJKMNP-TV-Z]{25}")


def new(prefix: str) -> str:
    """A fresh id such as `con_01JD…`; ids of one prefix sort by the time they were made."""
    return f"{prefix}_{encode(int(time.time() * 1000).to_bytes(6, 'big') + os.urandom(10))}"


def derived(prefix: str, *cause: str) -> str:
    """The id that this cause always gives (an import's job and row, say): doing it again makes the same one."""
    raw = hashlib.sha256("\x1f".join(cause).encode("utf-8", "surrogatepass")).digest()[:16]
    return f"{prefix}_{encode(raw)}"


def encode(raw: bytes) -> str:
    """16 bytes as 26 letters."""
    number = int.from_bytes(raw, "big")
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])


def bare(text: str) -> str:
    """An id's 26 letters without its prefix."""
    return text[-26:]


def decode(text: str) -> bytes:
    """The 16 bytes of an id's 26 letters (with or without a prefix)."""
    number = 0
    for letter in text[-26:]:
        number = number << 5 | _VALUES[letter]
    return number.to_bytes(16, "big")


def is_id(text: str, prefix: str) -> bool:
    """Whether this is a well-formed id of the kind."""
    return text.startswith(prefix + "_") and _SHAPE.fullmatch(text) is not None


def shard(text: str, shards: int) -> int:
    """Which of `shards` equal parts an id belongs to; stable for ever."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % shards
