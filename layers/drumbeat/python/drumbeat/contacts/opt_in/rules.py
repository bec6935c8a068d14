"""When a consent must be confirmed, how often we may ask, and what a link to confirm holds. Pure."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drumbeat.accounts.settings import Settings
from drumbeat.contacts import addresses
from drumbeat.contacts.consent import CONFIRMED

# Mails to one address: anybody can type it into a form, so its owner must not be flooded.
APART = timedelta(minutes=5)
MOST_IN_A_DAY, DAY = 3, timedelta(hours=24)
MOST_IN_ALL = 5
_KEY_BYTES = _SECRET_BYTES = 16


@dataclass(frozen=True, slots=True)
class Token:
    """What a link to confirm says: whose tenant, which address, and a secret of which only the hash is stored."""

    tenant: str
    address_key: str
    secret: bytes


def required(chosen: Settings, source: str | None, method: str | None) -> bool:
    """Whether a consent from this source is to be confirmed. One that was confirmed elsewhere (method `double_opt_in`)
    is not asked for again."""
    if method == CONFIRMED:
        return False
    return chosen.double_opt_in or (source or "").strip().casefold() in {
        one.strip().casefold() for one in chosen.double_opt_in_sources
    }


def address_key(tenant: str, email: str) -> str:
    """What stands for an address in keys and links: limits belong to the address, whichever contact has it."""
    claim = addresses.claim(email)
    return hashlib.sha256(f"{tenant}\x1f{claim}".encode("utf-8", "surrogatepass")).digest()[:_KEY_BYTES].hex()


def next_mail_at(mails: Sequence[datetime], confirmed_at: datetime | None, now: datetime) -> datetime | None:
    """From when on another mail may go to the address (now or earlier: at once); None for never.

    The total counts from the last confirmation on, the day's number and the distance whatever happened.
    """
    if len([at for at in mails if confirmed_at is None or at > confirmed_at]) >= MOST_IN_ALL:
        return None
    at = max(mails, default=now - APART) + APART
    lately = sorted(one for one in mails if one > now - DAY)
    if len(lately) >= MOST_IN_A_DAY:
        at = max(at, lately[-MOST_IN_A_DAY] + DAY)
    return at


def barred(held: Mapping[str, Any] | None, suppressed: str | None) -> str | None:
    """Why an address must get no mail that asks, None when it may: whoever complained or bounced gets none, and nobody
    who is suppressed for another reason than an opt-out of their own, which a new consent takes back."""
    if suppressed is not None and suppressed != "unsubscribed":
        return f"suppressed:{suppressed}"
    if held is not None and held.get("status") == "revoked" and held.get("method") == "provider":
        return "revoked_by_provider"
    return None


def token(told: Token) -> str:
    """A token as it stands in a link."""
    raw = told.secret + bytes.fromhex(told.address_key) + told.tenant.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def parsed(text: str) -> Token | None:
    """A link's token; None for what is none. Says nothing about whether we made it."""
    if len(text) > 200 or "=" in text:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        tenant = raw[_SECRET_BYTES + _KEY_BYTES :].decode()
    except (binascii.Error, UnicodeError, ValueError):
        return None
    if not tenant or "#" in tenant:
        return None
    return Token(tenant, raw[_SECRET_BYTES : _SECRET_BYTES + _KEY_BYTES].hex(), raw[:_SECRET_BYTES])


def hashed(secret: bytes) -> str:
    """How a secret is stored: it has 128 bits of chance, so a plain hash gives nothing away."""
    return hashlib.sha256(secret).hexdigest()
