"""Addresses as they are stored, and as they are compared.

An e-mail address keeps its local part as it was written, but claims (and suppressions) are made on `claim(address)`, so
that `Ann@Example.com` and `ann@example.com` are one person. Telephone numbers are E.164.
"""

import functools
import hashlib
import re
import unicodedata

MOST_EMAIL = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
MOST_LOCAL = 64
MOST_CLAIM = 500  # letters of up to four bytes: a key of the table has 2,048
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?)", re.IGNORECASE)
_E164 = re.compile(r"\+[1-9]\d{6,14}")
# What people write around and between the digits, and an extension behind them.
_DIALLED = re.compile(
    r"(?:tel:)?[+(\d][\d\s().\-/\u00a0\u2010-\u2015]*(?:(?:;ext=|ext\.?|x|#)\s*\d{1,7})?", re.IGNORECASE
)
_FEWEST_DIGITS, _MOST_DIGITS = 3, 20  # short local numbers; 15 of E.164 behind an international prefix
_PUNCTUATION = re.compile(r"[\s().\-/\u00a0\u2010-\u2015]+")


NOT_A_PHONE = "is not a telephone number; write it with its country, like +8801712345678"


class BadAddress(ValueError):
    """Not an address; the message says what one looks like."""


@functools.lru_cache(maxsize=256)
def email(text: str) -> str:
    """The address, trimmed, with its domain in lower-case ASCII. Raises BadAddress.

    Plain ASCII is judged by RFC 5321's dot-atoms in microseconds; anything else by email-validator, which knows IDNA.
    """
    trimmed = unicodedata.normalize("NFC", text.strip())
    plain = _PLAIN.fullmatch(trimmed)
    if plain and "xn--" not in trimmed.lower():
        local, domain = plain.groups()
        if len(trimmed) > MOST_EMAIL or len(local) > MOST_LOCAL:
            raise BadAddress("is too long for an e-mail address")
        return f"{local}@{domain.lower()}"
    if plain or not trimmed.isascii():
        return _international(trimmed)
    raise BadAddress("is not an e-mail address like name@example.com")


def _international(text: str) -> str:
    from email_validator import EmailNotValidError, validate_email  # 30 ms: only such addresses pay for it

    try:
        found = validate_email(text, check_deliverability=False, globally_deliverable=False)
    except (EmailNotValidError, UnicodeError) as error:
        raise BadAddress("is not an e-mail address like name@example.com") from error
    domain = (found.ascii_domain or found.domain).lower()
    if "." not in domain:
        raise BadAddress("is not an e-mail address like name@example.com")
    address = f"{unicodedata.normalize('NFC', found.local_part)}@{domain}"
    if len(address.encode()) > MOST_EMAIL:
        raise BadAddress("is too long for an e-mail address")
    return address


def phone(text: str, country: str | None = None) -> str:
    """The number in E.164; without `+` it is read as dialled in `country` (two letters). Raises BadAddress."""
    compact = _PUNCTUATION.sub("", unicodedata.normalize("NFKC", text.strip()))
    if _E164.fullmatch(compact) and compact.isascii() and "(0)" not in text:
        return compact
    return _dialled(text, country)


def phone_shaped(text: str) -> str:
    """The text as it is, if it may be a number in some country; one that says its country (`+`) is checked in full.

    Raises BadAddress.
    """
    plain = unicodedata.normalize("NFKC", text.strip())
    digits = sum(letter.isdigit() for letter in plain)
    if not _DIALLED.fullmatch(plain) or not _FEWEST_DIGITS <= digits <= _MOST_DIGITS:
        raise BadAddress(NOT_A_PHONE)
    if plain.startswith("+"):
        phone(plain)
    return text


def _dialled(text: str, country: str | None) -> str:
    import phonenumbers  # its metadata is heavy: only numbers that are not E.164 yet pay for it

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        raise BadAddress(NOT_A_PHONE) from error
    if not phonenumbers.is_possible_number(number):
        raise BadAddress(NOT_A_PHONE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def asked_phone(text: str) -> str:
    """A number from a query, where `+` may have arrived as a space (DESIGN section 9, 7)."""
    return "+" + text.lstrip() if re.match(r"\s+\d", text) else text


def claim(address: str) -> str:
    """What of an address is compared: the text itself of a telephone number, an e-mail address without its case; of a
    longer one, which only a push token is, a hash."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).casefold())
    if len(folded) <= MOST_CLAIM:
        return folded
    return f"sha256:{hashlib.sha256(folded.encode('utf-8', 'surrogatepass')).hexdigest()}"


def any_address(text: str) -> str:
    """The claim of an e-mail address or a telephone number in E.164. Raises BadAddress."""
    return claim(email(text)) if "@" in text else phone(asked_phone(text))
