"""Delete a provider account with its credentials."""

from drumbeat.accounts.model import Tenant
from drumbeat.http import Answer, Request, http
from drumbeat.providers import changing, model, secrets
from drumbeat.sends import senders
from drumbeat.sends.senders import Sender


@http(
    "DELETE /v1/provider-accounts/{account_id}",
    scope="providers:write",
    reads=(Tenant,),
    writes=(*changing.WRITES, Sender),
    calls=secrets.WRITES,
)
def handler(request: Request, account_id: str) -> Answer:
    """404 for an unknown account; 409 `PROVIDER_ACCOUNT_IN_USE` while the settings choose it, or a send that is under
    way uses it; 503 when the credentials cannot be removed: the same request goes on."""
    row = model.get(request.tenant, account_id)
    changing.remove(row, retire=lambda: senders.retire(row.account_id))
    return Answer({"id": row.account_id, "deleted": True}, "The provider account was deleted.")
