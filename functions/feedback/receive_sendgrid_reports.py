"""Take the reports of a tenant's own account at SendGrid."""

from drumbeat.feedback import sendgrid_reports
from drumbeat.http import Request, http
from drumbeat.sends.work import FEEDBACK
from drumbeat.url import CALLBACKS


@http("POST /webhooks/sendgrid/{callback_id}", limit=CALLBACKS, reads=sendgrid_reports.READS, sends=(FEEDBACK,))
def handler(request: Request, callback_id: str) -> dict[str, int]:
    """The address is the provider account's `callback_url`. 403 `BAD_SIGNATURE` for what the account's verification key
    has not signed, 400 for a signed body that is no list of events, 404 for an address of nobody's."""
    return {"taken": sendgrid_reports.receive(callback_id, request.headers, request.raw)}
