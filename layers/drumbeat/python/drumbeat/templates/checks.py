"""From what an author wrote to what a mail can be made of, and what could be better about it.

Imports the engine, which takes a quarter of a second: only functions that compile import this.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from drumbeat.errors import Detail, Invalid
from drumbeat.templates import addresses, expansion, inlining, mjml, safety
from drumbeat.templates.addresses import Find
from drumbeat.templates.bodies import Body
from drumbeat.templates.engine import Compiled, check_liquid, compile_template
from drumbeat.templates.limits import TemplateError
from drumbeat.templates.lint import Source, lint
from drumbeat.templates.source import mask
from drumbeat.templates.views import FindingView

# What every mail can say of its recipient (sends.rendering.personal), besides what a template declares, and what every
# campaign can say.
CONTACT_FIELDS = (
    "email", "phone", "first_name", "last_name", "name", "external_id", "language", "country",
    "customer_lifetime_value", "total_orders", "last_purchase_date", "attributes", "tags",
)  # fmt: skip
CAMPAIGN_FIELDS = ("content", "products", "personalized_products", "campaign_name")

Blocks = Callable[[str], expansion.Block | None]


@dataclass(frozen=True, slots=True)
class Written:
    """One language as its author wrote it: `html` or `mjml`."""

    subject: str
    html: str | None = None
    mjml: str | None = None
    text: str | None = None

    @property
    def source(self) -> Source:
        if self.mjml is not None:
            return Source("mjml", self.mjml, self.subject, self.text)
        return Source("html", self.html or "", self.subject, self.text)


def prepared(written: Written, language: str) -> Body:
    """What is stored of a language. Raises TemplateError naming `subject`, `html`, `mjml` or `text` and the line."""
    source = written.source
    if written.mjml is None:
        safety.check(source.markup)
        html = source.markup
    else:
        # In the author's lines first; then what became of it.
        check_liquid("mjml", written.mjml)
        safety.check(written.mjml, "mjml")
        html = mjml.to_html(written.mjml, language)
        safety.check(html, "mjml", lines=False)
    ready = inlining.inline(html)
    return Body(written.subject, html, written.mjml, written.text, None if ready == html else ready)


def compiled(body: Body, language: str, blocks: Blocks, address_of: Find) -> Compiled:
    """A language as a send compiles it. Raises TemplateError as `prepared`."""
    html, text = assembled(body, blocks, address_of)
    try:
        return compile_template(body.subject, html, text, language=language)
    except TemplateError as error:
        raise _placed(error, body, blocks) from error


def assembled(body: Body, blocks: Blocks, address_of: Find) -> tuple[str, str | None]:
    """HTML and text with their blocks and with the campaign's addresses. Raises TemplateError."""
    try:
        html = addresses.settle_html(mask("html", expansion.expand("html", body.sendable, blocks)), address_of)
        if body.text is None:
            return html, None
        return html, addresses.settle_text(mask("text", expansion.expand("text", body.text, blocks)), address_of)
    except TemplateError as error:
        raise _placed(error, body, None) from error


def _placed(error: TemplateError, body: Body, blocks: Blocks | None) -> TemplateError:
    """The error in the author's part and line."""
    if error.field == "html" and body.mjml is not None:
        return TemplateError("mjml", error.message)
    source = {"html": body.sendable, "text": body.text}.get(error.field)
    if error.line is None or source is None or blocks is None:
        return error
    return TemplateError(error.field, error.message, expansion.lines_of(error.field, source, blocks)(error.line))


def findings(
    template: Compiled, written: Written, variables: Sequence[str], *, language: str | None = None,
    rendered: str | None = None,
) -> list[FindingView]:  # fmt: skip
    """What would embarrass the sender, errors first."""
    found = lint(template, (*CONTACT_FIELDS, *CAMPAIGN_FIELDS, *variables), written.source, rendered)
    return [FindingView.model_validate({**asdict(finding), "language": language}) for finding in found]


def given(variables: Iterable[str]) -> Find:
    """The addresses that a template may count on before there is a campaign."""
    return addresses.assumed(frozenset(variable.partition(".")[0] for variable in variables))


def refusal(error: TemplateError, path: str = "") -> Invalid:
    """What the caller is told of a template that does not work; `path` leads to the language (`languages.bn.`)."""
    place = f"line {error.line}: " if error.line else ""
    return Invalid("Some fields are not valid; see details.", [Detail(path + error.field, f"{place}{error.message}")])
