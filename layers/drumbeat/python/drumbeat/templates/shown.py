"""Templates as the API shows them. Does not import the engine."""

from drumbeat import counts, lists
from drumbeat.fields import Page
from drumbeat.templates import model
from drumbeat.templates.bodies import DEFAULT, Body
from drumbeat.templates.model import Template
from drumbeat.templates.views import (
    FindingView,
    SavedTemplate,
    TemplateQuery,
    TemplateSummary,
    TemplateView,
    VariantView,
)


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
        languages=list(template.languages),
        is_responsive=bool(template.is_responsive),
        version=int(template.version),
        usage_count=int(template.usage_count),
        created_by=template.created_by,
        created_at=template.created_at,
        updated_at=template.updated_at,
    )


def text_of(body: Body) -> str:
    """The text part. One that its author left out is shown as Liquid derived from the HTML."""
    if body.text is not None:
        return body.text
    # Lists show no text and do without the imports.
    from drumbeat.templates.plaintext import derive_text
    from drumbeat.templates.source import mask

    derived = derive_text(mask("html", body.html))
    return derived.restore(derived.text)


def variant(body: Body) -> VariantView:
    """One language."""
    return VariantView(
        subject=body.subject, html=body.html, mjml=body.mjml, text=text_of(body), text_derived=body.text is None
    )


def view(template: Template) -> TemplateView:
    """The whole template."""
    default = template.default
    return TemplateView(
        **summary(template).model_dump(),
        html=default.html,
        mjml=default.mjml,
        text=text_of(default),
        text_derived=default.text is None,
        variants={tag: variant(body) for tag, body in template.bodies.items() if tag != DEFAULT},
        blocks=list(template.blocks),
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
