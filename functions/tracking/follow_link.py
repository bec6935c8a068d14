"""Lead from a link in a mail to its target."""

from drumbeat.contacts.model import Contact
from drumbeat.feedback import pages, tracking
from drumbeat.http import TRACKING, Raw, Request, http
from drumbeat.sends.model import Chunk, Content, SendKey
from drumbeat.sends.work import FEEDBACK


@http("GET /c/{token}/{link}", limit=TRACKING, status=302, reads=(SendKey, Chunk, Contact, Content), sends=(FEEDBACK,))
def handler(request: Request, token: str, link: str) -> Raw:
    """404 with a readable page for a token or a link that is not ours; there are no other targets than a send's own."""
    target = tracking.message_of(token)
    url = tracking.destination(target, link, request.query) if target else None
    if target is None or url is None:
        return Raw(pages.unknown_link(request.headers), status=404, headers=pages.HEADERS)
    tracking.record(
        target, "click", request.now, request.ip, request.user_agent, request.headers, link=int(link), url=url
    )
    return Raw(status=302, headers={**tracking.HEADERS, "Location": url})
