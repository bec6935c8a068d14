"""Resume a marketing campaign, and the campaigns that were paused with it."""

from drumbeat.campaigns import under
from drumbeat.campaigns.model import Campaign
from drumbeat.deliverability.model import Identity
from drumbeat.http import Request, http
from drumbeat.marketing import model, planning
from drumbeat.marketing.model import MarketingCampaign
from drumbeat.marketing.views import MarketingCampaignView, view
from drumbeat.sends import environment
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Send
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import GOVERN
from drumbeat.slugs import Slug


@http(
    "POST /v1/marketing-campaigns/{marketing_campaign_id}/resume",
    scope="campaigns:send",
    reads=(Slug, Identity, Environment),
    writes=(MarketingCampaign, Campaign, Send, Sender),
    starts=(GOVERN,),
)
def handler(request: Request, marketing_campaign_id: str) -> MarketingCampaignView:
    """404; 409 `MARKETING_CAMPAIGN_STATUS`, or `RESTORED_COPY` until the data is adopted. Repeated, it finishes what it
    did not reach the first time."""
    environment.require_home()
    campaign = planning.resume(model.get(request.tenant, marketing_campaign_id), request.now)
    under.resume(campaign, request.now)
    return view(campaign, request.now)
