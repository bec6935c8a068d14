"""Take SendGrid's reports at the function's own address, which is cheaper than the API's."""

from drumbeat.feedback import sendgrid_reports
from drumbeat.http import Request
from drumbeat.sends.work import FEEDBACK
from drumbeat.url import url


@url(reads=sendgrid_reports.READS, sends=(FEEDBACK,))
def handler(request: Request) -> dict[str, int]:
    """The path is the account's callback id, or nothing for the deployment's default account. 404 for an unknown one,
    403 `BAD_SIGNATURE`, 400 for a signed body that is no list of events."""
    return {"taken": sendgrid_reports.receive(request.path.strip("/"), request.headers, request.raw)}
