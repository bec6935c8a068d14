"""Confirm a subscription: the button of the page behind a confirmation mail's link."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.opt_in import confirming
from drumbeat.contacts.opt_in.model import CONFIRMATIONS
from drumbeat.feedback import confirmation_pages, forms, pages
from drumbeat.http import TRACKING, Raw, Request, http


@http(
    "POST /confirm/{token}",
    limit=TRACKING,
    reads=(Tenant,),
    writes=confirming.WRITES,
    sends=(CONFIRMATIONS,),
)
def handler(request: Request, token: str) -> Raw:
    """404 for a token that is not ours. Twice is once. An expired link confirms nothing; its page asks for a new one,
    as often as the limits allow. A request that is not the page's form changes nothing."""
    link = confirming.follow(token)
    if link is None:
        return Raw(pages.unknown_link(request.headers), status=404, headers=pages.HEADERS)
    sent = forms.fields(request.headers.get("content-type", ""), request.raw)
    evidence = Evidence("recipient", f"confirmation:{link.mail['at']}", request.ip, request.user_agent)
    if confirmation_pages.AGAIN in sent and link.standing(request.now) == "expired":
        outcome = confirming.send_again(link, request.now, evidence)
        return Raw(confirmation_pages.asked_again(link, request.headers, outcome), headers=pages.HEADERS)
    if pages.MARK in sent and confirmation_pages.AGAIN not in sent:
        link = confirming.confirm(link, token, request.now, evidence)
    return Raw(confirmation_pages.shown(link, request.headers, request.now), headers=pages.HEADERS)
