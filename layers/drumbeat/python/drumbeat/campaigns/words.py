"""The words of a campaign in one language: its own, else its template's, with blocks, products and addresses in place.

Nothing here imports the engine: what a template says was compiled when it was saved.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from drumbeat.campaigns.model import Campaign
from drumbeat.errors import Invalid, NotFound
from drumbeat.products import model as products
from drumbeat.templates import addresses, blocks, expansion, inlining, safety
from drumbeat.templates.bodies import DEFAULT, Body, choose
from drumbeat.templates.model import Template
from drumbeat.templates.parameters import Parameters
from drumbeat.templates.source import mask

# A product takes about 2 KB of a mail, and Gmail clips that at 102 KB.
MOST_PRODUCTS = 50


class Words(NamedTuple):
    """Parts as sources, without blocks, and the values that are the same for every recipient."""

    subject: str | None
    html: str | None
    text: str | None
    variables: dict[str, Any]


class ProductRefused(Invalid):
    """A product that is not in the catalogue, or more of them than a mail can show."""


def variants(campaign: Campaign, template: Template | None) -> list[str]:
    """The languages, besides the default, in which a recipient gets something else."""
    own = [tag for said in (campaign.subjects, campaign.texts) for tag, words in (said or {}).items() if words]
    bodies = list(template.languages) if template and not campaign.html else []
    return sorted({*own, *bodies})


def of(campaign: Campaign, template: Template | None, tag: str, language: str) -> Words:
    """What a language says; `tag` names the variant, `language` the language that products and blocks are in.

    Raises TemplateError for scripts in its HTML and for a block that there is not, ProductRefused.
    """
    said = variables(campaign, language)
    body = _body(template, tag)
    subject = _of_language(campaign.subjects, tag) or campaign.subject or (body.subject if body else None)
    html = _own(campaign.html) if campaign.html else (body.sendable if body else None)
    text = _of_language(campaign.texts, tag) or campaign.text or (body.text if body and not campaign.html else None)
    find, address_of = blocks.finder(campaign.tenant, language), addresses.of(said)
    return Words(
        subject,
        html and addresses.settle_html(mask("html", expansion.expand("html", html, find)), address_of),
        text and addresses.settle_text(mask("text", expansion.expand("text", text, find)), address_of),
        said,
    )


def _of_language(said: Mapping[str, str] | None, tag: str) -> str | None:
    return (said or {}).get(choose(tag, said or {})) if tag else None


def _own(html: str) -> str:
    """A campaign's own HTML, held to what templates are held to when they are saved."""
    safety.check(html)
    return inlining.inline(html)


def _body(template: Template | None, tag: str) -> Body | None:
    return None if template is None else template.bodies[choose(tag, template.languages) if tag else DEFAULT]


def variables(campaign: Campaign, language: str) -> dict[str, Any]:
    """`headline` of the campaign's content is `{{ headline }}` and `{{ content.headline }}` in its template; the
    references in its `products` become products. Raises ProductRefused."""
    content = dict(campaign.content or {})
    if content.get("products"):
        content["products"] = offered(campaign.tenant, content["products"], language)
    return {**content, "content": content, "campaign_name": campaign.name}


def offered(tenant: str, said: Any, language: str) -> list[Any]:
    """Ids and skus in a list become products of the catalogue; what is a product already stays. Raises
    ProductRefused."""
    listed = said if isinstance(said, list) else [said]
    if len(listed) > MOST_PRODUCTS:
        raise ProductRefused(f"There are {len(listed)} products; name at most {MOST_PRODUCTS}.")
    references = [one for one in listed if isinstance(one, str)]
    try:
        found = iter(products.resolve(tenant, references, language))
    except NotFound as error:
        raise ProductRefused(error.message) from error
    return [next(found) if isinstance(one, str) else one for one in listed]


def number_products(said: Mapping[str, Any], links: list[str], parameters: Parameters) -> None:
    """Give each product's address its number among the links of the send: the mail shows the tracked address."""
    for product in said.get("products") or []:
        if not isinstance(product, dict):
            continue
        product.pop("link_number", None)
        url = product.get("url")
        if isinstance(url, str) and addresses.is_web(url):
            product["url"] = url = parameters.on(url)
            if url not in links:
                links.append(url)
            product["link_number"] = links.index(url) + 1
