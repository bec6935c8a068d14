"""A campaign's message as somebody would get it, with the targets of its links in place of tracked addresses; of text
messages also how they are cut and what the campaign would cost."""

from datetime import datetime
from typing import Any

from drumbeat import channels
from drumbeat.campaigns import content, costing
from drumbeat.campaigns.costing import AudienceCost
from drumbeat.campaigns.model import Campaign
from drumbeat.channels.sms import parts
from drumbeat.contacts import model as contacts
from drumbeat.errors import Detail
from drumbeat.feedback.tracking import SAMPLE
from drumbeat.fields import View
from drumbeat.sends import rendering
from drumbeat.templates.limits import TemplateError
from drumbeat.templates.preview_views import MailPreviewRequest

# As long as the token of a text message's link, and no token of ours.
SHORT_SAMPLE = "preview-has-no-token"


class CampaignPreviewRequest(MailPreviewRequest):
    """As for templates. With `costs` the answer also says whom a campaign of text messages would go to now, and what
    that costs."""

    costs: bool = False


class Cut(View):
    """How a text is sent: `places` are characters of seven bits or, because of the characters in `forcing`, of sixteen;
    `parts` are what is paid for. `plainer` says almost the same in fewer parts, where there is such a text."""

    encoding: str
    places: int
    parts: list[str]
    forcing: list[str]
    plainer: str | None
    plainer_parts: int | None


class CampaignPreview(View):
    """The message. Links lead where a click leads, UTM parameters among them; in the real mail they are tracked ones.

    In a text message they are already as long as the real ones, which lead nowhere here."""

    channel: str
    subject: str
    html: str
    text: str
    sender_name: str
    sender_email: str
    sender_id: str | None = None
    media_urls: list[str] = []
    cut: Cut | None = None
    costs: AudienceCost | None = None


def preview(campaign: Campaign, asked: CampaignPreviewRequest, now: datetime) -> CampaignPreview:
    """Raises NotReady, and NotFound for an unknown contact."""
    contact = None if asked.contact_id is None else contacts.get(campaign.tenant, asked.contact_id)
    language = asked.language or (contact.language if contact else None)
    said = content.build(campaign, f"preview-{campaign.campaign_id}", language)
    by_length = channels.get(campaign.channel).paid_by_length
    said.track_opens = False
    said.track_clicks = by_length and bool(said.track_clicks)
    compiled = content.checked(said)
    offered = rendering.offered(said)
    data: dict[str, Any] = {
        **(rendering.personal(contact, offered) if contact else offered),
        **asked.data,
        **rendering.addresses(rendering.base_of(said), SHORT_SAMPLE if by_length else SAMPLE),
        **rendering.frame(said),
    }
    try:
        shown = compiled.preview(data)
    except TemplateError as error:
        raise content.NotReady("The template fails with this data.", [Detail("data", error.message)]) from error
    return CampaignPreview(
        channel=campaign.channel,
        subject=shown.subject,
        html=shown.html,
        text=shown.text,
        sender_name=said.sender_name,
        sender_email=said.sender_email,
        sender_id=(said.said or {}).get("sender_id"),
        media_urls=(said.said or {}).get("media_urls", []),
        cut=cut(shown.text) if by_length else None,
        costs=costing.of(campaign, now) if by_length and asked.costs else None,
    )


def cut(text: str) -> Cut:
    """How a text is cut."""
    counted, plain = parts.count(text), parts.plainer(text)
    fewer = len(parts.count(plain).parts)
    saves = fewer < len(counted.parts)
    return Cut(
        encoding=counted.encoding,
        places=counted.places,
        parts=list(counted.parts),
        forcing=list(counted.forcing),
        plainer=plain if saves else None,
        plainer_parts=fewer if saves else None,
    )
