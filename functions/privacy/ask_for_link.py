"""Have a link mailed to a recipient who wants its data, or wants it deleted."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts.model import Contact
from drumbeat.feedback import forms, opt_outs, preference_page, tracking
from drumbeat.feedback import pages as frame
from drumbeat.feedback.preference_page import Showing
from drumbeat.http import TRACKING, Raw, Request, http
from drumbeat.privacy import asking, pages
from drumbeat.privacy.model import LETTERS
from drumbeat.sends.model import Chunk, SendKey


@http("POST /p/{token}/data", limit=TRACKING, reads=(SendKey, Chunk, Contact, Tenant), sends=(LETTERS,))
def handler(request: Request, token: str) -> Raw:
    """404 for a token that is not ours. Pressing a button has no effect but the mail, and a request that is not the
    page's form none at all."""
    if token == tracking.SAMPLE:
        return Raw(frame.of_test(request.headers), headers=frame.HEADERS)
    target = tracking.message_of(token)
    if target is None:
        return Raw(frame.unknown_link(request.headers), status=404, headers=frame.HEADERS)
    sent = forms.fields(request.headers.get("content-type", ""), request.raw)
    wish = asking.wish_of(sent.get("wish", "")) if frame.MARK in sent else None
    contact = opt_outs.person(target)
    to = frame.reader(target.place[0], contact, request.headers)
    if contact is None:
        return Raw(frame.nobody(to), headers=frame.HEADERS)
    if wish is None:
        showing = Showing(to, contact, request.now)
        page = preference_page.page(showing, saved=False, more=pages.buttons(to, "data"), action=f"../{token}")
        return Raw(page, status=400, headers=frame.HEADERS)
    asking.ask(target, contact, wish, token, request.id)
    return Raw(pages.link_sent(to, token), headers=frame.HEADERS)
