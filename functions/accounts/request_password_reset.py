"""Ask for a mail with a link that sets a new password."""

from drumbeat import limits, queues
from drumbeat.accounts.resets import RESETS
from drumbeat.accounts.settings import Address
from drumbeat.fields import Body
from drumbeat.http import LOGIN, Answer, Request, http
from drumbeat.limits import Rate


class Forgotten(Body):
    """Whose password was lost."""

    email: Address


@http("POST /v1/auth/request-password-reset", limit=LOGIN, writes=(Rate,), sends=(RESETS,), status=202)
def handler(request: Request, body: Forgotten) -> Answer[None]:
    """The answer is the same whether or not the address belongs to a user. 429 after three a minute for one address."""
    allowance = limits.take_tries(body.email, request.ip, limits.PASSWORD_RESET)
    queues.send(RESETS, "", [{"email": body.email, "request": request.id}])
    said = "If this address belongs to a user, a mail with a link is on its way."
    return Answer(None, message=said, headers=allowance.headers)
