"""Change a product: fields that are left out stay. Mails that were launched keep what they had."""

from drumbeat.accounts.model import Tenant
from drumbeat.http import STANDARD, Request, http
from drumbeat.products import model, shown
from drumbeat.products.model import Product
from drumbeat.products.views import ProductChange, ProductView


@http("PATCH /v1/products/{product_id}", scope="products:write", limit=STANDARD, reads=(Tenant,), writes=(Product,))
def handler(request: Request, product_id: str, body: ProductChange) -> ProductView:
    """404 `NOT_FOUND`; 422 `VALIDATION_ERROR` names every bad field, prices when only the currency changes too."""
    return shown.view(model.change(request.tenant, product_id, body, request.now))
