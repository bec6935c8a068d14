"""Change what a recipient gets: marketing by e-mail, by SMS, and the language."""

from drumbeat.feedback import forms, opt_outs, pages, tracking
from drumbeat.feedback.opt_outs import Choices
from drumbeat.feedback.words import LANGUAGES
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
        language = sent.get("language")
        tracked = "tracking" in sent if pages.ASKS_TRACKING in sent else None
        chosen = Choices("email" in sent, "sms" in sent, language if language in LANGUAGES else None, tracked)
        shown = opt_outs.evidence(target, request.ip, request.user_agent)
        contact = opt_outs.choose(target, chosen, now=request.now, shown=shown)
    else:
        contact = opt_outs.person(target)
    to = pages.reader(target.place[0], contact, request.headers)
    if contact is None:
        return Raw(pages.nobody(to), headers=pages.HEADERS)
    page = pages.preferences(to, contact, saved=asked, more=privacy_pages.buttons(to, f"../p/{token}/data"))
    return Raw(page, headers=pages.HEADERS)
