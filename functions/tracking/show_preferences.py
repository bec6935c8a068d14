"""Show what a recipient has chosen to get."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts.model import Contact
from drumbeat.feedback import opt_outs, pages, preference_page, tracking
from drumbeat.feedback.preference_page import Showing
from drumbeat.http import TRACKING, Raw, Request, http
from drumbeat.privacy import pages as privacy_pages
from drumbeat.sends.model import Chunk, SendKey


@http("GET /p/{token}", limit=TRACKING, reads=(SendKey, Chunk, Contact, Tenant))
def handler(request: Request, token: str) -> Raw:
    """404 for a token that is not ours. Looking changes nothing."""
    if token == tracking.SAMPLE:
        return Raw(pages.of_test(request.headers), headers=pages.HEADERS)
    target = tracking.message_of(token)
    if target is None:
        return Raw(pages.unknown_link(request.headers), status=404, headers=pages.HEADERS)
    contact = opt_outs.person(target)
    to = pages.reader(target.place[0], contact, request.headers)
    if contact is None:
        return Raw(pages.nobody(to), headers=pages.HEADERS)
    showing = Showing(to, contact, request.now)
    more = privacy_pages.buttons(to, f"../p/{token}/data")
    return Raw(preference_page.page(showing, saved=False, more=more), headers=pages.HEADERS)
