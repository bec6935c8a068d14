"""What requests and answers say of previews and of findings."""

from typing import Self

from pydantic import Field, model_validator

from drumbeat.accounts.settings import Language
from drumbeat.fields import Attributes, Body, View
from drumbeat.templates.texts import PlainText
from drumbeat.templates.views import FindingView, Html, Subject, Variable


class MailPreviewRequest(Body):
    """Whose mail to show: a contact's, or one with these values, which go before the contact's. `language` chooses the
    variant; without it the contact's does."""

    data: Attributes = Field(default_factory=dict)
    contact_id: str | None = None
    language: Language | None = None


class DraftLint(Body):
    """A template that is not saved, in HTML or MJML."""

    subject: Subject
    html: Html | None = None
    mjml: Html | None = None
    text: PlainText | None = None
    variables: list[Variable] = Field(default_factory=list, max_length=100)
    language: Language | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.html is None) == (self.mjml is None):
            raise ValueError("give html or mjml, and not both")
        return self


class DraftPreviewRequest(DraftLint, MailPreviewRequest):
    """A template that is not saved, and whose mail to show."""


class Lint(View):
    """What was found, errors first. `can_be_sent` is false when there is an error."""

    can_be_sent: bool
    findings: list[FindingView]


class MailPreviewView(View):
    """The mail as it would arrive; its tracking addresses are samples."""

    subject: str
    html: str
    text: str
    language: str | None
    findings: list[FindingView]
