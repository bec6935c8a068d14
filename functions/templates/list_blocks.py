"""List template blocks in the order of their names, without their bodies."""

from drumbeat.counts import Count
from drumbeat.fields import Listing, Page
from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import block_sources
from drumbeat.templates.block_views import BlockSummary
from drumbeat.templates.blocks import Block


@http("GET /v1/template-blocks", scope="templates:read", limit=STANDARD, reads=(Block, Count))
def handler(request: Request, query: Listing) -> Page[BlockSummary]:
    """422 `VALIDATION_ERROR` for a cursor that is not of this list."""
    return block_sources.page(request.tenant, query)
