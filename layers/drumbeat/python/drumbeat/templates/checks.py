"""Whether a template can be sent, and what could be better about it.

Imports the engine, which takes a quarter of a second: only functions that compile import this.
"""

from collections.abc import Sequence
from dataclasses import asdict

from drumbeat.errors import Invalid
from drumbeat.templates import safety
from drumbeat.templates.engine import Compiled, compile_template
from drumbeat.templates.limits import TemplateError
from drumbeat.templates.lint import lint
from drumbeat.templates.views import FindingView

# What every mail can say of its recipient (sends.rendering.personal), besides what a template declares.
CONTACT_FIELDS = (
    "email", "phone", "first_name", "last_name", "name", "external_id", "language", "country",
    "customer_lifetime_value", "total_orders", "last_purchase_date", "attributes", "tags",
)  # fmt: skip


def compiled(subject: str, html: str, text: str | None, language: str) -> Compiled:
    """The template as a send compiles it. Raises Invalid naming `subject`, `html` or `text` and the line."""
    try:
        safety.check(html)
        return compile_template(subject, html, text, language=language)
    except TemplateError as error:
        raise refusal(error) from error


def findings(template: Compiled, variables: Sequence[str]) -> list[FindingView]:
    """What would embarrass the sender, errors first."""
    found = lint(template, (*CONTACT_FIELDS, *variables))
    return [FindingView.model_validate(asdict(finding)) for finding in found]


def refusal(error: TemplateError) -> Invalid:
    """What the caller is told of a template that does not work."""
    place = f"line {error.line}: " if error.line else ""
    return Invalid.field(error.field, f"{place}{error.message}")
