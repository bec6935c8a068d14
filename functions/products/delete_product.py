"""Delete a product. Mails that were launched with it keep their copy."""

from drumbeat.http import STANDARD, Answer, Request, http
from drumbeat.products import model
from drumbeat.products.views import Deleted


@http("DELETE /v1/products/{product_id}", scope="products:write", limit=STANDARD, writes=model.WRITES)
def handler(request: Request, product_id: str) -> Answer[Deleted]:
    """404 `NOT_FOUND` for an id or sku that no product of the tenant has."""
    return Answer(Deleted(id=model.delete(request.tenant, product_id)), "The product was deleted.")
