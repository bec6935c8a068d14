"""Take Twilio's reports of what became of messages; the path names the account, and the message where we chose it."""

from drumbeat.feedback import twilio_reports, twilio_requests
from drumbeat.http import Request, http
from drumbeat.sends.work import FEEDBACK
from drumbeat.url import CALLBACKS


@http(
    "POST /webhooks/twilio/{callback+}",
    limit=CALLBACKS,
    reads=twilio_requests.READS,
    sends=(FEEDBACK,),
    calls=twilio_requests.CALLS,
)
def handler(request: Request, callback: str) -> dict[str, bool]:
    """400 for what is no report, 403 `BAD_SIGNATURE`, 404 for the callback id of no account."""
    account, _, named = callback.partition("/")
    report = twilio_requests.verified(request, account)
    return {"taken": twilio_reports.take(report.tenant, report.said, named, request.now)}
