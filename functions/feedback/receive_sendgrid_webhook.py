"""Take the reports of the deployment's default account at SendGrid."""

from drumbeat.feedback import sendgrid_reports
from drumbeat.http import Request, http
from drumbeat.sends.work import FEEDBACK
from drumbeat.url import CALLBACKS


@http("POST /webhooks/sendgrid", limit=CALLBACKS, reads=sendgrid_reports.READS, sends=(FEEDBACK,))
def handler(request: Request) -> dict[str, int]:
    """SendGrid signs its reports (`X-Twilio-Email-Event-Webhook-Signature`): 403 `BAD_SIGNATURE` for what the account's
    verification key has not signed, 400 for a signed body that is no list of events, 404 without a default account.

    Events: `processed`, `delivered`, `deferred`, `bounce`, `dropped`, `open`, `click`, `spamreport`, `unsubscribe`,
    `group_unsubscribe`, and by their documented names `opened`, `clicked`, `bounced` and `spam_report`."""
    return {"taken": sendgrid_reports.receive("", request.headers, request.raw)}
