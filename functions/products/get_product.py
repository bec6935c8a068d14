"""Show a product, by its id or its sku."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.products import model, shown
from drumbeat.products.views import ProductView


@http("GET /v1/products/{product_id}", scope="products:read", limit=STANDARD, reads=model.READS)
def handler(request: Request, product_id: str) -> ProductView:
    """404 `NOT_FOUND` for an id or sku that no product of the tenant has."""
    return shown.view(model.get(request.tenant, product_id))
