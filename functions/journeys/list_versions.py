"""List the published versions of a journey, the latest first."""

from itertools import islice

from drumbeat.fields import Page
from drumbeat.http import Request, http
from drumbeat.journeys import model
from drumbeat.journeys.model import Journey, JourneyVersion
from drumbeat.journeys.views import VersionQuery, VersionView, version_view
from drumbeat.slugs import Slug


@http("GET /v1/journeys/{journey_id}/versions", scope="journeys:read", reads=(Journey, JourneyVersion, Slug))
def handler(request: Request, journey_id: str, query: VersionQuery) -> Page[VersionView]:
    """404 for an unknown journey. `before` goes on behind a version."""
    journey = model.get(request.tenant, journey_id)
    older = (row for row in model.versions(request.tenant, journey.journey_id) if row.number < query.before)
    rows = list(islice(older, query.limit))
    return Page(items=[version_view(row) for row in rows], total_count=int(journey.version or 0), limit=query.limit)
