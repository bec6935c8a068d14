"""What requests say of imports, and what answers show."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from drumbeat.contacts.imports.report import ReportView
from drumbeat.contacts.views import Channel, NewConsent, Tags
from drumbeat.fields import Body, Instant, Name, Text, View

State = Literal["waiting", "queued", "running", "done", "failed"]
Format = Literal["csv", "json_lines", "pinpoint_csv", "pinpoint_json_lines"]
EncodingName = Literal["utf-8", "utf-16-le", "utf-16-be", "cp1252", "ascii"]
Delimiter = Literal[",", ";", "\t", "|"]
Column = Annotated[Text, StringConstraints(max_length=500)]
Target = Annotated[Text, StringConstraints(max_length=100)]
Mapping = Annotated[dict[Column, Target | None], Field(max_length=250)]


class FileConsent(NewConsent):
    """What everybody in a file has said. `confirmed`: they did so in a double opt-in of yours, so nobody is asked
    again."""

    confirmed: bool = False


class Reading(Body):
    """How the file is to be read. Each is found out when it is left out.

    `mapping` says for a column (or a key of JSON lines) what it is: a field of contacts, `email_consent` (or sms or
    push), `consent_at`, `consent_source`, `consent_method`, `consent_confirmed` (of one channel: `email_consent_at`,
    …), `preferred_frequency` (any, daily, weekly, monthly), `refused_categories` (`offers;news`), `paused_until`,
    `tags`, `attributes.<name>`, or null to ignore it. A column without a mapping is the field of its name, also by
    usual other names, or an attribute.
    """

    format: Format | None = None
    encoding: EncodingName | None = None
    delimiter: Delimiter | None = None
    mapping: Mapping = Field(default_factory=dict)


class NewImport(Reading):
    """A file to import: CSV, JSON lines, or the endpoints that Amazon Pinpoint exports; each also packed with gzip.

    `consent` is what all people in the file have agreed to, unless a row says otherwise. With `double_opt_in`, those
    whose e-mail consent is not `confirmed` are asked by mail, and get nothing else until they agree.
    `on_duplicate` is for people who are known: `merge` (`update` is the same) replaces what the row says and adds tags
    and attributes, `skip` leaves them as they are, `overwrite` gives them the row's attributes and tags alone, and an
    empty cell takes a field away. Everybody gets `tags`, and is put into the static segment `segment_id` (id or name).
    """

    file_name: Name
    consent: dict[Channel, FileConsent] = Field(default_factory=dict)
    double_opt_in: bool = False
    on_duplicate: Literal["merge", "update", "skip", "overwrite"] = "merge"
    tags: Tags = Field(default_factory=list)
    segment_id: Name | None = None

    @field_validator("file_name")
    @classmethod
    def _plain(cls, value: str) -> str:
        return value.replace("\\", "/").rsplit("/", 1)[-1] or "contacts.csv"

    @field_validator("on_duplicate")
    @classmethod
    def _one_name(cls, value: str) -> str:
        return "merge" if value == "update" else value


class Upload(View):
    """Where to put the file, with which headers, and until when (real time)."""

    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str]
    expires: Instant


class ColumnView(View):
    """A column and what it becomes: a field, `attributes.<name>`, or null for nothing."""

    column: str
    target: str | None


class ImportView(View):
    """An import: how far it is, and what became of its rows. `rows` = created + updated + duplicates + rejected.

    `format`, `encoding` and `delimiter` are known once it runs. `bytes_total` and `bytes_read` are of the file as it
    was uploaded. `asked_to_confirm` is the rows whose person has to confirm. The report tells what was carried over.
    """

    id: str
    state: State
    file_name: str
    format: str | None
    encoding: str | None
    delimiter: str | None
    on_duplicate: str
    double_opt_in: bool
    segment_id: str | None
    bytes_total: int | None
    bytes_read: int
    rows: int
    created: int
    updated: int
    duplicates: int
    rejected: int
    asked_to_confirm: int
    errors: str | None
    failure: str | None
    report: ReportView
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None


class ImportWithUpload(ImportView):
    """A new import, and where its file goes."""

    upload: Upload


class PreviewView(View):
    """How an uploaded file would be read, and its first rows. `columns` is the mapping that we suggest for a CSV file
    (or what the import's own mapping makes of it); `failure` says why the file cannot be imported like this."""

    format: str | None
    encoding: str | None
    delimiter: str | None
    columns: list[ColumnView]
    rows: list[list[str]]
    failure: str | None


class ErrorsView(View):
    """Where the file of rejected rows can be had, and until when (real time). `complete` is false for a file that ends
    before the last of them, at 20 MB."""

    url: str
    expires: Instant
    rows: int
    complete: bool
