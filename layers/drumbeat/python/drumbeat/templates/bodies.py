"""What a template says in each of its languages, and how that is kept: packed, as HTML shrinks to a tenth.

The languages of a template are its default, under the key "", and variants under their tags (`bn`, `pt-br`).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from drumbeat.errors import Invalid

DEFAULT = ""
MOST_BYTES = 2_000_000
"""UTF-8 bytes of all sources of a template together."""
MOST_PACKED = 350_000
"""An item of the table may have 400 KB (409,600 bytes) with its keys and names."""


@dataclass(frozen=True, slots=True)
class Body:
    """One language. `html` is as written, or made from `mjml`; without `text` a mail's text part is derived.

    `ready` is what mails are made of, with styles inlined; None when that is `html` itself. `styles` are what a block
    needs in the head of the mail; a block has no subject.
    """

    subject: str
    html: str
    mjml: str | None = None
    text: str | None = None
    ready: str | None = None
    styles: str = ""

    @property
    def sendable(self) -> str:
        return self.html if self.ready is None else self.ready


Bodies = Mapping[str, Body]


def pack(bodies: Bodies) -> bytes:
    """Raises Invalid when the sources are too large together."""
    plain = json.dumps({tag: asdict(body) for tag, body in bodies.items()}, ensure_ascii=False).encode()
    if len(plain) > MOST_BYTES:
        raise _too_large(len(plain), MOST_BYTES)
    packed = zlib.compress(plain, 6)
    if len(packed) > MOST_PACKED:
        raise _too_large(len(packed), MOST_PACKED)
    return packed


def _too_large(size: int, most: int) -> Invalid:
    what = "with the other parts and languages it has"
    return Invalid.field("html", f"{what} {size // 1000} KB; shorten it to {most // 1000} KB")


def unpack(packed: bytes) -> dict[str, Body]:
    return {tag: Body(**said) for tag, said in json.loads(zlib.decompress(packed)).items()}


def choose(language: str | None, offered: Iterable[str]) -> str:
    """Whose variant somebody reads: `bn-BD` → `bn-BD`, else `bn`, else the default. Case does not matter."""
    known = {tag.lower(): tag for tag in offered}
    wanted = (language or "").lower()
    while wanted:
        if wanted in known:
            return known[wanted]
        wanted = wanted.rpartition("-")[0]
    return DEFAULT
