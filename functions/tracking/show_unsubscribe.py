"""Show the page that asks whether to unsubscribe."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts.model import Contact
from drumbeat.feedback import opt_outs, pages, tracking
from drumbeat.http import TRACKING, Raw, Request, http
from drumbeat.sends.model import Chunk, SendKey


@http("GET /u/{token}", limit=TRACKING, reads=(SendKey, Chunk, Contact, Tenant))
def handler(request: Request, token: str) -> Raw:
    """404 for a token that is not ours. Looking changes nothing: programs that check mails follow every link."""
    if token == tracking.SAMPLE:
        return Raw(pages.of_test(request.headers), headers=pages.HEADERS)
    target = tracking.message_of(token)
    if target is None:
        return Raw(pages.unknown_link(request.headers), status=404, headers=pages.HEADERS)
    to = pages.reader(target.place[0], opt_outs.person(target), request.headers)
    return Raw(pages.ask_to_unsubscribe(to, f"../p/{token}"), headers=pages.HEADERS)
