"""What requests and answers say of templates."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from drumbeat.accounts.settings import Language
from drumbeat.fields import Attributes, Body, Instant, Listing, Name, Text, View


def _at_most(most: int) -> AfterValidator:
    """Bytes, as they are what an item of the table may have 400 KB of."""

    def bounded(text: str) -> str:
        if len(text.encode()) > most:
            raise ValueError(f"must be at most {most // 1000} KB")
        return text

    return AfterValidator(bounded)


def _without_default(schema: dict[str, JsonValue]) -> None:
    schema.pop("default")


def _stays(unused: Any) -> Any:
    """A field of a change that may be left out; its default is never read, so it is not in the API's document."""
    return Field(default=unused, json_schema_extra=_without_default)


Subject = Annotated[Text, StringConstraints(min_length=1, max_length=500)]
Html = Annotated[Text, StringConstraints(min_length=1, max_length=300_000), _at_most(300_000)]
PlainText = Annotated[Text, StringConstraints(max_length=100_000), _at_most(100_000)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
Category = Annotated[Name, StringConstraints(max_length=64)]


class NewTemplate(Body):
    """A template to add. Subject, HTML and text are Liquid; without `text` it is derived from the HTML.

    `variables` declares what the sender gives besides the fields of a contact; without `language` it is the tenant's.
    """

    name: Name
    subject: Subject
    html: Html
    text: PlainText | None = None
    variables: list[Variable] = Field(default_factory=list, max_length=100)
    category: Category | None = None
    language: Language | None = None


class TemplateChange(Body):
    """What to change; fields that are left out stay. Null takes `text` (it is derived then) or `category` away."""

    name: Name = _stays("")
    subject: Subject = _stays("")
    html: Html = _stays("")
    text: PlainText | None = _stays(None)
    variables: list[Variable] = Field(default_factory=list, max_length=100)
    category: Category | None = _stays(None)
    language: Language = _stays("")


class TemplateQuery(Listing):
    """`category` lists the templates of one category."""

    category: str | None = Field(None, max_length=64)


class FindingView(View):
    """Something about a template that would embarrass its sender. An `error` must not go out like this."""

    name: str
    message: str
    severity: Literal["error", "warning"]


class TemplateSummary(View):
    """A template in a list. `slug` can be used in place of the id; null when another template has the name's."""

    id: str
    name: str
    slug: str | None
    subject: str
    variables: list[str]
    category: str | None
    language: str
    usage_count: int
    created_by: str | None
    created_at: Instant
    updated_at: Instant


class TemplateView(TemplateSummary):
    """A template with its bodies. `text_derived` says that `text` was made from the HTML."""

    html: str
    text: str
    text_derived: bool


class SavedTemplate(TemplateView):
    """A template as it was just saved, with what could be better about it."""

    findings: list[FindingView]


class MailPreviewRequest(Body):
    """Whose mail to show: a contact's, or one with these values, which go before the contact's."""

    data: Attributes = Field(default_factory=dict)
    contact_id: str | None = None


class DraftPreviewRequest(MailPreviewRequest):
    """A template that is not saved, and whose mail to show."""

    subject: Subject
    html: Html
    text: PlainText | None = None
    variables: list[Variable] = Field(default_factory=list, max_length=100)
    language: Language | None = None


class MailPreviewView(View):
    """The mail as it would arrive; its tracking addresses are samples."""

    subject: str
    html: str
    text: str
    findings: list[FindingView]


class Deleted(View):
    """What was deleted."""

    id: str
    deleted: Literal[True] = True
