"""Explain why a contact is in a segment or not, condition by condition."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import explaining
from drumbeat.segments.views import ExplanationView


@http(
    "GET /v1/segments/{segment_id}/explain/{contact_id}",
    scope="segments:read",
    limit=STANDARD,
    reads=explaining.READS,
)
def handler(request: Request, segment_id: str, contact_id: str) -> ExplanationView:
    """404 `NOT_FOUND` for a segment or a contact that the tenant does not have."""
    return explaining.explained(request.tenant, segment_id, contact_id, request.now)
