"""Do what a person asked for: the button of the page behind the link that it was mailed."""

from drumbeat import ids
from drumbeat.feedback import forms, opt_outs, tracking
from drumbeat.feedback import pages as frame
from drumbeat.http import TRACKING, Raw, Request, http
from drumbeat.privacy import asking, declared, pages
from drumbeat.privacy.model import FOLDER, PRIVACY, PrivacyLink
from drumbeat.sends.model import Chunk, SendKey


@http(
    "POST /p/{token}/{wish}/{code}",
    limit=TRACKING,
    reads=(*declared.READS, SendKey, Chunk),
    writes=(*declared.WRITES, PrivacyLink),
    starts=(PRIVACY,),
    files=(FOLDER,),
    timeout=29,
)
def handler(request: Request, token: str, wish: str, code: str) -> Raw:
    """404 for a link that is not ours or has expired. Once: pressed again, the page shows what came of it. A request
    that is not the page's form changes nothing."""
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
    if frame.MARK not in forms.fields(request.headers.get("content-type", ""), request.raw):
        return Raw(pages.of_link(to, link), headers=frame.HEADERS)
    row = asking.carry_out(link, ids.new("prv"))
    if row is None:
        return Raw(pages.expired(to, token), status=404, headers=frame.HEADERS)
    return Raw(pages.of_request(to, row), headers=frame.HEADERS)
