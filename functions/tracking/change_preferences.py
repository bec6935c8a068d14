"""Change what a recipient gets: marketing by e-mail, by SMS, and the language."""

from drumbeat.accounts.model import Tenant
from drumbeat.activity.model import Timeline
from drumbeat.contacts import consent
from drumbeat.contacts.model import Contact
from drumbeat.feedback import forms, opt_outs, pages, tracking
from drumbeat.feedback.opt_outs import Choices
from drumbeat.feedback.words import LANGUAGES
from drumbeat.http import TRACKING, Raw, Request, http
from drumbeat.sends.model import Chunk, Send, SendKey, Stat
from drumbeat.sends.work import ROLL_UP


@http(
    "POST /p/{token}",
    limit=TRACKING,
    reads=(SendKey, Chunk, Contact, Tenant),
    writes=(*consent.WRITES, Send, Stat, Timeline),
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
        chosen = Choices("email" in sent, "sms" in sent, language if language in LANGUAGES else None)
        contact = opt_outs.choose(target, chosen, now=request.now)
    else:
        contact = opt_outs.person(target)
    to = pages.reader(target.place[0], contact, request.headers)
    page = pages.preferences(to, contact, saved=asked) if contact else pages.nobody(to)
    return Raw(page, headers=pages.HEADERS)
