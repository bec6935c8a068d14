"""List products, newest first, by category, brand, availability or a part of their name."""

from drumbeat.counts import Count
from drumbeat.fields import Page
from drumbeat.http import STANDARD, Request, http
from drumbeat.products import model, shown
from drumbeat.products.views import ProductQuery, ProductView


@http("GET /v1/products", scope="products:read", limit=STANDARD, reads=(*model.READS, Count))
def handler(request: Request, query: ProductQuery) -> Page[ProductView]:
    """422 `VALIDATION_ERROR` for a cursor that is not of this list."""
    return shown.page(request.tenant, query)
