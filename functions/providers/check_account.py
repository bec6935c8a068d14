"""Ask the provider whether an account's credentials work."""

from drumbeat.http import Request, http
from drumbeat.providers import checking, model, secrets
from drumbeat.providers.model import ProviderAccount
from drumbeat.providers.views import CheckView


@http(
    "POST /v1/provider-accounts/{account_id}/check",
    scope="providers:write",
    reads=(ProviderAccount,),
    calls=secrets.READS,
    timeout=29,
)
def handler(request: Request, account_id: str) -> CheckView:
    """404 for an unknown account; 503 when the provider cannot be reached. Nothing is sent."""
    return checking.check(model.get(request.tenant, account_id))
