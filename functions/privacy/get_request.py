"""Tell what became of a privacy request; of a data export, with a fresh link to its file."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.privacy import model
from drumbeat.privacy.model import READ_ONLY, PrivacyRequest, PrivacyRequestView


@http(
    "GET /v1/privacy-requests/{request_id}",
    scope="privacy:read",
    limit=STANDARD,
    reads=(PrivacyRequest,),
    files=(READ_ONLY,),
)
def handler(request: Request, request_id: str) -> PrivacyRequestView:
    """404 `NOT_FOUND`."""
    return model.view(model.get(request.tenant, request_id))
