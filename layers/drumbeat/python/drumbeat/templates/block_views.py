"""What requests and answers say of template blocks."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from drumbeat.accounts.settings import Language
from drumbeat.fields import Body, Instant, View
from drumbeat.templates.texts import PlainText
from drumbeat.templates.views import Html, stays

BlockName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]


class BlockBody(Body):
    """A block's words in another language."""

    html: Html | None = None
    mjml: Html | None = None
    text: PlainText | None = None


class NewBlock(Body):
    """A block for `{% render "name" %}`: a piece of HTML, or of MJML (elements of a body or of a column). Without
    `text` that is derived; it stands in templates that have a text of their own."""

    name: BlockName
    html: Html | None = None
    mjml: Html | None = None
    text: PlainText | None = None
    languages: Annotated[dict[Language, BlockBody], Field(max_length=20)] = Field(default_factory=dict)


class BlockChange(Body):
    """What to change; fields that are left out stay. Null takes a `text` or a language away."""

    html: Html = stays("")
    mjml: Html = stays("")
    text: PlainText | None = stays(None)
    languages: Annotated[dict[Language, BlockBody | None], Field(max_length=20)] = Field(default_factory=dict)


class BlockSummary(View):
    """A block in a list, with how many templates render it."""

    name: str
    languages: list[str]
    used_by_count: int
    created_at: Instant
    updated_at: Instant


class BlockUser(View):
    """A template that renders a block."""

    id: str
    name: str


class BlockVariantView(View):
    html: str
    mjml: str | None
    text: str


class BlockView(BlockSummary):
    """A block with its sources, and who renders it."""

    html: str
    mjml: str | None
    text: str
    variants: dict[str, BlockVariantView]
    used_by: list[BlockUser]


class BlockDeleted(View):
    """Which block was deleted."""

    name: str
    deleted: Literal[True] = True
