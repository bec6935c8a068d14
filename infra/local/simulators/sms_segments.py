"""How Twilio counts and prices the parts of a message (twilio.com/docs/glossary/what-sms-character-limit). Written on
its own, not from the product's code: it is the other side of the comparison."""

from __future__ import annotations

GSM_7 = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = set("\f^{}\\[~]|€")
# Dollars for a part by the number's first digits, as Twilio's price list had them in 2025; MMS where there is any.
PRICES = {"+1": 0.0079, "+880": 0.3290, "+44": 0.0524}
OTHERWISE, MMS = 0.0500, 0.0200


def encoding(text: str) -> str:
    return "GSM-7" if all(letter in GSM_7 or letter in ESCAPED for letter in text) else "UCS-2"


def segments(text: str) -> int:
    """The number of parts; an empty text is one."""
    if encoding(text) == "GSM-7":
        units, alone, together = [2 if letter in ESCAPED else 1 for letter in text], 160, 153
    else:
        units, alone, together = [len(letter.encode("utf-16-le")) // 2 for letter in text], 70, 67
    if sum(units) <= alone:
        return 1
    parts, room = 1, together
    for unit in units:
        if unit > room:  # what takes two places is not cut in half
            parts, room = parts + 1, together
        room -= unit
    return parts


def price(to: str, text: str, media: int) -> float:
    """What the message costs, in dollars."""
    if media:
        return MMS
    each = next(
        (PRICES[prefix] for prefix in sorted(PRICES, key=len, reverse=True) if to.startswith(prefix)), OTHERWISE
    )
    return each * segments(text)
