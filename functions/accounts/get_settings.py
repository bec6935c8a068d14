"""Get the account's settings."""

from drumbeat import limits
from drumbeat.accounts import settings
from drumbeat.accounts.settings import SettingsView
from drumbeat.http import Request, http


@http("GET /v1/settings", scope="accounts:read")
def handler(request: Request) -> SettingsView:
    """Settings that were never changed have their defaults."""
    row = settings.stored(request.tenant)
    return settings.view(row, limits.of(row.limits or {}))
