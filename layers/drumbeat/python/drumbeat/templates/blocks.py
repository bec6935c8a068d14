"""Blocks that templates share: `{% render "footer" %}` (drumbeat.templates.expansion says how).

pk                         sk       gsi1pk              gsi1sk
BLOCK#<tenant>#<name>      BLOCK    BLOCKS#<tenant>     <name>
COUNT#<tenant>#blocks      <shard>  -                   -       see drumbeat.counts

`users` are the templates that render the block, written with them: a block that is used cannot be deleted.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pynamodb.attributes import BinaryAttribute, ListAttribute, UnicodeSetAttribute

from drumbeat import counts
from drumbeat.errors import Conflict, NotFound
from drumbeat.table import (
    Entity,
    InstantAttribute,
    Transaction,
    TransactionRefused,
    UnicodeAttribute,
    retried,
)
from drumbeat.templates import bodies
from drumbeat.templates.bodies import Body

if TYPE_CHECKING:
    from drumbeat.templates import expansion

COUNTED = "blocks"


class BlockInUse(Conflict):
    """Templates render the block."""

    code = "BLOCK_IN_USE"


class BlockTaken(Conflict):
    """Another block has the name."""

    code = "BLOCK_NAME_TAKEN"


class Block(Entity):
    """A block. `body` has its sources in all languages."""

    TYPE = "BLOCK"
    INDEX_TYPES = {"gsi1": "BLOCKS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    tenant = UnicodeAttribute()
    name = UnicodeAttribute()
    body = BinaryAttribute(legacy_encoding=False)
    languages = ListAttribute[Any](default=list)
    users = UnicodeSetAttribute(null=True)
    made_by = UnicodeAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()

    @staticmethod
    def key(tenant: str, name: str) -> tuple[str, str]:
        return f"BLOCK#{tenant}#{name}", "BLOCK"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"BLOCKS#{tenant}"

    @cached_property
    def bodies(self) -> dict[str, Body]:
        return bodies.unpack(self.body)


def get(tenant: str, name: str) -> Block:
    """Raises NotFound."""
    found = Block.fetch(*Block.key(tenant, name))
    if found is None:
        raise NotFound(f"There is no block {name!r}. List template blocks to see their names.")
    return found


def finder(tenant: str, language: str | None = None) -> "Callable[[str], expansion.Block | None]":
    """Looks blocks up for a mail in a language, each once; the tenant's own go before those that we bring along."""
    # Its expressions take a while to compile, and lists of templates need none.
    from drumbeat.templates import expansion, starters

    found: dict[str, expansion.Block | None] = {}

    def find(name: str) -> expansion.Block | None:
        if name not in found:
            row = Block.fetch(*Block.key(tenant, name))
            if row is None:
                found[name] = starters.block(name, language)
            else:
                body = row.bodies[bodies.choose(language, row.bodies)]
                found[name] = expansion.Block(body.sendable, body.text or "", body.styles)
        return found[name]

    return find


def add(block: Block) -> Block:
    """Raises BlockTaken. The same `made_by` again gives the stored one. Writes Block, Count."""
    writing = Transaction().create(block)
    counts.into(writing, block.tenant, COUNTED, block.name, +1)
    try:
        writing.commit()
    except TransactionRefused as refused:
        stored = Block.from_raw_data(refused.found[0] or {})
        if stored.made_by != block.made_by:
            raise BlockTaken(f"There is a block {block.name!r}. Change it, or choose another name.") from refused
        return stored
    return block


def change(tenant: str, name: str, rewrite: Callable[[Block], None], now: datetime) -> Block:
    """Let `rewrite` set the block's body. Mails that are on their way keep what they had. Raises NotFound."""

    def changed() -> Block:
        row = get(tenant, name)
        held = row.body
        rewrite(row)
        row.updated_at = now
        actions = [Block.body.set(row.body), Block.languages.set(row.languages), Block.updated_at.set(now)]
        row.change(*actions, condition=Block.body == held)
        return row

    return retried(changed)


def delete(tenant: str, name: str, name_of: Callable[[Sequence[str]], Sequence[str]]) -> None:
    """Raises NotFound, and BlockInUse with the templates that render it. Writes Block, Count."""
    row = get(tenant, name)
    writing = Transaction().delete(Block, row.pk, row.sk, Block.pk.exists() & Block.users.does_not_exist())
    counts.into(writing, tenant, COUNTED, name, -1)
    try:
        writing.commit()
    except TransactionRefused as refused:
        if not refused.found[0]:
            raise NotFound(f"There is no block {name!r}. List template blocks to see their names.") from refused
        users = sorted(Block.from_raw_data(refused.found[0]).users or ())
        named = ", ".join(name_of(users))
        raise BlockInUse(f"These templates render it: {named}. Take it out of them first.") from refused


def into(
    writing: Transaction, tenant: str, template_id: str, before: Iterable[str], after: Iterable[str]
) -> tuple[str, ...]:
    """Write down in a template's transaction which blocks it renders now; the blocks that are touched, in order."""
    gone, new = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    for name in gone:
        writing.update(Block, *Block.key(tenant, name), [Block.users.delete({template_id})], Block.pk.exists())
    for name in new:
        writing.update(Block, *Block.key(tenant, name), [Block.users.add({template_id})], Block.pk.exists())
    return (*gone, *new)


def refuse_vanished(found: Sequence[object], names: Sequence[str]) -> None:
    """Raises Conflict for a block that was deleted while a template with it was saved."""
    for refused, name in zip(found, names, strict=True):
        if refused is not None:
            raise Conflict(f"The block {name!r} was deleted meanwhile. Take it out, or make it again.")


def stored(tenant: str, names: Iterable[str]) -> set[str]:
    """Which of these are blocks of the tenant."""
    return {row.name for row in Block.many(Block.key(tenant, name) for name in names)}
