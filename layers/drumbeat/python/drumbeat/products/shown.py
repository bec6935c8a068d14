"""How products are shown and listed."""

from drumbeat import counts, lists
from drumbeat.fields import Page
from drumbeat.products import model
from drumbeat.products.model import Product
from drumbeat.products.views import ProductQuery, ProductView


def page(tenant: str, query: ProductQuery) -> Page[ProductView]:
    """The tenant's products, newest first. Reads Product, Count."""
    filtered = any((query.category, query.brand, query.availability, query.search))
    found = lists.page(
        Product, [Product.partition(tenant)], query, total=lambda: counts.total(tenant, model.KIND),
        keep=(lambda product: _kept(product, query)) if filtered else None,
    )  # fmt: skip
    return lists.shown(found, view)


def _kept(product: Product, query: ProductQuery) -> bool:
    same = all(
        not asked or (held or "").casefold() == asked.casefold()
        for asked, held in (
            (query.category, product.category), (query.brand, product.brand),
            (query.availability, product.availability),
        )
    )  # fmt: skip
    searched = (product.sku or "", product.name, *(product.names or {}).values())
    return same and (not query.search or any(query.search.casefold() in text.casefold() for text in searched))


def view(product: Product) -> ProductView:
    """What the API shows of a product."""
    values = product.values()
    values |= {name: model.number(values[name], product.currency) for name in ("price", "compare_at_price")}
    values |= {name: values[name] or default for name, default in model.ALWAYS.items()}
    return ProductView(
        id=product.product_id, sku=product.sku, version=int(product.version), created_at=product.created_at,
        updated_at=product.updated_at, **values,
    )  # fmt: skip
