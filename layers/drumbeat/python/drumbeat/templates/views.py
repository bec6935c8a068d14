"""What requests and answers say of templates."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints

from drumbeat.accounts.settings import Language
from drumbeat.fields import Body, Instant, Listing, Name, Text, View
from drumbeat.templates.texts import PlainText, at_most


def _without_default(schema: dict[str, JsonValue]) -> None:
    schema.pop("default")


def stays(unused: Any) -> Any:
    """A field of a change that may be left out; its default is never read, so it is not in the API's document."""
    return Field(default=unused, json_schema_extra=_without_default)


Subject = Annotated[Text, StringConstraints(min_length=1, max_length=500)]
Html = Annotated[Text, StringConstraints(min_length=1, max_length=300_000), at_most(300_000)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
Category = Annotated[Name, StringConstraints(max_length=64)]
Note = Annotated[Text, StringConstraints(strip_whitespace=True, max_length=500)]
Expected = Annotated[int, Field(ge=1, le=999_999)]


class VariantBody(Body):
    """What a template says in another language, in `html` or `mjml`. Without `subject` it has the default's; without
    `text` that is derived."""

    subject: Subject | None = None
    html: Html | None = None
    mjml: Html | None = None
    text: PlainText | None = None


Languages = Annotated[dict[Language, VariantBody | None], Field(max_length=20)]


class NewTemplate(Body):
    """A template to add. Subject, HTML (or MJML) and text are Liquid; without `text` it is derived from the HTML.

    `variables` declares what the sender gives besides the fields of a contact; without `language` it is the tenant's.
    `languages` are variants: each recipient gets the one of their contact's language, else the default. A documented
    `category` is welcome, promotional, transactional, newsletter, abandoned_cart or reactivation; others are kept, too.
    `starter` takes what is left out from a starter template (`GET /v1/starter-templates`). `note` says why, in the list
    of versions.
    """

    name: Name | None = None
    subject: Subject | None = None
    html: Html | None = None
    mjml: Html | None = None
    text: PlainText | None = None
    languages: Languages = Field(default_factory=dict)
    variables: list[Variable] = Field(default_factory=list, max_length=100)
    category: Category | None = None
    language: Language | None = None
    starter: Annotated[str, StringConstraints(max_length=64)] | None = None
    note: Note | None = None


class TemplateChange(Body):
    """What to change; fields that are left out stay. Null takes `text` (it is derived then) or `category` away.

    `html` replaces `mjml`, and the other way round. Each language that is named is replaced, or with null removed.
    `expected_version` refuses the change when the template has another version by now; so does `If-Match`.
    """

    name: Name = stays("")
    subject: Subject = stays("")
    html: Html = stays("")
    mjml: Html = stays("")
    text: PlainText | None = stays(None)
    languages: Languages = Field(default_factory=dict)
    variables: list[Variable] = Field(default_factory=list, max_length=100)
    category: Category | None = stays(None)
    language: Language = stays("")
    note: Note | None = None
    expected_version: Expected | None = None


class TemplateQuery(Listing):
    """`category` lists the templates of one category."""

    category: str | None = Field(None, max_length=64)


class FindingView(View):
    """Something about a template that would embarrass its sender. A campaign with an `error` is not launched; a
    `warning` should be looked at; a `hint` is advice. `line` counts from 1 in `field`, null where no line is to blame;
    `language` is the variant's, null for the default."""

    name: str
    message: str
    severity: Literal["error", "warning", "hint"]
    field: str | None = None
    line: int | None = None
    language: str | None = None


class TemplateSummary(View):
    """A template in a list. `slug` can be used in place of the id; null when another template has the name's.

    `languages` are its variants besides `language`; `version` counts its changes.
    """

    id: str
    name: str
    slug: str | None
    subject: str
    variables: list[str]
    category: str | None
    language: str
    languages: list[str]
    is_responsive: bool
    version: int
    usage_count: int
    created_by: str | None
    created_at: Instant
    updated_at: Instant


class VariantView(View):
    """A template's words in another language."""

    subject: str
    html: str
    mjml: str | None
    text: str
    text_derived: bool


class TemplateView(TemplateSummary):
    """A template with its bodies. `html` is made from `mjml` where there is one; `text_derived` says that `text` was
    made from the HTML; `blocks` are the tenant's own blocks in it."""

    html: str
    mjml: str | None
    text: str
    text_derived: bool
    variants: dict[str, VariantView]
    blocks: list[str]


class SavedTemplate(TemplateView):
    """A template as it was just saved, with what could be better about it."""

    findings: list[FindingView]


class Deleted(View):
    """What was deleted."""

    id: str
    deleted: Literal[True] = True
