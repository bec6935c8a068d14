"""Change a provider account: its name, its config, or its credentials."""

from drumbeat.http import Request, http
from drumbeat.providers import changing, model, secrets, views
from drumbeat.providers.model import ProviderAccount
from drumbeat.providers.views import ProviderAccountChange, ProviderAccountView


@http(
    "PATCH /v1/provider-accounts/{account_id}",
    scope="providers:write",
    writes=(ProviderAccount,),
    calls=secrets.WRITES,
)
def handler(request: Request, account_id: str, body: ProviderAccountChange) -> ProviderAccountView:
    """404 for an unknown account, 422 for what the provider does not take, 409 while it is being deleted and when
    somebody else has changed it meanwhile, 503 when the credentials cannot be stored. New credentials are used within a
    minute: revoke the old ones after that."""
    row = model.get(request.tenant, account_id)
    changing.change(row, body, request.now)
    return views.view(row)
