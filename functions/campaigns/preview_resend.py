"""Count whom a resend of a campaign would be for."""

from drumbeat.campaigns import model, resending
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.resending import ResendPreview, Whom
from drumbeat.http import ANALYTICS, Request, http
from drumbeat.sends.model import Chunk, Send, Stat
from drumbeat.slugs import Slug


@http(
    "POST /v1/campaigns/{campaign_id}/resend/preview",
    scope="campaigns:read",
    limit=ANALYTICS,
    reads=(Campaign, Slug, Send, Chunk, Stat),
    timeout=29,
)
def handler(request: Request, campaign_id: str, body: Whom) -> ResendPreview:
    """409 `CAMPAIGN_STATUS` before the campaign has ended. Nothing is made or sent."""
    return resending.preview(model.get(request.tenant, campaign_id), body)
