"""Sign in with an e-mail address and a password."""

from drumbeat import access, clock, limits
from drumbeat.accounts import sign_in, tokens
from drumbeat.accounts.model import Login, Tenant, User
from drumbeat.accounts.sign_in import Credentials, InvalidCredentials, SignedIn, SignedInUser
from drumbeat.http import LOGIN, Answer, Request, http
from drumbeat.limits import Rate


@http(
    "POST /v1/auth/login", limit=LOGIN, reads=(Login, Tenant), writes=(User, Rate), signs=True, memory=512
)  # fmt: skip
def handler(request: Request, body: Credentials) -> Answer[SignedIn]:
    """401 `INVALID_CREDENTIALS` whether the address is unknown, the password wrong or the user inactive.

    429 after 10 tries a minute for one address, or 30 from one IP.
    """
    allowance = limits.take_tries(body.email, request.ip, limits.SIGN_IN)
    user = sign_in.check(body.email, body.password)
    if user is None:
        raise InvalidCredentials("The e-mail address or the password is wrong.", headers=allowance.headers)
    sign_in.note(user, body.password, request.now)
    token, expires_at = tokens.issued(user, clock.wall())
    access.forget()
    shown = SignedInUser(id=user.user, number=int(user.number), email=user.email, role=user.role)
    return Answer(SignedIn(token=token, expires_at=expires_at, user=shown), headers=allowance.headers)
