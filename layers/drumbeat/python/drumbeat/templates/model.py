"""Message templates as their authors wrote them. Sends keep a copy of their own, so a template may change or go.

pk                         sk          gsi1pk               gsi1sk
TEMPLATE#<tenant>#<id>     TEMPLATE    TEMPLATES#<tenant>   <id>
COUNT#<tenant>#templates   <shard>     -                    -       see drumbeat.counts
SLUG#<tenant>#template#…   SLUG        -                    -       see drumbeat.slugs

Saving does not compile: the functions do, before they call `add` or `change`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pynamodb.attributes import ListAttribute
from pynamodb.expressions.update import Action

from drumbeat import counts, slugs
from drumbeat.accounts import settings
from drumbeat.counts import Count
from drumbeat.errors import Invalid, NotFound
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
from drumbeat.templates.views import NewTemplate, TemplateChange

KIND = "template"
COUNTED = "templates"
# An item may have 400 KB (409,600 bytes) with its keys and names.
MOST_BYTES = 405_000


class Template(Entity):
    """A template's sources. Without `text` a mail's text part is derived from the HTML.

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
    html = UnicodeAttribute()
    text = UnicodeAttribute(null=True)
    variables = ListAttribute[Any](default=list)
    category = UnicodeAttribute(null=True)
    language = UnicodeAttribute()
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


READS = (Template, Slug)
WRITES = (Template, Slug, Count)


def get(tenant: str, reference: str) -> Template:
    """By id or slug. Raises NotFound, also for a template of another tenant. Reads Template, Slug."""
    template_id = slugs.resolve(tenant, KIND, "tpl", reference, "template")
    found = Template.fetch(*Template.key(tenant, template_id))
    if found is None:
        raise NotFound(f"There is no template {reference!r}. List templates to see their ids and slugs.")
    return found


def add(tenant: str, new: NewTemplate, *, template_id: str, created_by: str | None, now: datetime) -> Template:
    """Store a template that compiles; the same id again is the stored one. Raises Invalid when it is too large.

    Its name's slug is claimed with it, if no other template has it. Reads Tenant, writes `WRITES`.
    """
    template = Template(
        *Template.key(tenant, template_id), gsi1pk=Template.partition(tenant), gsi1sk=template_id, tenant=tenant,
        template_id=template_id, name=new.name, subject=new.subject, html=new.html, text=new.text or None,
        variables=list(dict.fromkeys(new.variables)), category=new.category,
        language=new.language or settings.of(tenant).language, created_by=created_by, created_at=now, updated_at=now,
    )  # fmt: skip
    _measure(template)
    for slug in (slugs.of(new.name) or None, None):
        template.slug = slug
        writing = Transaction().create(template)
        counts.into(writing, tenant, COUNTED, template_id, +1)
        if slug:
            writing.create(_claim(template, slug))
        try:
            writing.commit()
        except TransactionRefused as refused:
            if refused.found[0]:
                return Template.from_raw_data(refused.found[0])
        else:
            return template
    raise AssertionError("a transaction without a claim can only find the template itself")


def change(
    tenant: str, reference: str, wanted: TemplateChange, *, check: Callable[[Template], None], now: datetime
) -> Template:
    """Merge the named fields; `check` gets the merged template and refuses what does not compile.

    A new name's slug replaces the old one, if no other template has it. Raises NotFound, Invalid. Writes `WRITES`.
    """
    said = wanted.model_dump(exclude_unset=True)

    def merged() -> Template:
        row = get(tenant, reference)
        held, slug = row.attempt, row.slug
        for name, value in said.items():
            setattr(row, name, value)
        row.text, row.variables = row.text or None, list(dict.fromkeys(row.variables))
        row.updated_at = now
        check(row)
        _measure(row)
        _write(row, held, slug)
        return row

    return retried(merged)


def _write(row: Template, held: str | None, slug: str | None) -> None:
    """Store the merged fields and the slug of the name, if nobody wrote since `held`. Raises ConditionFailed."""
    unchanged = Template.attempt == held if held else Template.attempt.does_not_exist()
    wanted = slugs.of(row.name) or None
    for claimed in (wanted, None) if wanted != slug else (slug,):
        row.slug = claimed
        writing = Transaction().update(Template, row.pk, row.sk, _actions(row), Template.pk.exists() & unchanged)
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
        else:
            return


def delete(tenant: str, reference: str) -> str:
    """Delete a template and free its slug; its id. Raises NotFound. Writes `WRITES`."""

    def gone() -> Template:
        row = get(tenant, reference)
        unchanged = Template.attempt == row.attempt if row.attempt else Template.attempt.does_not_exist()
        writing = Transaction().delete(Template, row.pk, row.sk, Template.pk.exists() & unchanged)
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
        cls.name.set(row.name), cls.subject.set(row.subject), cls.html.set(row.html), cls.language.set(row.language),
        cls.variables.set(row.variables), cls.updated_at.set(row.updated_at),
    ]  # fmt: skip
    for attribute, value in ((cls.text, row.text), (cls.category, row.category), (cls.slug, row.slug)):
        kept.append(attribute.set(value) if value is not None else attribute.remove())
    return kept


def _measure(template: Template) -> None:
    """Raises Invalid when the parts are too large together."""
    texts = (template.name, template.subject, template.html, template.text or "", *template.variables)
    size = sum(len(text.encode()) for text in texts)
    if size > MOST_BYTES:
        raise Invalid.field(
            "html", f"with the other parts it has {size // 1000} KB; shorten it to {MOST_BYTES // 1000} KB"
        )
