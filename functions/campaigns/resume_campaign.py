"""Go on sending where it was paused; nobody is sent twice."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import lifecycle, model
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignView, view
from drumbeat.deliverability.model import Identity
from drumbeat.http import Request, http
from drumbeat.sends.model import Send
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import GOVERN
from drumbeat.slugs import Slug


@http(
    "POST /v1/campaigns/{campaign_id}/resume",
    scope="campaigns:send",
    reads=(Slug, Tenant, Identity),
    writes=(Campaign, Send, Sender),
    starts=(GOVERN,),
)
def handler(request: Request, campaign_id: str) -> CampaignView:
    """409 `CAMPAIGN_STATUS` unless it is paused; 409 `REPUTATION_PAUSED` while the reputation of its sending identity
    holds it."""
    campaign = model.get(request.tenant, campaign_id)
    return view(lifecycle.resume(campaign, request.now))
