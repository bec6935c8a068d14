"""The domains of a chunk's recipients, kept with the chunk as a short text: no address is stored twice. Pure.

Text messages have in their place where they went and in how many parts (drumbeat.sends.destinations).

The first line has one letter for each recipient, the second the domains that the letters stand for; a blank is a
recipient whose address nobody has looked up. `gmail.com` and 49 like it take some 70 bytes.
"""

from collections.abc import Mapping, Sequence

# Letters in the order of first use; control characters lie between the two ranges.
_ASCII, _BEYOND = 0x21, 0xA1
_FEW = 0x7F - _ASCII
# Stands for a blank in a name, of a carrier, say.
BLANK = "\u00a0"


def domain(address: str) -> str:
    """What is behind the last @, in lower case."""
    return address.rpartition("@")[2].strip().lower()


def merged(text: str | None, size: int, addresses: Mapping[int, str]) -> str:
    """The text with the domains of these recipients' addresses put in."""
    return noted(text, size, {number: domain(address) for number, address in addresses.items()})


def noted(text: str | None, size: int, found: Mapping[int, str]) -> str:
    """The text with these names put in; a blank parts names, so none is in one."""
    held = read(text, size)
    for number, name in found.items():
        held[number] = name.replace(" ", BLANK) or None
    names = list(dict.fromkeys(name for name in held if name))
    letters = {name: _letter(place) for place, name in enumerate(names)}
    return "".join(letters[name] if name else " " for name in held) + "\n" + " ".join(names)


def read(text: str | None, size: int) -> list[str | None]:
    """The domain of each recipient; None where it is not known."""
    if not text:
        return [None] * size
    codes, _, names = text.partition("\n")
    known: Sequence[str] = [name.replace(BLANK, " ") for name in names.split(" ")]
    by_letter: dict[str, str | None] = {_letter(place): name for place, name in enumerate(known)}
    return [by_letter.get(code) for code in codes.ljust(size)]


def _letter(place: int) -> str:
    return chr(_ASCII + place) if place < _FEW else chr(_BEYOND + place - _FEW)
