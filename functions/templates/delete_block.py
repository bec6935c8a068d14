"""Delete a template block that no template renders."""

from drumbeat.counts import Count
from drumbeat.http import STANDARD, Answer, Request, http
from drumbeat.templates import block_sources, blocks
from drumbeat.templates.block_views import BlockDeleted
from drumbeat.templates.blocks import Block
from drumbeat.templates.model import Template


@http(
    "DELETE /v1/template-blocks/{name}",
    scope="templates:write",
    limit=STANDARD,
    reads=(Template,),
    writes=(Block, Count),
)
def handler(request: Request, name: str) -> Answer[BlockDeleted]:
    """404 `NOT_FOUND`; 409 `BLOCK_IN_USE` naming the templates that render it."""
    blocks.delete(request.tenant, name, lambda users: block_sources.names_of(request.tenant, users))
    return Answer(BlockDeleted(name=name), "The block was deleted.")
