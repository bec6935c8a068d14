"""Add a product that mails can show. With a `sku` it is also found by that."""

from drumbeat.accounts.model import Tenant
from drumbeat.http import STANDARD, Request, http
from drumbeat.products import model, shown
from drumbeat.products.rules import PREFIX
from drumbeat.products.views import NewProduct, ProductView


@http(
    "POST /v1/products",
    scope="products:write",
    limit=STANDARD,
    status=201,
    reads=(Tenant,),
    writes=model.WRITES,
)
def handler(request: Request, body: NewProduct) -> ProductView:
    """409 `SKU_TAKEN` when a product has this sku; 422 `VALIDATION_ERROR` names every bad field."""
    return shown.view(model.add(request.tenant, body, product_id=request.new_id(PREFIX), now=request.now))
