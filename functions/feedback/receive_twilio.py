"""Take Twilio's reports of what became of messages, of the deployment's default account."""

from drumbeat.feedback import twilio_reports, twilio_requests
from drumbeat.http import Request, http
from drumbeat.sends.work import FEEDBACK
from drumbeat.url import CALLBACKS


@http(
    "POST /webhooks/twilio",
    limit=CALLBACKS,
    reads=twilio_requests.READS,
    sends=(FEEDBACK,),
    calls=twilio_requests.CALLS,
)
def handler(request: Request) -> dict[str, bool]:
    """A form, or JSON. 400 for what is no report, 403 `BAD_SIGNATURE`, 404 when there is no default account
    (`providers.set_default_account` chooses it)."""
    report = twilio_requests.verified(request, "")
    return {"taken": twilio_reports.take(report.tenant, report.said, "", request.now)}
