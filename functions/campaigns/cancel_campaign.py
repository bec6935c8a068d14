"""Send nothing more of a campaign."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import lifecycle, model
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignView, view
from drumbeat.campaigns.work import LAUNCH
from drumbeat.http import Request, http
from drumbeat.sends.model import Send
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import GOVERN
from drumbeat.slugs import Slug


@http(
    "POST /v1/campaigns/{campaign_id}/cancel",
    scope="campaigns:send",
    reads=(Slug, Tenant),
    writes=(Campaign, Send, Sender),
    starts=(GOVERN,),
    schedules=(LAUNCH,),
)
def handler(request: Request, campaign_id: str) -> CampaignView:
    """409 `CAMPAIGN_STATUS` when it has ended."""
    campaign = model.get(request.tenant, campaign_id)
    return view(lifecycle.cancel(campaign, request.now))
