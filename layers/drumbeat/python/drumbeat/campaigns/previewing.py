"""A campaign's mail as somebody would get it, with the targets of its links in place of tracked addresses."""

from typing import Any

from drumbeat.campaigns import content
from drumbeat.campaigns.model import Campaign
from drumbeat.contacts import model as contacts
from drumbeat.errors import Detail
from drumbeat.feedback.tracking import SAMPLE
from drumbeat.fields import View
from drumbeat.sends import rendering
from drumbeat.templates.limits import TemplateError
from drumbeat.templates.preview_views import MailPreviewRequest


class CampaignPreview(View):
    """The mail. Links lead where a click leads, UTM parameters among them; in the real mail they are tracked ones."""

    subject: str
    html: str
    text: str
    sender_name: str
    sender_email: str


def preview(campaign: Campaign, asked: MailPreviewRequest) -> CampaignPreview:
    """Raises NotReady, and NotFound for an unknown contact."""
    contact = None if asked.contact_id is None else contacts.get(campaign.tenant, asked.contact_id)
    language = asked.language or (contact.language if contact else None)
    said = content.build(campaign, f"preview-{campaign.campaign_id}", language)
    said.track_opens = said.track_clicks = False
    compiled = content.checked(said)
    offered = rendering.offered(said)
    data: dict[str, Any] = {
        **(rendering.personal(contact, offered) if contact else offered),
        **asked.data,
        **rendering.addresses(rendering.base_of(said), SAMPLE),
        **rendering.frame(said),
    }
    try:
        shown = compiled.preview(data)
    except TemplateError as error:
        raise content.NotReady("The template fails with this data.", [Detail("data", error.message)]) from error
    return CampaignPreview(
        subject=shown.subject,
        html=shown.html,
        text=shown.text,
        sender_name=said.sender_name,
        sender_email=said.sender_email,
    )
