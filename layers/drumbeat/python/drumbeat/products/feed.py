"""Products from the text of a CSV file: our own names of columns, Google's product feed, a Shopify export.

Google: support.google.com/merchants/answer/7052112 (product data specification); there `price` is what a product costs
without its sale, and `sale_price` what it costs now. Shopify: help.shopify.com/en/manual/products/import-export.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from drumbeat.contacts.imports.columns import number_or_text
from drumbeat.errors import Invalid
from drumbeat.products.views import MOST_AT_ONCE, BadProduct, KnownProduct, problems

_DELIMITERS = (",", ";", "\t")
_FIELDS: Final = frozenset(KnownProduct.model_fields) - {"names", "descriptions", "attributes"}
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "id": "sku", "variant_sku": "sku", "product_id": "sku", "external_id": "sku", "title": "name", "link": "url",
    "image_link": "image_url", "image": "image_url", "image_src": "image_url", "variant_price": "price",
    "variant_compare_at_price": "compare_at_price", "product_type": "category", "type": "category", "vendor": "brand",
}  # fmt: skip
_IN_LANGUAGE = re.compile(r"(name|title|description)_([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)")
# "15.00 USD", "USD 15.00": how Google's feed writes money.
_PRICED = re.compile(r"(?:([A-Z]{3}) )?(\d+(?:\.\d+)?)(?: ([A-Z]{3}))?")


def products(text: str) -> dict[int, KnownProduct | BadProduct]:
    """The products of a file by the number of their row, where the header is row 1. Empty rows are passed over.

    Raises Invalid for a file without a header or a column of skus, and for one that is too long.
    """
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    first = lines.readline()
    delimiter = max(_DELIMITERS, key=first.count)
    header = [_column(cell) for _, cells in _rows(csv.reader([first], delimiter=delimiter)) for cell in cells]
    if "sku" not in header:
        raise Invalid.field("csv", "needs a header in its first line, with a column `sku` (or `id`)")
    found: dict[int, KnownProduct | BadProduct] = {}
    for row, cells in _rows(csv.reader(lines, delimiter=delimiter)):
        if len(found) == MOST_AT_ONCE:
            raise Invalid.field("csv", f"has more than {MOST_AT_ONCE:,} products; send it in parts")
        found[row] = _product(dict(zip(header, map(str.strip, cells), strict=False)))
    if not found:
        raise Invalid.field("csv", "has no products below its header")
    return found


def _rows(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    try:
        for row, cells in enumerate(reader, start=2):
            if any(cell.strip() for cell in cells):
                yield row, cells
    except csv.Error as error:
        raise Invalid.field("csv", f"is not valid CSV: {error}") from error


def _column(cell: str) -> str:
    """`Image Link`, `image link` and `image_link` are one name; a language keeps its letters."""
    name = re.sub(r"[\s_]+", "_", cell.strip())
    if _IN_LANGUAGE.fullmatch(name):
        return name
    return _OTHER_NAMES.get(name.lower(), name.lower())


def _product(cells: Mapping[str, str]) -> KnownProduct | BadProduct:
    """Only what a row says: an empty cell leaves what a known product has. But without a sale, nothing cost more
    before."""
    said: dict[str, Any] = {}
    for column, cell in cells.items():
        if not cell or not column:
            continue
        if column in ("price", "compare_at_price", "sale_price"):
            _money(said, column, cell)
        elif column == "availability":
            said[column] = cell.lower().replace(" ", "_")
        elif column in _FIELDS:
            said[column] = cell
        elif named := _IN_LANGUAGE.fullmatch(column):
            key = "descriptions" if named[1] == "description" else "names"
            said.setdefault(key, {})[named[2]] = cell
        else:
            said.setdefault("attributes", {})[column] = number_or_text(cell)
    if "sale_price" in said:
        said["compare_at_price"], said["price"] = said.get("price"), said.pop("sale_price")
    elif "sale_price" in cells and "price" in said:
        said.setdefault("compare_at_price", None)
    try:
        return KnownProduct.model_validate(said)
    except ValidationError as error:
        return BadProduct(sku=said.get("sku"), details=problems(error))


def _money(said: dict[str, Any], column: str, cell: str) -> None:
    priced = _PRICED.fullmatch(cell)
    said[column] = priced[2] if priced else cell
    if priced and (currency := priced[1] or priced[3]):
        said["currency"] = currency
