"""What a campaign says: its own words, else its template's, else the tenant's settings; checked before anything is
sent."""

from typing import TYPE_CHECKING, NamedTuple

from drumbeat import channels
from drumbeat.accounts import settings, utm
from drumbeat.campaigns import carriers, plain, words
from drumbeat.campaigns.model import Campaign
from drumbeat.deliverability.identities import NoIdentity, Route
from drumbeat.errors import Detail, Invalid
from drumbeat.sends import rendering
from drumbeat.sends.model import Content
from drumbeat.templates import model as templates
from drumbeat.templates.bodies import choose
from drumbeat.templates.limits import TemplateError
from drumbeat.templates.model import Template
from drumbeat.templates.parameters import Parameters

if TYPE_CHECKING:
    from drumbeat.templates.engine import Compiled


# A content is an item of at most 400 KB, and a transaction takes 4 MB.
MOST_BYTES, MOST_TOGETHER = 380_000, 3_000_000


class NotReady(Invalid):
    """The campaign lacks something that every mail must have."""

    code = "CAMPAIGN_NOT_READY"


class Frozen(NamedTuple):
    """All that a send says: the default content, its variants in other languages, the targets of its links, and how
    many parts a message has at least that is paid for by its length."""

    default: Content
    variants: list[Content]
    links: list[str]
    template_version: int | None
    parts: int = 1

    @property
    def all(self) -> list[Content]:
        return [self.default, *self.variants]


def frozen(campaign: Campaign, send_id: str) -> Frozen:
    """The content of a send in all its languages, compiled once to see that it can be. Raises NotReady."""
    template = _template(campaign)
    default = _built(campaign, send_id, template, "")
    variants = [_built(campaign, send_id, template, tag) for tag in words.variants(campaign, template)]
    links, longest, channel = list[str](), 1, channels.get(campaign.channel)
    for content in (default, *variants):
        content.known_links = list(links)
        compiled = checked(content)
        links, longest = [link.url_template for link in compiled.links], max(longest, plain.parts_of(channel, compiled))
    for content in (default, *variants):
        words.number_products(content.variables, links, Parameters.of(content.utm))
    default.languages = [content.language for content in variants]
    _require_small([default, *variants])
    used = template if template and not campaign.html else None
    return Frozen(default, variants, links, int(used.version) if used else None, longest)


def _require_small(contents: list[Content]) -> None:
    sizes = [len(f"{one.html}{one.text}{one.variables}".encode()) for one in contents]
    if max(sizes) > MOST_BYTES or sum(sizes) > MOST_TOGETHER:
        sentence = f"HTML, text and content have {max(sizes) // 1000} KB in a language, {sum(sizes) // 1000} in all: "
        shorten = f"shorten them to {MOST_BYTES // 1000} and {MOST_TOGETHER // 1000}"
        raise NotReady("The campaign cannot be sent yet; see details.", [Detail("template_id", sentence + shorten)])


def build(campaign: Campaign, send_id: str, language: str | None = None) -> Content:
    """The content of a send, or what somebody who reads a language gets. Raises NotReady with all that is missing, in
    the names of the campaign's fields."""
    template = _template(campaign)
    return _built(campaign, send_id, template, choose(language, words.variants(campaign, template)))


def _template(campaign: Campaign) -> Template | None:
    return templates.get(campaign.tenant, campaign.template_id) if campaign.template_id else None


def _said(campaign: Campaign, template: Template | None, tag: str, language: str) -> words.Words:
    try:
        return words.of(campaign, template, tag, language)
    except TemplateError as error:
        raise _refused(error, tag) from error
    except words.ProductRefused as error:
        refused = Detail("content.products", error.message)
        raise NotReady("The campaign cannot be sent yet; see details.", [refused]) from error


def _built(campaign: Campaign, send_id: str, template: Template | None, tag: str) -> Content:
    chosen = settings.fresh(campaign.tenant)
    language = tag or (template.language if template else chosen.language)
    said = _said(campaign, template, tag, language)
    if "html" not in channels.get(campaign.channel).parts:
        return _plain(campaign, send_id, tag, language, said, chosen)
    subject, html, text, variables = said
    sender_name = campaign.sender_name or chosen.sender_name
    sender_email = campaign.sender_email or chosen.sender_email
    needed = {
        "subject": (subject, "give the campaign a subject, or a template that has one"),
        "template_id": (html or text, "give the campaign a template, or html"),
        "sender_name": (sender_name, "set a sender name here or in PATCH /v1/settings"),
        "sender_email": (sender_email, "set a sender address here or in PATCH /v1/settings"),
        "postal_address": (
            chosen.postal_address,
            "set the postal address in PATCH /v1/settings: every mail must show it",
        ),
    }
    missing = [Detail(name, remedy) for name, (value, remedy) in needed.items() if not value]
    if theirs := carriers.theirs(campaign):
        missing = [one for one in missing if one.field not in ("subject", "template_id")]
        missing += carriers.missing(campaign)
    route = Route()
    if sender_email:
        try:
            route = carriers.route(campaign, sender_email)
        except NoIdentity as error:
            missing.append(Detail("sender_email", error.message))
    if missing:
        raise NotReady("The campaign cannot be sent yet; see details.", missing)
    return Content(
        *Content.key(campaign.tenant, send_id, tag),
        language=tag or None,
        words=language,
        said={"provider_template": theirs} if theirs else None,
        subject=subject or "",
        html=html or _as_html(text or ""),
        text=text,
        sender_name=sender_name,
        sender_email=sender_email,
        **route._asdict(),
        base_url=chosen.tracking_base,
        reply_to=campaign.reply_to,
        postal_address=chosen.postal_address,
        track_opens=_first(campaign.track_opens, chosen.track_opens),
        track_clicks=_first(campaign.track_clicks, chosen.track_clicks),
        utm=utm.chosen(chosen.utm, campaign.utm, campaign.slug or campaign.campaign_id),
        variables=variables,
        time_zone=campaign.time_zone or chosen.time_zone,
        currency=campaign.currency or chosen.currency,
    )


def _plain(
    campaign: Campaign, send_id: str, tag: str, language: str, said: words.Words, chosen: settings.Settings
) -> Content:
    """The content of a channel without HTML. Links are tracked where they are shortened."""
    channel = channels.get(campaign.channel)
    own = said.text or channel.usual_text
    text = plain.text_of(channel, own, language, chosen) if own else None
    if missing := plain.missing(channel, campaign, text, chosen):
        raise NotReady("The campaign cannot be sent yet; see details.", missing)
    return Content(
        *Content.key(campaign.tenant, send_id, tag),
        channel=channel.name,
        said=plain.said(channel, campaign, chosen),
        language=tag or None,
        words=language,
        subject=said.subject or "",
        text=text,
        sender_name=campaign.sender_name or chosen.sender_name or "",
        base_url=chosen.tracking_base,
        track_opens=False,
        track_clicks=channel.paid_by_length and _first(campaign.track_clicks, chosen.track_clicks),
        utm=utm.chosen(chosen.utm, campaign.utm, campaign.slug or campaign.campaign_id, channel.name),
        variables={**said.variables, "campaign_id": campaign.campaign_id} if channel.json else said.variables,
        time_zone=campaign.time_zone or chosen.time_zone,
        currency=campaign.currency or chosen.currency,
    )


def checked(content: Content) -> "Compiled":
    """The compiled content. Raises NotReady with the template's error, where it is and what to do; also for findings
    with which a mail must not go out (drumbeat.templates.lint), and for a text that is too long."""
    # A quarter of a second of imports, for those who launch only.
    from drumbeat.templates.lint_html import elements

    try:
        compiled = rendering.compile_content(content)
    except TemplateError as error:
        raise _refused(error, content.language or "") from error
    channel = channels.get(content.channel)
    wrong = plain.too_long(compiled) if channel.paid_by_length else plain.no_json(compiled) if channel.json else None
    if wrong:
        raise NotReady("The campaign cannot be sent yet; see details.", [wrong])
    found = [finding for finding in elements("html", content.html) if finding.severity == "error"]
    if found:
        details = [Detail(_where("html", it.line, content.language), f"{it.name}: {it.message}") for it in found]
        raise NotReady("The template cannot be sent; see details.", details)
    return compiled


def _refused(error: TemplateError, tag: str) -> NotReady:
    detail = Detail(_where(error.field, error.line, tag), error.message)
    return NotReady("The template cannot be sent; see details.", [detail])


def _where(field: str, line: int | None, tag: str | None) -> str:
    return (f"{tag}: " if tag else "") + (f"{field} line {line}" if line else field)


def _as_html(text: str) -> str:
    """A plain text as the simplest mail."""
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
    return f"<!doctype html><html><body>{paragraphs}</body></html>"


def _first(own: bool | None, default: bool) -> bool:
    return default if own is None else bool(own)
