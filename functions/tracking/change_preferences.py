"""Change what a recipient gets: channels, categories, how often, a pause, the language."""

from drumbeat.feedback import choosing, forms, opt_outs, pages, preference_page, tracking
from drumbeat.feedback.preference_page import Showing
from drumbeat.http import TRACKING, Raw, Request, http
from drumbeat.privacy import pages as privacy_pages
from drumbeat.sends.work import ROLL_UP


@http(
    "POST /p/{token}",
    limit=TRACKING,
    reads=opt_outs.READS,
    writes=opt_outs.WRITES,
    sends=(ROLL_UP,),
)
def handler(request: Request, token: str) -> Raw:
    """404 for a token that is not ours. A request that is not the page's form changes nothing."""
    if token == tracking.SAMPLE:
        return Raw(pages.of_test(request.headers), headers=pages.HEADERS)
    target = tracking.message_of(token)
    if target is None:
        return Raw(pages.unknown_link(request.headers), status=404, headers=pages.HEADERS)
    sent = forms.fields(request.headers.get("content-type", ""), request.raw)
    asked = pages.MARK in sent
    if asked:
        shown = opt_outs.evidence(target, request.ip, request.user_agent)
        contact = choosing.choose(target, choosing.read(sent), now=request.now, shown=shown)
    else:
        contact = opt_outs.person(target)
    to = pages.reader(target.place[0], contact, request.headers)
    if contact is None:
        return Raw(pages.nobody(to), headers=pages.HEADERS)
    showing = Showing(to, contact, request.now)
    more = privacy_pages.buttons(to, f"../p/{token}/data")
    return Raw(preference_page.page(showing, saved=asked, more=more), headers=pages.HEADERS)
