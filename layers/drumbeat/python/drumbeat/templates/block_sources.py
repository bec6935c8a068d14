"""Blocks as requests say them and answers show them. MJML and styles are compiled when a block is saved."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from drumbeat import counts, lists
from drumbeat.errors import Invalid
from drumbeat.fields import Listing, Page
from drumbeat.templates import blocks, bodies
from drumbeat.templates.block_views import (
    BlockBody,
    BlockChange,
    BlockSummary,
    BlockUser,
    BlockVariantView,
    BlockView,
    NewBlock,
)
from drumbeat.templates.blocks import COUNTED, Block
from drumbeat.templates.bodies import DEFAULT, Body
from drumbeat.templates.limits import TemplateError
from drumbeat.templates.model import Template


def build(tenant: str, new: NewBlock, *, made_by: str, now: datetime) -> Block:
    """A block that compiles. Raises Invalid."""
    default = BlockBody(html=new.html, mjml=new.mjml, text=new.text)
    parts = {tag: _body(said, tag) for tag, said in ({DEFAULT: default} | new.languages).items()}
    return Block(
        *Block.key(tenant, new.name), gsi1pk=Block.partition(tenant), gsi1sk=new.name, tenant=tenant, name=new.name,
        body=bodies.pack(parts), languages=sorted(new.languages), made_by=made_by, created_at=now, updated_at=now,
    )  # fmt: skip


def update(tenant: str, name: str, wanted: BlockChange, now: datetime) -> Block:
    """Merge the named fields. Raises NotFound, Invalid."""
    said = wanted.model_dump(exclude_unset=True, include={"html", "mjml", "text"})

    def rewrite(row: Block) -> None:
        parts = dict(row.bodies)
        if said:
            parts[DEFAULT] = _body(_merged(parts[DEFAULT], said), DEFAULT)
        for tag, body in wanted.languages.items():
            parts.pop(tag, None)
            if body is not None:
                parts[tag] = _body(body, tag)
        row.__dict__.pop("bodies", None)  # read from `body` once
        row.body, row.languages = bodies.pack(parts), sorted(tag for tag in parts if tag)

    return blocks.change(tenant, name, rewrite, now)


def _merged(held: Body, said: Mapping[str, str | None]) -> BlockBody:
    source = {"mjml": held.mjml} if held.mjml is not None else {"html": held.html}
    if "html" in said or "mjml" in said:
        source = {}
    # A text that was derived is derived again.
    text = {} if held.text == _derived(held.sendable) else {"text": held.text}
    return BlockBody(**{**source, **text, **said})


def _body(said: BlockBody, tag: str) -> Body:
    """One language of a block, compiled. Raises Invalid naming the part and the line."""
    # A quarter of a second of imports, for those who save only.
    from drumbeat.templates import checks, engine, expansion, inlining, lint_html, mjml, safety

    path = f"languages.{tag}." if tag else ""
    if (said.html is None) == (said.mjml is None):
        raise Invalid.field(f"{path}html", "give html or mjml, and not both")
    source = said.mjml if said.mjml is not None else said.html or ""
    field = "html" if said.mjml is None else "mjml"
    try:
        safety.check(source, field)
        for part, text in ((field, source), ("text", said.text or "")):
            expansion.refuse_blocks(part, text)
            engine.check_liquid(part, text)
        for finding in lint_html.elements(field, source):
            if finding.severity == "error":
                raise TemplateError(field, f"{finding.name}: {finding.message}", finding.line)
        styles, html = ("", source) if said.mjml is None else mjml.block_to_html(said.mjml)
        ready = inlining.inline(html)
    except TemplateError as error:
        raise checks.refusal(error, path) from error
    return Body("", html, said.mjml, said.text or _derived(ready), None if ready == html else ready, styles)


def _derived(html: str) -> str:
    from drumbeat.templates.plaintext import derive_text
    from drumbeat.templates.source import mask

    derived = derive_text(mask("html", html))
    return derived.restore(derived.text)


def summary(row: Block) -> BlockSummary:
    """Without the bodies."""
    return BlockSummary(
        name=row.name, languages=list(row.languages), used_by_count=len(row.users or ()), created_at=row.created_at,
        updated_at=row.updated_at,
    )  # fmt: skip


def view(row: Block) -> BlockView:
    """The whole block. Reads Template."""
    shown = {
        tag: BlockVariantView(html=body.html, mjml=body.mjml, text=body.text or "")
        for tag, body in row.bodies.items()
    }  # fmt: skip
    default = shown.pop(DEFAULT)
    users = sorted(row.users or ())
    named = zip(users, names_of(row.tenant, users), strict=True)
    return BlockView(
        **summary(row).model_dump(), **default.model_dump(), variants=shown,
        used_by=[BlockUser(id=template_id, name=name) for template_id, name in named],
    )  # fmt: skip


def names_of(tenant: str, template_ids: Sequence[str]) -> list[str]:
    """The names of templates, in order."""
    found = {row.template_id: row.name for row in Template.many(Template.key(tenant, one) for one in template_ids)}
    return [found.get(template_id, template_id) for template_id in template_ids]


def page(tenant: str, query: Listing) -> Page[BlockSummary]:
    """A tenant's blocks in the order of their names. Reads Block, Count."""
    listed = lists.page(
        Block, [Block.partition(tenant)], query, total=lambda: counts.total(tenant, COUNTED), newest_first=False
    )
    return lists.shown(listed, summary)
