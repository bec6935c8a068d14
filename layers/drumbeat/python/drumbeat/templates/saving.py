"""Saving a template: everything that a request says is compiled and looked at before it is stored.

Imports the engine, as drumbeat.templates.checks.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from drumbeat.accounts import settings
from drumbeat.errors import Invalid
from drumbeat.templates import blocks, bodies, checks, expansion, model, starting
from drumbeat.templates.bodies import DEFAULT, Body
from drumbeat.templates.checks import Written
from drumbeat.templates.limits import TemplateError
from drumbeat.templates.lint import is_responsive
from drumbeat.templates.model import Template, TemplateVersion
from drumbeat.templates.version_views import Rollback
from drumbeat.templates.views import FindingView, NewTemplate, TemplateChange, VariantBody

MOST_BLOCKS = 40
"""Different blocks of a template: those that go and those that come are written with it, in one transaction of at most
100 items."""


@dataclass
class Draft:
    """A template as it is wanted, by language; the default has the key ""."""

    name: str
    language: str
    parts: dict[str, Written]
    variables: list[str] = field(default_factory=list)
    category: str | None = None


@dataclass(frozen=True)
class Checked:
    """A draft that can be sent."""

    parts: dict[str, Body]
    blocks: list[str]
    findings: list[FindingView]


def check(tenant: str, draft: Draft) -> Checked:
    """Compile every language. Raises Invalid naming the part and the line. Reads Block."""
    made: dict[str, Body] = {}
    found: list[FindingView] = []
    used: set[str] = set()
    for tag, written in draft.parts.items():
        language = tag or draft.language
        try:
            made[tag] = body = checks.prepared(written, language)
            finder = blocks.finder(tenant, language)
            compiled = checks.compiled(body, language, finder, checks.given(draft.variables))
            used |= {use.name for part in ("html", "text") for use in _uses(part, body)}
            found += checks.findings(compiled, written, draft.variables, language=tag or None)
        except TemplateError as error:
            raise checks.refusal(error, f"languages.{tag}." if tag else "") from error
    own = sorted(used & blocks.stored(tenant, used))
    if len(own) > MOST_BLOCKS:
        raise Invalid.field("html", f"renders {len(own)} different blocks in all; {MOST_BLOCKS} are the most")
    return Checked(made, own, found)


def _uses(part: str, body: Body) -> list[expansion.Use]:
    return expansion.uses(part, body.sendable if part == "html" else body.text or "")


def create(
    tenant: str, new: NewTemplate, *, template_id: str, actor: str | None, now: datetime
) -> tuple[Template, list[FindingView]]:
    """Store a new template. Raises Invalid. Reads Tenant, writes `model.WRITES`."""
    draft = _draft(tenant, new)
    checked = check(tenant, draft)
    row = Template(
        *Template.key(tenant, template_id), gsi1pk=Template.partition(tenant), gsi1sk=template_id, tenant=tenant,
        template_id=template_id, version=1, created_by=actor, created_at=now, updated_at=now,
    )  # fmt: skip
    _put(row, draft, checked)
    return model.add(row, new.note), checked.findings


def update(
    tenant: str, reference: str, wanted: TemplateChange, *, expected: int | None, actor: str | None, now: datetime
) -> tuple[Template, list[FindingView]]:
    """Merge the named fields into a template, as its next version. Raises NotFound, Invalid, TemplateChanged."""
    found: list[list[FindingView]] = []

    def rewrite(row: Template) -> None:
        draft = _merged(row, wanted)
        checked = check(tenant, draft)
        found.append(checked.findings)
        _put(row, draft, checked)

    row = model.change(
        tenant, reference, rewrite, actor=actor, note=wanted.note, now=now, expected=expected or wanted.expected_version
    )
    return row, found[-1]


def roll_back(
    tenant: str, reference: str, asked: Rollback, version: TemplateVersion, *, actor: str | None, now: datetime
) -> Template:
    """Give a template what an earlier version said, as its next version. Raises TemplateChanged, and Invalid when it no
    longer compiles: a block may be gone."""
    parts = {tag: written(body) for tag, body in version.bodies.items()}
    draft = Draft(version.name, version.language, parts, list(version.variables), version.category)

    def rewrite(row: Template) -> None:
        _put(row, draft, check(tenant, draft))

    note = asked.note or f"Back to version {asked.version}"
    return model.change(
        tenant, reference, rewrite, actor=actor, note=note, now=now, expected=asked.expected_version,
        restored=asked.version,
    )  # fmt: skip


def _put(row: Template, draft: Draft, checked: Checked) -> None:
    default = checked.parts[DEFAULT]
    row.name, row.subject, row.language, row.category = draft.name, default.subject, draft.language, draft.category
    row.variables = list(dict.fromkeys(draft.variables))
    row.__dict__.pop("bodies", None)  # read from `body` once
    row.body = bodies.pack(checked.parts)
    row.languages = sorted(tag for tag in checked.parts if tag)
    row.blocks = checked.blocks
    row.is_responsive = is_responsive(default.sendable)


def _draft(tenant: str, new: NewTemplate) -> Draft:
    """What a request says, with what its starter says behind it. Raises Invalid for what is missing."""
    wanted = new if new.starter is None else starting.filled(new, settings.of(tenant).language)
    for name in ("name", "subject"):
        if getattr(wanted, name) is None:
            raise Invalid.field(name, "is needed, or a starter")
    default = _written(VariantBody(**wanted.model_dump(include={"subject", "html", "mjml", "text"})), "", "")
    parts = {DEFAULT: default}
    for tag, variant in wanted.languages.items():
        if variant is not None:
            parts[tag] = _written(variant, default.subject, f"languages.{tag}.")
    language = wanted.language or settings.of(tenant).language
    return Draft(wanted.name or "", language, parts, wanted.variables, wanted.category)


def _merged(row: Template, wanted: TemplateChange) -> Draft:
    said = wanted.model_dump(exclude_unset=True, include={"subject", "html", "mjml", "text"})
    parts = {tag: written(body) for tag, body in row.bodies.items()}
    default = parts[DEFAULT]
    if "html" in said and "mjml" in said:
        raise Invalid.field("mjml", "give html or mjml, and not both")
    if "html" in said or "mjml" in said:
        default = replace(default, html=None, mjml=None)
    parts[DEFAULT] = default = replace(default, **{**said, "text": said.get("text", default.text) or None})
    for tag, variant in wanted.languages.items():
        parts.pop(tag, None)
        if variant is not None:
            parts[tag] = _written(variant, default.subject, f"languages.{tag}.")
    draft = Draft(row.name, row.language, parts, list(row.variables), row.category)
    for name in wanted.model_fields_set & {"name", "language", "variables", "category"}:
        setattr(draft, name, getattr(wanted, name))
    return draft


def _written(said: VariantBody, subject: str, path: str) -> Written:
    if (said.html is None) == (said.mjml is None):
        raise Invalid.field(f"{path}html", "give html or mjml, and not both")
    return Written(said.subject or subject, said.html, said.mjml, said.text or None)


def written(body: Body) -> Written:
    """A stored language as its author wrote it."""
    return Written(body.subject, None if body.mjml is not None else body.html, body.mjml, body.text)
