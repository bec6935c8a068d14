"""Add a block that templates share: `{% render "name" %}` stands for it."""

from drumbeat.counts import Count
from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import block_sources, blocks
from drumbeat.templates.block_views import BlockView, NewBlock
from drumbeat.templates.blocks import Block
from drumbeat.templates.model import Template


@http(
    "POST /v1/template-blocks",
    scope="templates:write",
    limit=STANDARD,
    status=201,
    reads=(Template,),
    writes=(Block, Count),
    memory=512,
)
def handler(request: Request, body: NewBlock) -> BlockView:
    """409 `BLOCK_NAME_TAKEN`; 422 `VALIDATION_ERROR` naming `html`, `mjml` or `text` and the line for a block that does
    not compile, renders another block, or has scripts."""
    row = block_sources.build(request.tenant, body, made_by=request.new_id("blk"), now=request.now)
    return block_sources.view(blocks.add(row))
