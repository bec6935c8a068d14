"""Show the page that asks the owner of an address to confirm."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts.model import Contact
from drumbeat.contacts.opt_in import confirming
from drumbeat.contacts.opt_in.model import OptIn
from drumbeat.feedback import confirmation_pages, pages
from drumbeat.http import TRACKING, Raw, Request, http


@http("GET /confirm/{token}", limit=TRACKING, reads=(OptIn, Contact, Tenant))
def handler(request: Request, token: str) -> Raw:
    """404 for a token that is not ours. Looking changes nothing: programs that check mails follow every link."""
    link = confirming.follow(token)
    if link is None:
        return Raw(pages.unknown_link(request.headers), status=404, headers=pages.HEADERS)
    return Raw(confirmation_pages.shown(link, request.headers, request.now), headers=pages.HEADERS)
