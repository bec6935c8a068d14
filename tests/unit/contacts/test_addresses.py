"""Normalising what people type, and guarding what spreadsheets run."""

import csv
import io
import re

import pytest
from drumbeat.contacts import addresses
from drumbeat.contacts.imports import encodings, reader, rejected
from drumbeat.contacts.imports.columns import number_or_text
from drumbeat.contacts.imports.rejected import Rejected
from drumbeat.errors import Detail
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (" Ann@Example.COM ", "Ann@example.com"),
        ("o'brien+x@sub.example.co.uk", "o'brien+x@sub.example.co.uk"),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
        ("ann@XN--bcher-kva.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_an_email_address_as_it_is_stored(text: str, stored: str) -> None:
    assert addresses.email(text) == stored


@pytest.mark.parametrize(
    "text",
    ["", "@", "a@", "@b.c", "a b@c.de", "a@b", "a@b..de", "a@-b.de", ".a@b.de", "a@b.de.", "a@b.1", "a@b,de", "a@@b.de",
     "x" * 65 + "@b.de", "a@" + "b." * 130 + "de", "a@xn--\u00df.de", "a\n@b.de"],
)  # fmt: skip
def test_what_is_no_email_address(text: str) -> None:
    with pytest.raises(addresses.BadAddress):
        addresses.email(text)


@pytest.mark.parametrize(
    ("text", "country", "stored"),
    [
        ("+880 1712-345678", None, "+8801712345678"),
        ("01712 345678", "BD", "+8801712345678"),
        ("+1234567890", None, "+1234567890"),
        ("+49 (0)30 1234567", None, "+49301234567"),
        ("0049 30 1234567", "DE", "+49301234567"),
    ],
)
def test_a_telephone_number_as_it_is_stored(text: str, country: str | None, stored: str) -> None:
    assert addresses.phone(text, country) == stored


@pytest.mark.parametrize("text", ["", "12", "call me", "+", "+0123456789", "+1234567890123456", "01712345678"])
def test_what_is_no_telephone_number(text: str) -> None:
    with pytest.raises(addresses.BadAddress):
        addresses.phone(text)


@pytest.mark.parametrize(
    "text",
    ["+880 1712-345678", "01712345678", "(030) 123/45 67", "tel:+8801712345678", "030 1234567 ext. 12", "০১৭১২৩৪৫৬৭৮"],
)
def test_what_may_be_a_number_in_some_country(text: str) -> None:
    assert addresses.phone_shaped(text) == text


@settings(deadline=None)  # the first international address imports its validator
@given(st.one_of(st.emails(), st.from_regex(r"\A\s?[\wäßİ.]{1,9}@[\wäßİ]{1,8}\.[a-zA-Z]{2,4}\s?\Z")))
def test_normalising_an_email_address_twice_is_once(text: str) -> None:
    try:
        once = addresses.email(text)
    except addresses.BadAddress:
        return

    assert addresses.email(once) == once
    assert addresses.claim(addresses.claim(once)) == addresses.claim(once)


@settings(deadline=None)
@given(st.from_regex(r"\A[+0-9 ().-]{3,20}\Z"), st.sampled_from([None, "BD", "DE", "US"]))
def test_normalising_a_number_twice_is_once(text: str, country: str | None) -> None:
    try:
        once = addresses.phone(text, country)
    except addresses.BadAddress:
        return

    assert addresses.phone(once) == once


@given(st.text())
def test_a_claim_is_the_same_for_every_case(text: str) -> None:
    assert addresses.claim(addresses.claim(text)) == addresses.claim(text)


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=5))
def test_no_cell_of_a_file_of_rejected_rows_is_a_formula(cells: list[str]) -> None:
    found = rejected.content([Rejected(2, [Detail("row", "=bad")], cells)]).decode()

    (row,) = csv.reader(io.StringIO(found, newline=""))
    assert len(row) == 3 + len(cells)
    for shown, cell in zip(row[3:], cells, strict=True):
        assert not shown.startswith(("=", "+", "-", "@", "\t", "\r")) or re.fullmatch(r"[+-]\d+(\.\d+)?", shown)
        assert shown in (cell, "'" + cell)


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


@given(
    st.lists(st.lists(CELL, min_size=2, max_size=3), max_size=8), st.integers(1, 7),
    st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
)  # fmt: skip
def test_reading_goes_on_from_any_record(rows: list[list[str]], piece: int, encoding: str) -> None:
    """However the bytes arrive, the records are those of the csv module, and each end is where the next begins."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    raw = text.getvalue().encode(encoding)

    def read(offset: int) -> list[reader.Record]:
        pieces = iter([raw[n : n + piece] for n in range(offset, len(raw), piece)])
        return list(reader.Reader(encodings.lines(pieces, encoding), ",", offset, encoding).records())

    found = read(0)
    assert [record.cells for record in found] == rows
    for place, record in enumerate(found):
        assert read(record.end) == found[place + 1 :]


@pytest.mark.parametrize(
    ("cell", "value"),
    [("12", 12), ("-3.5", -3.5), ("0", 0), ("007", "007"), ("1e5", "1e5"), ("true", True), ("False", False),
     ("2024-05-01", "2024-05-01"), ("1234567890123456", "1234567890123456"), ("١٢", "١٢"), ("+5", "+5")],
)  # fmt: skip
def test_attributes_are_text_unless_plainly_a_number(cell: str, value: object) -> None:
    assert number_or_text(cell) == value
    assert type(number_or_text(cell)) is type(value)
