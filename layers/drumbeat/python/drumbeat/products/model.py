"""What a tenant sells.

pk                       sk         gsi1pk               gsi1sk
PRODUCT#<tenant>#<id>    PRODUCT    PRODUCTS#<tenant>    <created at>#<id>
COUNT#<tenant>#products  <shard>    -                    -                  see drumbeat.counts

The id of a product with a `sku` follows from it. So a sku is one product without a row that claims it, is found by one
read, and an import that comes twice is the same products.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pynamodb.expressions.update import Action

from drumbeat import clock, counts, ids, money
from drumbeat.accounts import settings
from drumbeat.contacts.model import CompactJSON
from drumbeat.counts import Count
from drumbeat.errors import Conflict, Detail, Invalid, NotFound
from drumbeat.products.rules import MOST_BYTES, PREFIX
from drumbeat.table import (
    Entity,
    InstantAttribute,
    NumberAttribute,
    Transaction,
    TransactionRefused,
    UnicodeAttribute,
    retried,
)

if TYPE_CHECKING:  # who only reads products, as mails do, pays for none of these
    from drumbeat.products.views import NewProduct, ProductChange

KIND = "products"
IN_STOCK = "in_stock"
# What a request can set; `price` and `compare_at_price` are in minor units when they are stored.
FIELDS = (
    "name", "names", "description", "descriptions", "url", "image_url", "price", "compare_at_price", "currency",
    "category", "brand", "availability", "attributes",
)  # fmt: skip
ALWAYS: Mapping[str, Any] = {"names": {}, "descriptions": {}, "attributes": {}, "availability": IN_STOCK}


class SkuTaken(Conflict):
    code = "SKU_TAKEN"


class Product(Entity):
    """A product. `price` and `compare_at_price` are minor units of `currency`; `version` counts the changes."""

    TYPE = "PRODUCT"
    INDEX_TYPES = {"gsi1": "PRODUCTS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    product_id = UnicodeAttribute()
    sku = UnicodeAttribute(null=True)
    name = UnicodeAttribute()
    names = CompactJSON(default=dict)
    description = UnicodeAttribute(null=True)
    descriptions = CompactJSON(default=dict)
    url = UnicodeAttribute(null=True)
    image_url = UnicodeAttribute(null=True)
    price = NumberAttribute(null=True)
    compare_at_price = NumberAttribute(null=True)
    currency = UnicodeAttribute()
    category = UnicodeAttribute(null=True)
    brand = UnicodeAttribute(null=True)
    availability = UnicodeAttribute(default=IN_STOCK)
    attributes = CompactJSON(default=dict)
    version = NumberAttribute(default=1)
    created_at = InstantAttribute()
    updated_at = InstantAttribute()

    @staticmethod
    def key(tenant: str, product_id: str) -> tuple[str, str]:
        return f"PRODUCT#{tenant}#{product_id}", "PRODUCT"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"PRODUCTS#{tenant}"

    def values(self) -> dict[str, Any]:
        """What a request can set of it."""
        return {name: getattr(self, name) for name in FIELDS}


READS = (Product,)
WRITES = (Product, Count)


def id_of(tenant: str, reference: str) -> str:
    """The id that a reference stands for: an id, or the tenant's own `sku`."""
    return reference if ids.is_id(reference, PREFIX) else ids.derived(PREFIX, tenant, "sku", reference.strip())


def get(tenant: str, reference: str) -> Product:
    """By id or sku. Raises NotFound, also for a product of another tenant."""
    found = Product.fetch(*Product.key(tenant, id_of(tenant, reference)))
    if found is None:
        raise NotFound(f"There is no product {reference!r}. List products to see their ids and skus.")
    return found


def resolve(tenant: str, references: Sequence[str], language: str | None = None) -> list[dict[str, Any]]:
    """Products for a template, in the order of their references (ids or skus); Liquid reads the keys of `in_mail`.

    Names and descriptions are in the language where there are some. Raises NotFound naming the first that there is not.
    Reads Product.
    """
    wanted = [id_of(tenant, reference) for reference in references]
    found = {row.product_id: row for row in Product.many(Product.key(tenant, product_id) for product_id in wanted)}
    for reference, product_id in zip(references, wanted, strict=True):
        if product_id not in found:
            raise NotFound(f"There is no product {reference!r}. List products to see their ids and skus.")
    return [in_mail(found[product_id], language) for product_id in wanted]


def in_mail(product: Product, language: str | None = None) -> dict[str, Any]:
    """A product as templates see it: `price` and `compare_at_price` are texts for people ("$1,250.00") or null, the
    `…_amount` keys numbers; `on_sale` means that it cost more before, by `discount_percent`."""
    price, before = product.price, product.compare_at_price
    on_sale = price is not None and before is not None and before > price
    return {
        "id": product.product_id, "sku": product.sku, "url": product.url, "image_url": product.image_url,
        "name": _in(language, product.names) or product.name,
        "description": _in(language, product.descriptions) or product.description,
        "price": _text(price, product.currency), "price_amount": number(price, product.currency),
        "compare_at_price": _text(before, product.currency),
        "compare_at_price_amount": number(before, product.currency), "currency": product.currency,
        "on_sale": on_sale, "discount_percent": round(100 * (1 - price / before)) if on_sale else None,
        "category": product.category, "brand": product.brand, "availability": product.availability,
        "in_stock": product.availability == IN_STOCK, "attributes": product.attributes or {},
    }  # fmt: skip


def _in(language: str | None, texts: Mapping[str, str] | None) -> str | None:
    """The text in a language: `pt-BR` takes `pt` where that is all there is."""
    if not language or not texts:
        return None
    return texts.get(language) or texts.get(language.split("-")[0])


def _text(amount: float | None, currency: str) -> str | None:
    return None if amount is None else money.text(money.to_decimal(int(amount), currency), currency)


def number(amount: float | None, currency: str) -> float | int | None:
    return None if amount is None else money.shown(int(amount), currency)


def add(tenant: str, new: "NewProduct", *, product_id: str, now: datetime) -> Product:
    """Add a product; without a sku it has `product_id`. The same request again gives the stored one.

    Raises SkuTaken, Invalid. Reads Tenant, writes `WRITES`.
    """
    product_id = id_of(tenant, new.sku) if new.sku else product_id
    product = build(tenant, product_id, new.sku, wanted(tenant, {}, new.model_dump(exclude_unset=True)), now)
    writing = Transaction().create(product)
    counts.into(writing, tenant, KIND, product_id, +1)
    try:
        writing.commit()
    except TransactionRefused as refused:
        stored = Product.from_raw_data(refused.found[0] or {})
        if new.sku and stored.values() != product.values():
            raise SkuTaken(f"{product_id} has this sku. Change it, or import products to do both.") from refused
        return stored
    return product


def build(tenant: str, product_id: str, sku: str | None, values: Mapping[str, Any], now: datetime) -> Product:
    """A product that is not stored yet."""
    return Product(
        *Product.key(tenant, product_id), gsi1pk=Product.partition(tenant), gsi1sk=f"{clock.iso(now)}#{product_id}",
        product_id=product_id, sku=sku, created_at=now, updated_at=now, **values,
    )  # fmt: skip


def wanted(tenant: str, held: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """The stored values of a product after what a request says of it. Raises Invalid, naming the fields."""
    values = {**dict.fromkeys(FIELDS), **held, **{name: said[name] for name in FIELDS if name in said}}
    values |= {name: default for name, default in ALWAYS.items() if values[name] is None}
    values["currency"] = values["currency"] or settings.of(tenant).currency
    moved = values["currency"] != held.get("currency", values["currency"])
    problems = []
    for name in ("price", "compare_at_price"):
        if name in said and said[name] is not None:
            values[name] = money.to_minor(said[name], values["currency"])
            if money.to_decimal(values[name], values["currency"]) != said[name]:
                problems.append(Detail(name, f"has more decimals than {values['currency']}"))
        elif moved and values[name] is not None:
            problems.append(Detail(name, "must be said in the new currency, or null"))
    if not values["name"]:
        problems.append(Detail("name", "is needed for a new product"))
    if problems:
        raise Invalid("Some fields are not valid; see details.", problems)
    if sum(len(str(value).encode()) for value in values.values()) > MOST_BYTES:
        raise Invalid.field("description", f"with the other fields it is more than {MOST_BYTES // 1000} KB")
    return values


def actions(product: Product, values: Mapping[str, Any], now: datetime) -> list[Action]:
    """What makes a stored product have these values; nothing where it has them."""
    held = product.values()
    changed: list[Action] = [
        getattr(Product, name).remove() if value is None else getattr(Product, name).set(value)
        for name, value in values.items() if value != held[name]
    ]  # fmt: skip
    return [*changed, Product.version.add(1), Product.updated_at.set(now)] if changed else []


def change(tenant: str, reference: str, said: "ProductChange", now: datetime) -> Product:
    """Merge what the request says into the product. Raises NotFound, Invalid. Reads Tenant, writes Product."""

    def merged() -> Product:
        product = get(tenant, reference)
        values = wanted(tenant, product.values(), said.model_dump(exclude_unset=True))
        if todo := actions(product, values, now):
            product.change(*todo, unchanged=True)
        return product

    return retried(merged)


def delete(tenant: str, reference: str) -> str:
    """Delete a product; its id. Sends that were launched with it have their own copy. Raises NotFound."""
    product = get(tenant, reference)
    writing = Transaction().delete(Product, product.pk, product.sk, Product.pk.exists())
    counts.into(writing, tenant, KIND, product.product_id, -1)
    try:
        writing.commit()
    except TransactionRefused as refused:
        raise NotFound(f"There is no product {reference!r} any more.") from refused
    return product.product_id
