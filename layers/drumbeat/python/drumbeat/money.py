"""Money: integer minor units and a currency. JSON shows decimals."""

from decimal import ROUND_HALF_UP, Decimal

# ISO 4217 minor units where they are not 2.
_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF"), 0
    ),
    **dict.fromkeys(("XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
# Symbols that are unambiguous enough, and currencies whose amounts are grouped in lakhs.
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "BDT": "৳", "INR": "₹", "JPY": "¥"}
_LAKH = frozenset({"BDT", "INR", "PKR", "NPR", "LKR"})


def exponent(currency: str) -> int:
    """How many decimals the currency has."""
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: Decimal | float | int | str, currency: str) -> int:
    """Minor units of a decimal amount, half away from zero: 19.995 USD is 2000."""
    return int((Decimal(str(amount)).scaleb(exponent(currency))).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def to_decimal(minor: int, currency: str) -> Decimal:
    """The decimal amount of minor units."""
    return Decimal(minor).scaleb(-exponent(currency))


def shown(minor: int, currency: str) -> float | int:
    """The JSON number of minor units: 8500000 BDT is 85000, 3351 is 33.51."""
    amount = to_decimal(minor, currency)
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def text(amount: Decimal, currency: str) -> str:
    """A finite amount for people: 1250.5 BDT is ৳1,250.50; a currency without a symbol stands behind the number."""
    rounded = amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)
    whole, _, fraction = f"{abs(rounded):f}".partition(".")
    number = (_lakhs(whole) if currency in _LAKH else f"{int(whole):,}") + (f".{fraction}" if fraction else "")
    sign = "-" if rounded < 0 else ""
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency}".rstrip()


def _lakhs(whole: str) -> str:
    """South Asian grouping: 12,34,567."""
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)]
    return ",".join([*reversed(pairs), tail])
