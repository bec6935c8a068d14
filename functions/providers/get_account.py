"""Show a provider account, without its credentials."""

from drumbeat.http import Request, http
from drumbeat.providers import model, views
from drumbeat.providers.model import ProviderAccount
from drumbeat.providers.views import ProviderAccountView


@http("GET /v1/provider-accounts/{account_id}", scope="providers:read", reads=(ProviderAccount,))
def handler(request: Request, account_id: str) -> ProviderAccountView:
    """404 for an unknown account."""
    return views.view(model.get(request.tenant, account_id))
