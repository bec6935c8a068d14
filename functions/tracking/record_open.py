"""Show the pixel that tells that a mail was opened."""

from drumbeat.feedback import tracking
from drumbeat.http import TRACKING, Raw, Request, http
from drumbeat.sends.model import SendKey
from drumbeat.sends.work import FEEDBACK


@http("GET /o/{token}", limit=TRACKING, reads=(SendKey,), sends=(FEEDBACK,))
def handler(request: Request, token: str) -> Raw:
    """The pixel comes for every token: the answer does not tell which ones exist."""
    target = tracking.message_of(token)
    if target is not None:
        tracking.record(target, "open", request.now, request.ip, request.user_agent, request.headers)
    return Raw(tracking.PIXEL, "image/gif", headers=tracking.HEADERS)
