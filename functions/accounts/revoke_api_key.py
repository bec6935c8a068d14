"""Revoke an API key."""

from drumbeat import access
from drumbeat.accounts import keys
from drumbeat.accounts.keys import KeyView
from drumbeat.accounts.model import ApiKey
from drumbeat.http import Request, http


@http("DELETE /v1/api-keys/{key_id}", scope="accounts:write", writes=(ApiKey,))
def handler(request: Request, key_id: str) -> KeyView:
    """404 for an unknown key. Revoking a revoked key changes nothing. It is in force everywhere within a minute."""
    held = keys.get(request.tenant, key_id)
    keys.revoke(held)
    access.forget()
    return keys.view(held)
