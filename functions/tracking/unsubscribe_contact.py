"""Unsubscribe the recipient of a mail: the page's button, and the one-click request of mail programs (RFC 8058)."""

from drumbeat.feedback import forms, opt_outs, pages, tracking
from drumbeat.http import TRACKING, Raw, Request, http
from drumbeat.sends.work import ROLL_UP


@http(
    "POST /u/{token}",
    limit=TRACKING,
    reads=opt_outs.READS,
    writes=opt_outs.WRITES,
    sends=(ROLL_UP,),
)
def handler(request: Request, token: str) -> Raw:
    """404 for a token that is not ours. 200 without a redirect, whatever the body, as often as it comes."""
    if token == tracking.SAMPLE:
        return Raw(pages.of_test(request.headers), headers=pages.HEADERS)
    target = tracking.message_of(token)
    if target is None:
        return Raw(pages.unknown_link(request.headers), status=404, headers=pages.HEADERS)
    sent = forms.fields(request.headers.get("content-type", ""), request.raw)
    method = "one_click" if forms.is_one_click(sent) else "link"
    shown = opt_outs.evidence(target, request.ip, request.user_agent)
    opt_outs.unsubscribe(target, method=method, reason=sent.get("reason"), now=request.now, shown=shown)
    to = pages.reader(target.place[0], opt_outs.person(target), request.headers)
    return Raw(pages.unsubscribed(to, f"../p/{token}"), headers=pages.HEADERS)
