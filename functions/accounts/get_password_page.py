"""Show the page on which a person sets a password."""

from drumbeat.accounts import pages
from drumbeat.http import LOGIN, Raw, Request, http


@http("GET /v1/auth/password", limit=LOGIN)
def handler(request: Request) -> Raw:
    """The page of the links in invitations and reset mails; the token is behind the `#` and never reaches a server."""
    return Raw(pages.PASSWORD, headers=pages.HEADERS)
