"""What a campaign says: its own words, else its template's, else the tenant's settings; checked before anything is
sent."""

from typing import TYPE_CHECKING, Any

from drumbeat.accounts import settings
from drumbeat.campaigns.model import Campaign
from drumbeat.errors import Detail, Invalid
from drumbeat.sends.model import Content
from drumbeat.templates import model as templates
from drumbeat.templates.limits import TemplateError

if TYPE_CHECKING:
    from drumbeat.templates.engine import Compiled


class NotReady(Invalid):
    """The campaign lacks something that every mail must have."""

    code = "CAMPAIGN_NOT_READY"


def build(campaign: Campaign, send_id: str) -> Content:
    """The content of a send. Raises NotReady with all that is missing, in the names of the campaign's fields."""
    chosen = settings.fresh(campaign.tenant)
    template = templates.get(campaign.tenant, campaign.template_id) if campaign.template_id else None
    subject = campaign.subject or (template.subject if template else None)
    html = campaign.html or (template.html if template else None)
    text = campaign.text or (template.text if template else None)
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
    if missing:
        raise NotReady("The campaign cannot be sent yet; see details.", missing)
    return Content(
        *Content.key(campaign.tenant, send_id),
        subject=subject,
        html=html or _as_html(text or ""),
        text=text,
        sender_name=sender_name,
        sender_email=sender_email,
        reply_to=campaign.reply_to,
        postal_address=chosen.postal_address,
        track_opens=_first(campaign.track_opens, chosen.track_opens),
        track_clicks=_first(campaign.track_clicks, chosen.track_clicks),
        variables=_variables(campaign),
        time_zone=campaign.time_zone or chosen.time_zone,
        currency=campaign.currency or chosen.currency,
    )


def checked(content: Content) -> "Compiled":
    """The compiled content. Raises NotReady with the template's error, where it is and what to do."""
    # A quarter of a second of imports, for those who launch only.
    from drumbeat.templates.engine import compile_template

    try:
        return compile_template(
            content.subject,
            content.html,
            content.text,
            track_links=bool(content.track_clicks),
            track_opens=bool(content.track_opens),
        )
    except TemplateError as error:
        where = f"{error.field} line {error.line}" if error.line else error.field
        raise NotReady("The template cannot be sent; see details.", [Detail(where, error.message)]) from error


def _variables(campaign: Campaign) -> dict[str, Any]:
    """`headline` of the campaign's content is `{{ headline }}` and `{{ content.headline }}` in its template."""
    content = dict(campaign.content or {})
    return {**content, "content": content, "campaign_name": campaign.name}


def _as_html(text: str) -> str:
    """A plain text as the simplest mail."""
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
    return f"<!doctype html><html><body>{paragraphs}</body></html>"


def _first(own: bool | None, default: bool) -> bool:
    return default if own is None else bool(own)
