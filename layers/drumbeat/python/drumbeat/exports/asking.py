"""What a request for an export may say, and the job that comes of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from drumbeat import clock
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import model as campaigns
from drumbeat.campaigns.model import Campaign
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import Channel
from drumbeat.counts import Count
from drumbeat.errors import Detail, Invalid
from drumbeat.exports import model, people
from drumbeat.exports.kinds import BY_NAME, EVERYTHING, KINDS, WHOLE, Kind, Planned
from drumbeat.exports.model import Export
from drumbeat.exports.rows import Asked
from drumbeat.fields import Body, Instant, Text
from drumbeat.segments import model as segments
from drumbeat.segments.model import Segment
from drumbeat.slugs import Slug

MOST_FIELDS = 300
SPREADSHEETS = ("csv", "xlsx")
# What a function that takes such requests declares, with writes of `Export`.
READS = (Tenant, Contact, Segment, Campaign, Slug, Count)

Format = Literal["csv", "xlsx", "json", "jsonl", "zip"]
Reference = Text


class Filters(Body):
    """Which of the kind: see the kind for those that it takes. Segments and campaigns by id or slug."""

    segment_id: Reference | None = None
    campaign_id: Reference | None = None
    contact_id: Reference | None = None
    tag: Text | None = None
    outcome: Literal["sent", "not_sent", "open"] | None = None
    reason: Text | None = None
    channel: Channel | None = None
    name: Text | None = None
    after: Instant | None = None
    before: Instant | None = None

    def said(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


class NewExport(Body):
    """What to export: `kind` as GET /v1/exports/kinds lists them, or `everything`, which is a zip of all kinds.

    Without `fields` all are written, in csv and xlsx with a column for each attribute. `attributes.plan` is one
    attribute of contacts, `attributes.*` are all of them. Times are ISO 8601 in UTC. In csv (UTF-8) and xlsx, texts
    that look like formulas have an apostrophe in front; json and jsonl are exact. An xlsx file has at most 3,000,000
    cells, and goes on in another sheet after 1,048,576 rows.
    """

    kind: Text
    format: Format | None = None
    fields: list[Text] | None = Field(None, min_length=1, max_length=MOST_FIELDS)
    filters: Filters = Filters()


def scopes(new: NewExport) -> tuple[str, ...]:
    """What a credential needs to see what the export has. Raises Invalid for an unknown kind."""
    if new.kind == EVERYTHING:
        return tuple(sorted({scope for kind in KINDS for scope in kind.scopes}))
    return _kind(new.kind).scopes


def _kind(name: str) -> Kind:
    if name not in BY_NAME:
        raise Invalid.field("kind", f"is none of {', '.join((*BY_NAME, EVERYTHING))}")
    return BY_NAME[name]


def add(tenant: str, new: NewExport, *, export_id: str, actor: str, now: datetime) -> Export:
    """Queue an export; the same id again gives the stored one. Raises Invalid, NotFound."""
    filters = new.filters.said()
    whole = new.kind == EVERYTHING
    problems = _of_everything(new, filters) if whole else _of_kind(_kind(new.kind), new, filters)
    if problems:
        raise Invalid("Some fields are not valid; see details.", problems)
    filters = _resolved(tenant, filters)
    kind = BY_NAME.get(new.kind)
    expected = kind.expected(Asked(tenant, filters, settings.of(tenant))) if kind else None
    row = Export(
        *Export.key(tenant, export_id), tenant=tenant, export_id=export_id, kind=new.kind,
        format=new.format or ("zip" if whole else "csv"), fields=new.fields, filters=filters,
        scopes=list(scopes(new)), state="queued",
        files=[{"rows": 0, "parts": []} for _ in (WHOLE if whole else (0,))], rows_expected=expected,
        created_by=actor, created_at=now,
    )  # fmt: skip
    return model.store(row)


def _of_everything(new: NewExport, filters: Mapping[str, Any]) -> list[Detail]:
    """An export of everything leaves nothing out, so there is nothing to choose."""
    problems = [Detail(f"filters.{name}", "does not go with everything; leave it out") for name in filters]
    if new.fields is not None:
        problems.append(Detail("fields", "does not go with everything; leave it out"))
    if new.format not in (None, "zip"):
        problems.append(Detail("format", "of everything is zip; leave it out"))
    return problems


def _of_kind(kind: Kind, new: NewExport, filters: Mapping[str, Any]) -> list[Detail]:
    takes = f"{kind.name} takes {', '.join(kind.filters) or 'none'}"
    problems = [
        Detail(f"filters.{name}", f"is no filter of this kind; {takes}") for name in filters if name not in kind.filters
    ]
    problems += [Detail(f"filters.{name}", "is needed for this kind") for name in kind.needs if name not in filters]
    if new.format == "zip":
        problems.append(Detail("format", "zip goes with everything only; say csv, xlsx, json or jsonl"))
    seen: set[str] = set()
    for place, name in enumerate(new.fields or ()):
        if not _known(kind, name):
            more = f", attributes.<name> and {people.EACH_ATTRIBUTE}" if people.ATTRIBUTES in kind.fields else ""
            known = f"there are {', '.join(kind.fields)}{more}"
            problems.append(Detail(f"fields[{place}]", f"{name[:80]!r} is no field of {kind.name}; {known}"))
        elif name in seen:
            problems.append(Detail(f"fields[{place}]", f"{name[:80]!r} is there twice"))
        seen.add(name)
    return problems


def _known(kind: Kind, name: str) -> bool:
    prefix, _, attribute = name.partition(".")
    return name in kind.fields or bool(prefix == people.ATTRIBUTES in kind.fields and attribute)


def _resolved(tenant: str, filters: dict[str, Any]) -> dict[str, Any]:
    """With ids for slugs, so that what is renamed later is still meant. Raises NotFound."""
    found = dict(filters)
    if "segment_id" in found:
        found["segment_id"] = segments.get(tenant, found["segment_id"]).segment_id
    if "campaign_id" in found:
        found["campaign_id"] = campaigns.get(tenant, found["campaign_id"]).campaign_id
    if "contact_id" in found:
        contacts.get(tenant, found["contact_id"])
    for name in ("after", "before"):
        if name in found:
            found[name] = clock.iso(clock.parse(found[name]))
    return found


def plan(job: Export) -> tuple[Planned, ...]:
    """The files that an export consists of."""
    if job.kind == EVERYTHING:
        return WHOLE
    fields = tuple(job.fields) if job.fields else None
    return (Planned(f"{job.kind}.{job.format}", BY_NAME[job.kind], job.format, fields),)


def columns(planned: Planned) -> tuple[str, ...]:
    """The fields of a file: those that were asked for, or all that suit the format. `attributes.*` stands for one
    column each."""
    table = planned.format in SPREADSHEETS
    every, unsuited = (people.EACH_ATTRIBUTE, people.ONLY_JSON) if table else (people.ATTRIBUTES, people.ONLY_TABLES)
    if planned.fields is None:
        suited = (name for name in planned.kind.fields if name not in unsuited)
        return tuple(every if name == people.ATTRIBUTES else name for name in suited)
    return tuple(every if name == people.EACH_ATTRIBUTE else name for name in planned.fields)
