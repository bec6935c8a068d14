"""Add or change up to 2,000 products by their `sku`: a list of them, or the text of a CSV file."""

from drumbeat.accounts.model import Tenant
from drumbeat.http import UPLOAD, Request, http
from drumbeat.products import importing, model
from drumbeat.products.views import ProductImport, ProductResults


@http(
    "POST /v1/products/import",
    scope="products:write",
    limit=UPLOAD,
    reads=(Tenant,),
    writes=model.WRITES,
    memory=512,
    timeout=29,
)
def handler(request: Request, body: ProductImport) -> ProductResults:
    """A bad product is rejected by itself; `results` say why. 422 `VALIDATION_ERROR` for a file that cannot be read or
    has too many. The same import again changes nothing."""
    return importing.run(request.tenant, body, request.now)
