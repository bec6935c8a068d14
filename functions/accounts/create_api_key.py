"""Create an API key."""

from drumbeat import access, limits
from drumbeat.accounts import keys, settings
from drumbeat.accounts.keys import CreatedKey, NewKey
from drumbeat.accounts.model import ApiKey
from drumbeat.http import Answer, Request, http


@http("POST /v1/api-keys", scope="accounts:write", writes=(ApiKey,), status=201)
def handler(request: Request, body: NewKey) -> Answer[CreatedKey]:
    """403 for scopes that you do not have yourself, 422 for limits above the account's own.

    The answer's `key` is shown this once.
    """
    keys.check(body, request.scopes, limits.of(settings.stored(request.tenant).limits or {}))
    row, secret = keys.create(
        request.tenant,
        body,
        key_id=keys.key_id(request.new_id("key")),
        credential=access.presented(request.headers),
        by=request.actor,
        now=request.now,
    )
    return Answer(keys.created(row, secret), secret=True)
