"""Change a template block. Mails that were launched keep what it said; those launched later say the new."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import block_sources
from drumbeat.templates.block_views import BlockChange, BlockView
from drumbeat.templates.blocks import Block
from drumbeat.templates.model import Template


@http(
    "PUT /v1/template-blocks/{name}",
    scope="templates:write",
    limit=STANDARD,
    reads=(Template,),
    writes=(Block,),
    memory=512,
)
def handler(request: Request, name: str, body: BlockChange) -> BlockView:
    """404 `NOT_FOUND`; 422 `VALIDATION_ERROR` as when a block is added."""
    return block_sources.view(block_sources.update(request.tenant, name, body, request.now))
