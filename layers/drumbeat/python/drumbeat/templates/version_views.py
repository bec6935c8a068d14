"""What requests and answers say of a template's versions."""

from pydantic import JsonValue

from drumbeat.fields import Body, Instant, Listing, View
from drumbeat.templates.views import Expected, Note, VariantView


class Rollback(Body):
    """Which version to have again. It becomes the next version; nothing is lost."""

    version: Expected
    note: Note | None = None
    expected_version: Expected | None = None


class VersionQuery(Listing):
    """How to page through versions, the newest first."""


class VersionSummary(View):
    """A version of a template. `restored` is the version that a rollback brought back."""

    version: int
    name: str
    languages: list[str]
    note: str | None
    restored: int | None
    created_by: str | None
    created_at: Instant


class VersionView(VersionSummary):
    """A version with all that it said."""

    subject: str
    html: str
    mjml: str | None
    text: str | None
    variants: dict[str, VariantView]
    variables: list[str]
    category: str | None
    language: str


class CompareQuery(Body):
    """The version to compare with; the one before, if left out."""

    against: Expected | None = None


class Difference(View):
    """A field that is not the same; of texts with lines, how many lines came and went."""

    field: str
    before: JsonValue
    after: JsonValue
    lines_added: int | None = None
    lines_removed: int | None = None


class Comparison(View):
    """How a version differs from an earlier one. `before` and `after` are null for bodies: read the versions."""

    version: int
    against: int
    differences: list[Difference]
