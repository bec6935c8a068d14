"""What requests say of products, and what answers show."""

import json
import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from drumbeat import ids
from drumbeat.accounts.settings import Language
from drumbeat.fields import Attributes, Body, Currency, Instant, Listing, Name, Text, View
from drumbeat.products.rules import MOST_BYTES, PREFIX

# Products of one request: each is two write units, and an answer waits for at most half a minute.
MOST_AT_ONCE = 2_000
MOST_AMOUNT = Decimal(10) ** 12
_URL = re.compile(r"https?://[^\s/?#\"<>\\]+[^\s\"<>\\]*", re.IGNORECASE)
Availability = Literal["in_stock", "out_of_stock", "preorder", "backorder", "discontinued"]


def _own_id(value: Any) -> Any:
    """Shops number their products: 123 is "123"."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _no_id_of_ours(sku: str) -> str:
    if ids.is_id(sku, PREFIX) or not sku.isprintable():
        raise ValueError("must be the product's id in your shop, not one of ours")
    return sku


def _address(url: str) -> str:
    if not _URL.fullmatch(url):
        raise ValueError("must be an address such as https://shop.example/shoes")
    return url


def _secure(url: str) -> str:
    """Mail programs show no picture that a page with a lock could not."""
    if not url.lower().startswith("https://"):
        raise ValueError("must begin with https://")
    return url


Sku = Annotated[
    Text,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=128),
    BeforeValidator(_own_id),
    AfterValidator(_no_id_of_ours),
]
Url = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(_address)]
ImageUrl = Annotated[Url, AfterValidator(_secure)]
Amount = Annotated[Decimal, Field(ge=0, lt=MOST_AMOUNT, allow_inf_nan=False)]
Description = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=5000)]
Word = Annotated[Name, StringConstraints(max_length=128)]


class ProductFields(Body):
    """What can be said of a product; null removes.

    `names` and `descriptions` are those in other languages, by language. Prices are decimals in the product's
    `currency` (the tenant's unless said); `compare_at_price` is what it cost before.
    """

    names: Annotated[dict[Language, Name], Field(max_length=20)] | None = None
    description: Description | None = None
    descriptions: Annotated[dict[Language, Description], Field(max_length=20)] | None = None
    url: Url | None = None
    image_url: ImageUrl | None = None
    price: Amount | None = None
    compare_at_price: Amount | None = None
    currency: Currency | None = None
    category: Word | None = None
    brand: Word | None = None
    availability: Availability | None = None
    attributes: Attributes | None = None

    @model_validator(mode="after")
    def _fits(self) -> "ProductFields":
        said = self.model_dump(mode="json", exclude_unset=True)
        if len(json.dumps(said, ensure_ascii=False).encode()) > MOST_BYTES:
            raise ValueError(f"must be at most {MOST_BYTES // 1000} KB in all")
        return self


class NewProduct(ProductFields):
    """A product. `sku` is its id in the tenant's shop, which finds it wherever ours does; it stays."""

    name: Name
    sku: Sku | None = None


class KnownProduct(ProductFields):
    """A product of an import: who has this `sku` gets what is said here, a new one needs a `name`."""

    sku: Sku
    name: Name | None = None


class ProductChange(ProductFields):
    """What changes: fields that are left out stay, null removes, attributes are replaced as a whole."""

    name: Name | None = None

    @field_validator("name")
    @classmethod
    def _kept(cls, value: str | None) -> str:
        if value is None:
            raise ValueError("cannot be removed; leave it out to keep it")
        return value


class FieldProblem(View):
    """A bad field of one product."""

    field: str
    message: str


class BadProduct(View):
    """A product of an import that is not well-formed: it is rejected, the others are not."""

    sku: str | None
    details: list[FieldProblem]


def problems(error: ValidationError) -> list[FieldProblem]:
    """What is wrong with one product."""
    return [
        FieldProblem(
            field=".".join(map(str, one["loc"])) or "product", message=one["msg"].removeprefix("Value error, ")
        )
        for one in error.errors(include_url=False)
    ]


def _one(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """The product, or what is wrong with it; what is no object at all makes the whole import malformed."""
    if not isinstance(value, dict):
        raise ValueError("must be a product, an object with a sku and a name")
    try:
        return read(value)
    except ValidationError as error:
        sku = value.get("sku")
        return BadProduct(
            sku=sku[:128] if isinstance(sku, str) and sku.isprintable() else None, details=problems(error)
        )


class ProductImport(Body):
    """Products to add or change, by their `sku`: a list, or the text of a CSV file whose first line names the columns.

    Columns may have our names, or those of Google's product feed (`id`, `title`, `link`, `image_link`, …) or of a
    Shopify export; `name_bn` is a name in another language. Other columns become attributes. An empty cell leaves what
    a product has. At most 2,000 products.
    """

    products: (
        Annotated[list[Annotated[KnownProduct, WrapValidator(_one)]], Field(min_length=1, max_length=MOST_AT_ONCE)]
        | None
    ) = None
    csv: Annotated[Text, StringConstraints(min_length=1, max_length=4_000_000)] | None = None

    @model_validator(mode="after")
    def _either(self) -> "ProductImport":
        if (self.products is None) == (self.csv is None):
            raise ValueError("must have either `products` or `csv`")
        return self


class ProductResult(View):
    """What became of one product. `row` counts from 1; in a CSV file the header is row 1."""

    row: int
    sku: str | None
    product_id: str | None
    status: Literal["created", "updated", "unchanged", "rejected"]
    details: list[FieldProblem] = Field(default_factory=list)


class ProductResults(View):
    """One result for each product, in their order."""

    results: list[ProductResult]
    created: int
    updated: int
    unchanged: int
    rejected: int


class ProductQuery(Listing):
    """Filters, without case: the products of a category or brand, those with an availability, and those whose name (in
    any language) or sku has `search` in it."""

    category: str | None = Field(None, max_length=128)
    brand: str | None = Field(None, max_length=128)
    availability: Availability | None = None
    search: str | None = Field(None, max_length=128)


class ProductView(View):
    """A product. `version` counts its changes."""

    id: str
    sku: str | None
    name: str
    names: dict[str, str]
    description: str | None
    descriptions: dict[str, str]
    url: str | None
    image_url: str | None
    price: float | int | None
    compare_at_price: float | int | None
    currency: str
    category: str | None
    brand: str | None
    availability: str
    attributes: dict[str, Any]
    version: int
    created_at: Instant
    updated_at: Instant


class Deleted(View):
    """What was deleted."""

    id: str
    deleted: Literal[True] = True
