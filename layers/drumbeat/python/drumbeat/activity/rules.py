"""What an event may be called, when it may have happened, and what a purchase adds to a contact's facts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from drumbeat import money

PURCHASE = "purchase"
# Clocks of shops and phones are wrong by hours; by more than a day it is a mistake.
MOST_AHEAD = timedelta(days=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# A sum of a hundred million such orders still fits the 38 digits of a DynamoDB number.
MOST_VALUE = Decimal(10) ** 15
_NAME = re.compile(r"[a-z0-9_.:-]{1,64}")
_VALUES = ("value", "amount", "total")


class NotAPurchase(ValueError):
    """The properties of a purchase cannot be read; the code says what is wrong."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code, self.field = code, field


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order: `value` in minor units of `currency`; None when the event does not say what it was worth."""

    value: int | None
    currency: str
    order_id: str | None


def event_name(value: Any) -> str:
    """`Added To Cart` is `added_to_cart`. Raises ValueError."""
    name = value.strip().lower().replace(" ", "_") if isinstance(value, str) else ""
    if not _NAME.fullmatch(name):
        raise ValueError("must be 1 to 64 letters, digits and _ . : -")
    return name


def time_problem(occurred_at: datetime, now: datetime) -> str | None:
    """Why an event cannot have happened then, as a code; None when it can."""
    if occurred_at > now + MOST_AHEAD:
        return "in_the_future"
    return "too_old" if occurred_at < EARLIEST else None


def purchase(properties: Mapping[str, Any], default_currency: str) -> Purchase:
    """What the properties of a `purchase` event say. Raises NotAPurchase."""
    currency = properties.get("currency")
    currency = default_currency if currency is None else currency
    if not isinstance(currency, str) or not re.fullmatch(r"[A-Za-z]{3}", currency):
        raise NotAPurchase("invalid_currency", "properties.currency", "must be a code of ISO 4217 such as USD")
    currency = currency.upper()
    return Purchase(_value(properties, currency), currency, _order_id(properties.get("order_id")))


def _value(properties: Mapping[str, Any], currency: str) -> int | None:
    named = next((name for name in _VALUES if properties.get(name) is not None), None)
    if named is None:
        return None
    said = properties[named]
    refused = NotAPurchase("invalid_value", f"properties.{named}", "must be an amount, zero or more, such as 49.90")
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        raise refused
    if isinstance(said, str) and not re.fullmatch(r"[0-9]{1,16}(\.[0-9]{1,16})?", said):
        raise refused
    try:
        amount = Decimal(str(said))
    except (InvalidOperation, ValueError) as error:  # ValueError: an integer of thousands of digits
        raise refused from error
    if not 0 <= amount <= MOST_VALUE:
        raise refused
    return money.to_minor(amount, currency)


def _order_id(said: Any) -> str | None:
    """The order's id as text: shops send numbers and texts. Raises NotAPurchase."""
    if said is None:
        return None
    text = str(said) if isinstance(said, int) and not isinstance(said, bool) and abs(said) < 10**30 else said
    if not isinstance(text, str) or not 1 <= len(text) <= 128 or not text.isprintable():
        raise NotAPurchase(
            "invalid_order_id", "properties.order_id", "must be a text or number of at most 128 characters"
        )
    return text
