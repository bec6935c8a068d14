"""How a text is cut into the parts that a telephone network carries, each of which is paid for. Pure.

A part has 140 bytes (3GPP TS 23.040): 160 characters of seven bits, if all are in the GSM alphabet (3GPP TS 23.038), or
70 of sixteen. A text of several parts loses six bytes of each to the header that puts them together: 153 and 67 are
left. A character of the extension table takes two places, an emoji two of sixteen bits; neither is cut in half.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
# The header counts parts with one byte.
MOST_PARTS = 255
# What people paste from word processors, and what says the same in the GSM alphabet.
PLAINER = {
    "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"', "″": '"', "‘": "'", "’": "'", "‚": "'", "‛": "'",
    "‹": "'", "›": "'", "′": "'", "`": "'", "´": "'", "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "―": "-",
    "−": "-", "…": "...", "•": "-", "·": ".", "\t": " ", "\u00a0": " ", "\u2002": " ", "\u2003": " ", "\u2009": " ",
    "\u202f": " ", "\u200b": "", "\u2060": "", "\ufeff": "",
}  # fmt: skip


class Encoding(StrEnum):
    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


# Places in a text's only part, and in each of several.
ALONE = {Encoding.GSM_7: 160, Encoding.UCS_2: 70}
TOGETHER = {Encoding.GSM_7: 153, Encoding.UCS_2: 67}


class Counted(NamedTuple):
    """A text as it is sent: its encoding, the places that it takes, its parts, and the characters because of which it
    is not GSM-7, each once."""

    encoding: Encoding
    places: int
    parts: tuple[str, ...]
    forcing: tuple[str, ...]


def count(text: str) -> Counted:
    """Count and cut a text. An empty one is one part."""
    forcing = tuple(dict.fromkeys(letter for letter in text if letter not in BASIC and letter not in EXTENSION))
    encoding = Encoding.UCS_2 if forcing else Encoding.GSM_7
    places = sum(_places(letter, encoding) for letter in text)
    parts = (text,) if places <= ALONE[encoding] else tuple(_cut(text, encoding))
    return Counted(encoding, places, parts, forcing)


def plainer(text: str) -> str:
    """The text with what has an equal in the GSM alphabet in its place."""
    return "".join(PLAINER.get(letter, letter) for letter in text)


def _places(letter: str, encoding: Encoding) -> int:
    if encoding == Encoding.UCS_2:
        return 2 if ord(letter) > 0xFFFF else 1  # a pair of surrogates
    return 2 if letter in EXTENSION else 1


def _cut(text: str, encoding: Encoding) -> Iterator[str]:
    start = taken = 0
    for place, letter in enumerate(text):
        size = _places(letter, encoding)
        if taken + size > TOGETHER[encoding]:
            yield text[start:place]
            start, taken = place, 0
        taken += size
    yield text[start:]
