"""Change some of the account's settings."""

from drumbeat import limits
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.accounts.settings import SettingsChange, SettingsView
from drumbeat.http import Request, http


@http("PATCH /v1/settings", scope="accounts:write", writes=(Tenant,))
def handler(request: Request, body: SettingsChange) -> SettingsView:
    """Settings that are left out stay. Other functions use the new ones within a minute."""
    row = settings.change(request.tenant, body)
    return settings.view(row, limits.of(row.limits or {}))
