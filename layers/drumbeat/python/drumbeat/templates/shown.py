"""Templates as the API shows them. Does not import the engine."""

from drumbeat import counts, lists
from drumbeat.fields import Page
from drumbeat.templates import model
from drumbeat.templates.model import Template
from drumbeat.templates.plaintext import derive_text
from drumbeat.templates.source import mask
from drumbeat.templates.views import FindingView, SavedTemplate, TemplateQuery, TemplateSummary, TemplateView


def summary(template: Template) -> TemplateSummary:
    """Without the bodies."""
    return TemplateSummary(
        id=template.template_id,
        name=template.name,
        slug=template.slug,
        subject=template.subject,
        variables=list(template.variables),
        category=template.category,
        language=template.language,
        usage_count=int(template.usage_count),
        created_by=template.created_by,
        created_at=template.created_at,
        updated_at=template.updated_at,
    )


def view(template: Template) -> TemplateView:
    """The whole template. A text that its author left out is shown as Liquid derived from the HTML."""
    text = template.text
    if text is None:
        derived = derive_text(mask("html", template.html))
        text = derived.restore(derived.text)
    return TemplateView(
        **summary(template).model_dump(), html=template.html, text=text, text_derived=template.text is None
    )


def page(tenant: str, query: TemplateQuery) -> Page[TemplateSummary]:
    """Templates, newest first. Reads Template, Count."""
    category = query.category
    keep = None if category is None else lambda template: template.category == category
    listed = lists.page(
        Template,
        [Template.partition(tenant)],
        query,
        total=lambda: counts.total(tenant, model.COUNTED),
        keep=keep,
    )
    return lists.shown(listed, summary)


def saved(template: Template, findings: list[FindingView]) -> SavedTemplate:
    """The whole template with what was found about it."""
    return SavedTemplate(**view(template).model_dump(), findings=findings)
