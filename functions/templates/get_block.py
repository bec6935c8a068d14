"""Show a template block, and which templates render it."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import block_sources, blocks
from drumbeat.templates.block_views import BlockView
from drumbeat.templates.blocks import Block
from drumbeat.templates.model import Template


@http("GET /v1/template-blocks/{name}", scope="templates:read", limit=STANDARD, reads=(Block, Template))
def handler(request: Request, name: str) -> BlockView:
    """404 `NOT_FOUND` for a name that no block of the tenant has."""
    return block_sources.view(blocks.get(request.tenant, name))
