"""Take a text message that somebody sent to a Twilio number of the account, and answer STOP, START and HELP."""

from drumbeat.feedback import inbound, twilio_requests
from drumbeat.http import Raw, Request, http
from drumbeat.sends.work import FEEDBACK
from drumbeat.url import CALLBACKS


@http(
    "POST /webhooks/twilio/{callback}/messages",
    limit=CALLBACKS,
    reads=(*twilio_requests.READS, *inbound.READS),
    writes=inbound.WRITES,
    sends=(FEEDBACK,),
    calls=twilio_requests.CALLS,
)
def handler(request: Request, callback: str) -> Raw:
    """The address for a messaging service's incoming messages; `default` stands for the default account. The answer is
    TwiML. 400 for what is no message, 403 `BAD_SIGNATURE`, 404 for the callback id of no account."""
    message = twilio_requests.verified(request, "" if callback == "default" else callback)
    return Raw(inbound.take(message.account, message.said, request.now), "text/xml; charset=utf-8")
