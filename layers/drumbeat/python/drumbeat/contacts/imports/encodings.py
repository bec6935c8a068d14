"""The bytes of a file: which encoding they are in, and where its lines end.

A line is decoded by itself, so that an import can go on from any line's first byte, and only the beginning of a file is
looked at. A library that guesses (charset-normalizer) wants the whole file in memory, and its answer for one line of a
list of names is a matter of luck. What people export is UTF-8, UTF-16 (Excel's "Unicode text") or cp1252 (Excel on
Windows), and these can be told apart: UTF-16 has zero bytes at every other place, and cp1252's letters with accents are
not valid UTF-8, except by a rare chance.
"""

import zlib
from collections.abc import Iterator
from typing import Final, Literal

Encoding = Literal["utf-8", "utf-16-le", "utf-16-be", "cp1252", "ascii"]

# What is looked at to tell the encoding.
SAMPLE: Final = 1 << 18
# A contact's own limit is 64 KB of attributes; a line of a megabyte is no line of contacts.
MOST_LINE: Final = 1 << 20
# A file of 1 GB that unpacks to more is no file of contacts.
MOST_UNPACKED: Final = 8 << 30
NAMES: Final = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "cp1252", "ascii": "text"}
_BOMS: Final[tuple[tuple[bytes, Encoding], ...]] = (
    (b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
)  # fmt: skip
_GZIP = b"\x1f\x8b"
# Of the bytes at one parity so many must be zero: letters of Latin, digits, delimiters and line ends have one each.
_ZEROS = 0.05


class Unreadable(Exception):
    """The file as a whole cannot be imported; the message says why."""


def detect(sample: bytes) -> tuple[Encoding, int]:
    """The encoding of a file that begins like this, and how many bytes of it are a byte order mark.

    `ascii` has no letter outside of ASCII so far: like cp1252, a line of it that is not UTF-8 is read as cp1252. In a
    file that has shown itself to be UTF-8, such a line is damaged. Raises Unreadable for UTF-32.
    """
    if sample.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise Unreadable("The file is UTF-32. Save it as UTF-8.")
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return name, len(mark)
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) > _ZEROS * len(sample) / 2:
        return ("utf-16-le" if odd > even else "utf-16-be"), 0
    return _of_bytes(sample), 0


def _of_bytes(sample: bytes) -> Encoding:
    """By lines, as one damaged line does not make another encoding of a file."""
    good = bad = 0
    whole = sample[: sample.rfind(b"\n") + 1] or sample
    for line in whole.split(b"\n"):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
    if not good and not bad:
        return "ascii"
    return "utf-8" if good >= bad else "cp1252"


def decode(line: bytes, encoding: str) -> tuple[str, bool]:
    """A line's text, and whether it is whole; what cannot be read becomes U+FFFD."""
    try:
        return line.decode("utf-8" if encoding in ("cp1252", "ascii") else encoding), True
    except UnicodeDecodeError:
        pass
    if encoding in ("cp1252", "ascii"):
        text = line.decode("cp1252", "replace")
        return text, "\ufffd" not in text
    return line.decode(encoding, "replace"), False


def lines(pieces: Iterator[bytes], encoding: str = "utf-8") -> Iterator[bytes]:
    """The lines of a stream of bytes, with their line ends. Raises Unreadable for an endless one."""
    end = {"utf-16-le": b"\n\0", "utf-16-be": b"\0\n"}.get(encoding, b"\n")
    held = b""
    for piece in pieces:
        held += piece
        if len(end) == 1:
            *whole, held = held.split(end)
            yield from (line + end for line in whole)
        else:
            begin = 0
            while (found := _aligned(held, end, begin)) >= 0:
                yield held[begin : found + 2]
                begin = found + 2
            held = held[begin:]
        if len(held) > MOST_LINE:
            raise Unreadable("The file has a line of more than 1 MB. Is it a CSV file with line ends?")
    if held:
        yield held


def _aligned(held: bytes, end: bytes, begin: int) -> int:
    """Where the next line end is that does not lie across two letters; -1 without one."""
    found = held.find(end, begin)
    while found >= 0 and (found - begin) % 2:
        found = held.find(end, found + 1)
    return found


def is_packed(begin: bytes) -> bool:
    """Whether a file that begins like this is gzip."""
    return begin.startswith(_GZIP)


def unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What a gzip file has inside, in pieces, also when it was put together from several. Raises Unreadable."""
    inflater, total, ended = zlib.decompressobj(wbits=31), 0, True
    for piece in pieces:
        rest, full = piece, False
        while rest or full:
            if inflater.eof:
                rest, inflater, ended = rest.lstrip(b"\0"), zlib.decompressobj(wbits=31), True
                continue
            try:
                found = inflater.decompress(rest, SAMPLE)
            except zlib.error as problem:
                raise Unreadable("The file is not a whole gzip file. Upload it again.") from problem
            ended, full = inflater.eof, len(found) == SAMPLE and not inflater.eof
            rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            total += len(found)
            if total > MOST_UNPACKED:
                raise Unreadable("The file unpacks to more than 8 GB. Split it.")
            if found:
                yield found
    if not ended:
        raise Unreadable("The file is not a whole gzip file: its end is missing. Upload it again.")


def behind(pieces: Iterator[bytes], offset: int) -> Iterator[bytes]:
    """The same bytes without the first so many."""
    for piece in pieces:
        if offset < len(piece):
            yield piece[offset:] if offset else piece
            offset = 0
        else:
            offset -= len(piece)
