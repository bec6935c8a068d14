"""Take Twilio's reports of what became of messages, at a URL of this function's own."""

from drumbeat.feedback import twilio_reports, twilio_requests
from drumbeat.http import Request
from drumbeat.sends.work import FEEDBACK
from drumbeat.url import url


@url(reads=twilio_requests.READS, sends=(FEEDBACK,), calls=twilio_requests.CALLS)
def handler(request: Request) -> dict[str, bool]:
    """The path is `/<callback id>/<message>`. 400 for what is no report, 403 `BAD_SIGNATURE`, 404 for the callback id
    of no account."""
    callback, _, named = request.path.strip("/").partition("/")
    report = twilio_requests.verified(request, callback or "-", at_function_url=True)
    return {"taken": twilio_reports.take(report.tenant, report.said, named, request.now)}
