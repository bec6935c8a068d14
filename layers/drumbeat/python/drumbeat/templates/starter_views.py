"""What answers show of starter templates."""

from drumbeat.fields import View
from drumbeat.templates.views import VariantBody


class StarterView(View):
    """A template to begin with: `POST /v1/templates` with `starter` makes one from it. `variables` are what a campaign
    gives in its content."""

    name: str
    title: str
    description: str
    category: str
    subject: str
    language: str
    languages: list[str]
    variables: list[str]


class StarterBody(StarterView):
    """A starter template with its MJML in all languages."""

    mjml: str
    variants: dict[str, VariantBody]
