"""Change some of the account's settings."""

from drumbeat import limits
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.accounts.settings import SettingsChange, SettingsView
from drumbeat.deliverability import identities
from drumbeat.deliverability.claims import Claim
from drumbeat.http import Request, http
from drumbeat.providers import changing
from drumbeat.providers.model import ProviderAccount


@http("PATCH /v1/settings", scope="accounts:write", reads=(Claim, ProviderAccount), writes=(Tenant,))
def handler(request: Request, body: SettingsChange) -> SettingsView:
    """Settings that are left out stay. Other functions use the new ones within a minute. 422 `SENDER_NOT_VERIFIED` for
    a sender in another account's domain, and for a provider account that is not there, or for another channel."""
    if body.sender_email:
        identities.refuse_foreign(request.tenant, body.sender_email)
    row = changing.choose(request.tenant, body) if body.channels else settings.change(request.tenant, body)
    return settings.view(row, limits.of(row.limits or {}))
