"""Show the page behind the link that a person was mailed: a button, or what came of it."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts.model import Contact
from drumbeat.feedback import opt_outs, tracking
from drumbeat.feedback import pages as frame
from drumbeat.http import TRACKING, Raw, Request, http
from drumbeat.privacy import asking, pages
from drumbeat.privacy.model import READ_ONLY, PrivacyLink, PrivacyRequest
from drumbeat.sends.model import Chunk, SendKey


@http(
    "GET /p/{token}/{wish}/{code}",
    limit=TRACKING,
    reads=(SendKey, Chunk, Contact, Tenant, PrivacyLink, PrivacyRequest),
    files=(READ_ONLY,),
)
def handler(request: Request, token: str, wish: str, code: str) -> Raw:
    """404 for a link that is not ours or has expired. Looking changes nothing: programs that check mails follow every
    link."""
    target = tracking.message_of(token)
    if target is None:
        return Raw(frame.unknown_link(request.headers), status=404, headers=frame.HEADERS)
    contact = opt_outs.person(target)
    to = frame.reader(target.place[0], contact, request.headers)
    if contact is None:
        return Raw(frame.nobody(to), headers=frame.HEADERS)
    link = asking.follow(target, wish, code)
    if link is None:
        return Raw(pages.expired(to, token), status=404, headers=frame.HEADERS)
    return Raw(pages.of_link(to, link), headers=frame.HEADERS)
