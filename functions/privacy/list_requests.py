"""List privacy requests, the latest first: who asked for what, when, and how much there was."""

from drumbeat import lists, table
from drumbeat.fields import Listing, Page
from drumbeat.http import STANDARD, Request, http
from drumbeat.privacy import model
from drumbeat.privacy.model import READ_ONLY, PrivacyRequest, PrivacyRequestView


@http("GET /v1/privacy-requests", scope="privacy:read", limit=STANDARD, reads=(PrivacyRequest,), files=(READ_ONLY,))
def handler(request: Request, query: Listing) -> Page[PrivacyRequestView]:
    """422 `VALIDATION_ERROR` for a cursor that is not of this list."""
    partition = PrivacyRequest.partition(request.tenant)
    found = lists.page(PrivacyRequest, [partition], query, total=lambda: table.count(partition, number=1))
    return lists.shown(found, model.view)
