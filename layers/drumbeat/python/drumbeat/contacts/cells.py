"""Cells of files that people open in a spreadsheet.

A text that begins like a formula is run by some spreadsheets as soon as the file is opened (OWASP, "CSV Injection"), so
it gets an apostrophe in front, which imports take off again. Numbers and telephone numbers with a sign (`-3.5`,
`+8801712345678`) stay as they are: without an operator, a reference or a name there is nothing that could be run, and a
number with an apostrophe is of no use to whoever dials or adds it.
"""

import re

# The characters of OWASP's list, their full-width twins (which some spreadsheets read alike), and a line's end, also
# behind blanks and signs that nobody sees. Behind apostrophes too, so that taking one off gives back what was there.
_FORMULA = re.compile(r"'*(?:[\s\x00\ufeff\u200b-\u200f]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[^\S\t\r\n]*[\t\r\n])")
_NUMBER = re.compile(r"[+-]\d+(?:\.\d+)?", re.ASCII)


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    if not _FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return "'" + cell


def unguarded(cell: str) -> str:
    """What was guarded. Numbers lose an apostrophe too: other programs guard them."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell
