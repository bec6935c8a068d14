"""Passwords: what is accepted, and how they are hashed.

argon2id (RFC 9106) with 46 MiB, two passes, one lane: above the OWASP cheat sheet's minimum for one pass, about 70 ms
on a 2020s core and 250 ms on the 0.29 processors of a Lambda function with 512 MB. One lane, because such a function
has no second processor for another.
"""

import functools
import unicodedata
from typing import TYPE_CHECKING

from drumbeat.errors import Invalid

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST = 10
MOST = 256
# Verified when there is no such user, so that the answer takes the same time. No password is known to match it.
NOBODY = "$argon2id$v=19$m=47104,t=2,p=1$3YBq11KmVHYTSRA6wfZGoQ$Qjl7qJjoiTh3bkFSNnLhs1/dfZ4R/jRbPkK/JYxG3Xo"


def accepted(password: str, email: str) -> str:
    """The password, if it is good enough: long, and no composition rules (NIST SP 800-63B). Raises Invalid."""
    plain = _normal(password)
    if len(plain) < LEAST:
        raise Invalid.field("password", f"must have at least {LEAST} characters")
    if len(set(plain)) < 4:
        raise Invalid.field("password", "must have at least 4 different characters")
    if plain.casefold() in (email.casefold(), email.casefold().split("@")[0]):
        raise Invalid.field("password", "must not be the e-mail address")
    return password


@functools.cache
def _hasher() -> "PasswordHasher":
    """Imported when first used: most functions that know users never see a password."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=47_104, parallelism=1)


def hashed(password: str) -> str:
    return _hasher().hash(_normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; takes the same time when there is none to compare with."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _hasher().verify(stored or NOBODY, _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher().check_needs_rehash(stored)


def _normal(password: str) -> str:
    """The same letters typed on another keyboard are the same password (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
