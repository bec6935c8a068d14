"""Get an API key without its secret."""

from drumbeat.accounts import keys
from drumbeat.accounts.keys import KeyView
from drumbeat.accounts.model import ApiKey
from drumbeat.http import Request, http


@http("GET /v1/api-keys/{key_id}", scope="accounts:read", reads=(ApiKey,))
def handler(request: Request, key_id: str) -> KeyView:
    """404 when the account has no such key."""
    return keys.view(keys.get(request.tenant, key_id))
