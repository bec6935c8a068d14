"""Add an account at a provider of messages, such as SendGrid."""

from drumbeat import ids
from drumbeat.http import Request, http
from drumbeat.providers import changing, secrets, views
from drumbeat.providers.views import NewProviderAccount, ProviderAccountView


@http("POST /v1/provider-accounts", scope="providers:write", status=201, writes=changing.WRITES, calls=secrets.WRITES)
def handler(request: Request, body: NewProviderAccount) -> ProviderAccountView:
    """422 for a channel or provider that there is not, and for config and credentials that the provider does not take;
    409 `TOO_MANY_PROVIDER_ACCOUNTS`; 503 when the credentials cannot be stored. Give the provider the `callback_url` of
    the answer, then choose the account in the settings (`channels`)."""
    row = changing.add(
        request.tenant,
        body,
        account_id=request.new_id("pac"),
        callback=ids.bare(request.new_id("cbk")).lower(),
        by=request.actor,
        now=request.now,
    )
    return views.view(row)
