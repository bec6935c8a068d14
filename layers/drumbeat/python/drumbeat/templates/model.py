"""Message templates as their authors wrote them. Sends keep a copy of their own, so a template may change or go.

pk                              sk          gsi1pk               gsi1sk
TEMPLATE#<tenant>#<id>          TEMPLATE    TEMPLATES#<tenant>   <id>
TEMPLATEVERSION#<tenant>#<id>   <number>    -                    -       each change, the latest 100
COUNT#<tenant>#templates        <shard>     -                    -       see drumbeat.counts
SLUG#<tenant>#template#…        SLUG        -                    -       see drumbeat.slugs

Saving does not compile: `drumbeat.templates.saving` does, before it calls `add` or `change`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, ListAttribute
from pynamodb.expressions.update import Action

from drumbeat import counts, slugs, table
from drumbeat.counts import Count
from drumbeat.errors import Conflict, NotFound
from drumbeat.slugs import Slug
from drumbeat.table import (
    ConditionFailed,
    Entity,
    InstantAttribute,
    NumberAttribute,
    Transaction,
    TransactionRefused,
    UnicodeAttribute,
    retried,
)
from drumbeat.templates import blocks, bodies
from drumbeat.templates.blocks import Block
from drumbeat.templates.bodies import DEFAULT, Body

KIND = "template"
COUNTED = "templates"
MOST_VERSIONS = 100


class TemplateChanged(Conflict):
    """Somebody else has changed the template since the caller read it."""

    code = "TEMPLATE_CHANGED"


class Template(Entity):
    """A template. `body` has its sources in all languages (`bodies`), `version` counts its changes.

    `variables` are the names that a sender gives; `usage_count` is how many campaigns were launched with it.
    """

    TYPE = "TEMPLATE"
    INDEX_TYPES = {"gsi1": "TEMPLATES"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    tenant = UnicodeAttribute()
    template_id = UnicodeAttribute()
    name = UnicodeAttribute()
    slug = UnicodeAttribute(null=True)
    subject = UnicodeAttribute()
    body = BinaryAttribute(legacy_encoding=False)
    variables = ListAttribute[Any](default=list)
    category = UnicodeAttribute(null=True)
    language = UnicodeAttribute()
    languages = ListAttribute[Any](default=list)
    blocks = ListAttribute[Any](default=list)
    is_responsive = BooleanAttribute(default=False)
    version = NumberAttribute(default=1)
    usage_count = NumberAttribute(default=0)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    updated_at = InstantAttribute()

    @staticmethod
    def key(tenant: str, template_id: str) -> tuple[str, str]:
        return f"TEMPLATE#{tenant}#{template_id}", "TEMPLATE"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"TEMPLATES#{tenant}"

    @cached_property
    def bodies(self) -> dict[str, Body]:
        """What it says, by language; the default has the key ""."""
        return bodies.unpack(self.body)

    @property
    def default(self) -> Body:
        return self.bodies[DEFAULT]


class TemplateVersion(Entity):
    """A template as it was after one change: never written again. `restored` is the version that a rollback took."""

    TYPE = "TEMPLATEVERSION"

    number = NumberAttribute()
    name = UnicodeAttribute()
    body = BinaryAttribute(legacy_encoding=False)
    variables = ListAttribute[Any](default=list)
    category = UnicodeAttribute(null=True)
    language = UnicodeAttribute()
    languages = ListAttribute[Any](default=list)
    blocks = ListAttribute[Any](default=list)
    is_responsive = BooleanAttribute(default=False)
    note = UnicodeAttribute(null=True)
    restored = NumberAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()

    @staticmethod
    def key(tenant: str, template_id: str, number: int) -> tuple[str, str]:
        return f"TEMPLATEVERSION#{tenant}#{template_id}", f"{number:06d}"

    @cached_property
    def bodies(self) -> dict[str, Body]:
        return bodies.unpack(self.body)


READS = (Template, Slug)
WRITES = (Template, TemplateVersion, Slug, Count, Block)


def get(tenant: str, reference: str) -> Template:
    """By id or slug. Raises NotFound, also for a template of another tenant. Reads Template, Slug."""
    template_id = slugs.resolve(tenant, KIND, "tpl", reference, "template")
    found = Template.fetch(*Template.key(tenant, template_id))
    if found is None:
        raise NotFound(f"There is no template {reference!r}. List templates to see their ids and slugs.")
    return found


def add(template: Template, note: str | None) -> Template:
    """Store a new template with its first version; the same id again is the stored one. Raises Conflict when a block
    has just been deleted.

    Its name's slug is claimed with it, if no other template has it. Writes `WRITES`.
    """
    for slug in (slugs.of(template.name) or None, None):
        template.slug = slug
        writing = Transaction().create(template).create(_version(template, note, template.created_by, None))
        touched = blocks.into(writing, template.tenant, template.template_id, (), template.blocks)
        counts.into(writing, template.tenant, COUNTED, template.template_id, +1)
        if slug:
            writing.create(_claim(template, slug))
        try:
            writing.commit()
        except TransactionRefused as refused:
            if refused.found[0]:
                return Template.from_raw_data(refused.found[0])
            blocks.refuse_vanished(refused.found[2 : 2 + len(touched)], touched)
        else:
            return template
    raise AssertionError("a transaction without a claim can only find the template itself")


def change(
    tenant: str,
    reference: str,
    rewrite: Callable[[Template], None],
    *,
    actor: str | None,
    note: str | None,
    now: datetime,
    expected: int | None = None,
    restored: int | None = None,
) -> Template:
    """Let `rewrite` change a template, and store it as the next version; without a difference there is none.

    A new name's slug replaces the old one, if no other template has it. Raises NotFound, TemplateChanged when the
    `expected` version is no longer the current one, and what `rewrite` raises. Writes `WRITES`.
    """

    def changed() -> Template:
        row = get(tenant, reference)
        if expected is not None and int(row.version) != expected:
            raise TemplateChanged(
                f"The template has version {int(row.version)} by now, not {expected}. Read it and try again."
            )
        slug, used, before = row.slug, tuple(row.blocks), _said(row)
        rewrite(row)
        if _said(row) == before:
            return row
        row.version, row.updated_at = int(row.version) + 1, now
        _write(row, slug, used, _version(row, note, actor, restored))
        return row

    return retried(changed)


def _said(row: Template) -> tuple[Any, ...]:
    return (row.name, row.body, tuple(row.variables), row.category, row.language)


def _version(row: Template, note: str | None, actor: str | None, restored: int | None) -> TemplateVersion:
    return TemplateVersion(
        *TemplateVersion.key(row.tenant, row.template_id, int(row.version)), number=int(row.version), name=row.name,
        body=row.body, variables=row.variables, category=row.category, language=row.language, languages=row.languages,
        blocks=row.blocks, is_responsive=row.is_responsive, note=note, restored=restored, created_by=actor,
        created_at=row.updated_at,
    )  # fmt: skip


def _write(row: Template, slug: str | None, used: Sequence[str], version: TemplateVersion) -> None:
    """Store the new version and the slug of the name, if nobody wrote the row since. Raises ConditionFailed."""
    wanted = slugs.of(row.name) or None
    old = TemplateVersion.key(row.tenant, row.template_id, int(row.version) - MOST_VERSIONS)
    for claimed in (wanted, None) if wanted != slug else (slug,):
        row.slug = claimed
        writing = Transaction().update(Template, row.pk, row.sk, _actions(row), row.unchanged())
        touched = blocks.into(writing, row.tenant, row.template_id, used, row.blocks)
        writing.put(version).delete(TemplateVersion, *old)
        if claimed != slug:
            if claimed:
                writing.create(_claim(row, claimed))
            if slug:
                writing.delete(Slug, *Slug.key(row.tenant, KIND, slug))
        try:
            writing.commit()
        except TransactionRefused as refused:
            if refused.found[0] is not None:
                raise ConditionFailed(refused.found[0]) from refused
            blocks.refuse_vanished(refused.found[1 : 1 + len(touched)], touched)
        else:
            return


def delete(tenant: str, reference: str) -> str:
    """Delete a template with its versions and free its slug; its id. Raises NotFound. Writes `WRITES`."""

    def gone() -> Template:
        row = get(tenant, reference)
        last = int(row.version)
        numbers = range(max(1, last - MOST_VERSIONS), last + 1)
        table.write_many(deletes=[TemplateVersion.key(tenant, row.template_id, number) for number in numbers])
        writing = Transaction().delete(Template, row.pk, row.sk, row.unchanged())
        blocks.into(writing, tenant, row.template_id, row.blocks, ())
        counts.into(writing, tenant, COUNTED, row.template_id, -1)
        if row.slug:
            writing.delete(Slug, *Slug.key(tenant, KIND, row.slug))
        try:
            writing.commit()
        except TransactionRefused as refused:
            raise ConditionFailed(refused.found[0]) from refused
        return row

    return retried(gone).template_id


def used(tenant: str, template_id: str) -> None:
    """Count a campaign's launch with the template; nothing if it was deleted. Call it once per launch."""
    key = Template.key(tenant, template_id)
    try:
        Template.change_at(*key, Template.usage_count.add(1), condition=Template.pk.exists())
    except ConditionFailed:
        return


def _claim(template: Template, slug: str) -> Slug:
    return Slug(*Slug.key(template.tenant, KIND, slug), target=template.template_id)


def _actions(row: Template) -> list[Action]:
    """All that a change may change; null removes."""
    cls = Template
    kept: list[Action] = [
        cls.name.set(row.name), cls.subject.set(row.subject), cls.body.set(row.body), cls.language.set(row.language),
        cls.variables.set(row.variables), cls.languages.set(row.languages), cls.blocks.set(row.blocks),
        cls.is_responsive.set(row.is_responsive), cls.version.set(row.version), cls.updated_at.set(row.updated_at),
    ]  # fmt: skip
    for attribute, value in ((cls.category, row.category), (cls.slug, row.slug)):
        kept.append(attribute.set(value) if value is not None else attribute.remove())
    return kept
