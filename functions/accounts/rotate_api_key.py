"""Make a second API key that can do what this one can."""

from drumbeat import access
from drumbeat.accounts import keys
from drumbeat.accounts.keys import CreatedKey
from drumbeat.accounts.model import ApiKey
from drumbeat.http import Answer, Request, http


@http("POST /v1/api-keys/{key_id}/rotate", scope="accounts:write", writes=(ApiKey,), status=201)
def handler(request: Request, key_id: str) -> Answer[CreatedKey]:
    """404 for an unknown key, 403 for one with scopes that you lack, 409 `API_KEY_REVOKED` for one that ended, and
    409 `TWO_KEYS_ACTIVE` while an older or newer key of the same line is active.

    The old key works until it is revoked. The new `key` is shown this once.
    """
    old = keys.get(request.tenant, key_id)
    keys.require_held(old.scopes, request.scopes)
    row, secret = keys.rotate(
        request.tenant,
        old,
        key_id=keys.key_id(request.new_id("key")),
        credential=access.presented(request.headers),
        by=request.actor,
        now=request.now,
    )
    return Answer(keys.created(row, secret), secret=True)
