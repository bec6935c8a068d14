"""A template's versions as the API shows and compares them. Does not import the engine."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from drumbeat import table
from drumbeat.errors import Invalid, NotFound
from drumbeat.fields import Page
from drumbeat.templates import shown
from drumbeat.templates.bodies import DEFAULT, Body
from drumbeat.templates.model import MOST_VERSIONS, Template, TemplateVersion
from drumbeat.templates.version_views import Comparison, Difference, VersionQuery, VersionSummary, VersionView

_TAG = re.compile(r"(?:W/)?\"?(\d{1,9})\"?")


def matched(headers: Mapping[str, str]) -> int | None:
    """The version that `If-Match` asks for; None without one or with `*`. Raises Invalid for anything else."""
    said = next((value for name, value in headers.items() if name.lower() == "if-match"), "*").strip()
    if said == "*":
        return None
    found = _TAG.fullmatch(said)
    if not found:
        raise Invalid.field("If-Match", 'must be the ETag of GET /v1/templates/{template_id}, such as "3"')
    return int(found[1])


def get(template: Template, number: str) -> TemplateVersion:
    """Raises NotFound for a version that there is not, or no longer."""
    # Beyond six digits the keys would not be in the order of their numbers.
    there = number.isdecimal() and len(number) <= 6
    key = TemplateVersion.key(template.tenant, template.template_id, int(number)) if there else None
    found = TemplateVersion.fetch(*key) if key else None
    if found is None:
        raise NotFound(f"The template has no version {number[:20]!r}; the latest {MOST_VERSIONS} are kept. List them.")
    return found


def page(template: Template, query: VersionQuery) -> Page[VersionSummary]:
    """Newest first; `cursor` is a version's number. Raises Invalid."""
    if query.cursor is not None and not (query.cursor.isdecimal() and len(query.cursor) <= 6):
        raise Invalid.field("cursor", "must be the next_cursor of this list's last answer")
    last = int(template.version)
    skipped = ((query.page or 1) - 1) * query.limit if query.cursor is None else 0
    after = int(query.cursor) if query.cursor else last + 1 - skipped
    rows = list(
        table.rows(
            TemplateVersion, TemplateVersion.key(template.tenant, template.template_id, 0)[0],
            after=f"{after:06d}", newest_first=True, limit=query.limit,
        )
    ) if after > 1 else []  # fmt: skip
    oldest = max(1, last - MOST_VERSIONS + 1)
    more = bool(rows) and int(rows[-1].number) > oldest
    return Page(
        items=[summary(row) for row in rows], total_count=last - oldest + 1, limit=query.limit,
        next_cursor=str(int(rows[-1].number)) if more else None,
    )  # fmt: skip


def summary(row: TemplateVersion) -> VersionSummary:
    """Without the bodies."""
    return VersionSummary(
        version=int(row.number), name=row.name, languages=list(row.languages), note=row.note,
        restored=None if row.restored is None else int(row.restored), created_by=row.created_by,
        created_at=row.created_at,
    )  # fmt: skip


def view(row: TemplateVersion) -> VersionView:
    """The whole version."""
    default = row.bodies[DEFAULT]
    return VersionView(
        **summary(row).model_dump(), subject=default.subject, html=default.html, mjml=default.mjml, text=default.text,
        variants={tag: shown.variant(body) for tag, body in row.bodies.items() if tag},
        variables=list(row.variables), category=row.category, language=row.language,
    )  # fmt: skip


def compare(template: Template, number: str, against: int | None) -> Comparison:
    """What is different in a version. Raises NotFound, Invalid."""
    new = get(template, number)
    base = int(new.number) - 1 if against is None else against
    if base < 1:
        raise Invalid.field("against", "there is no version before the first: name one")
    old = get(template, str(base))
    plain = ("name", "category", "language", "variables")
    found = [
        Difference(field=name, before=getattr(old, name), after=getattr(new, name))
        for name in plain
        if getattr(old, name) != getattr(new, name)
    ]
    for tag in sorted({*old.bodies, *new.bodies}):
        found += _of_bodies(tag, old.bodies.get(tag), new.bodies.get(tag))
    return Comparison(version=int(new.number), against=base, differences=found)


def _of_bodies(tag: str, old: Body | None, new: Body | None) -> list[Difference]:
    path = f"languages.{tag}." if tag else ""
    if old is None or new is None:
        return [Difference(field=path.rstrip("."), before=_subject(old), after=_subject(new))]
    found: list[Difference] = []
    if old.subject != new.subject:
        found.append(Difference(field=f"{path}subject", before=old.subject, after=new.subject))
    # What is made from MJML changes with it.
    for name in ("mjml",) if old.mjml is not None and new.mjml is not None else ("html", "mjml"):
        found += _of_lines(f"{path}{name}", getattr(old, name), getattr(new, name))
    return found + _of_lines(f"{path}text", old.text, new.text)


def _subject(body: Body | None) -> dict[str, Any] | None:
    return None if body is None else {"subject": body.subject}


def _of_lines(field: str, old: str | None, new: str | None) -> list[Difference]:
    """How many lines came and went; moved ones did neither."""
    if old == new:
        return []
    before, after = Counter((old or "").splitlines()), Counter((new or "").splitlines())
    return [
        Difference(
            field=field, before=None, after=None, lines_added=(after - before).total(),
            lines_removed=(before - after).total(),
        )
    ]  # fmt: skip
