"""Go on sending where it was paused; nobody is sent twice."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import lifecycle, model
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignView, Resume, view
from drumbeat.deliverability.model import Identity
from drumbeat.deliverability.reputation import SendFigures
from drumbeat.http import Request, http
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Send
from drumbeat.sends.senders import Sender
from drumbeat.sends.totals import Totals
from drumbeat.sends.work import GOVERN
from drumbeat.slugs import Slug


@http(
    "POST /v1/campaigns/{campaign_id}/resume",
    scope="campaigns:send",
    reads=(Slug, Tenant, Identity, Environment, Totals, SendFigures),
    writes=(Campaign, Send, Sender),
    starts=(GOVERN,),
)
def handler(request: Request, campaign_id: str, body: Resume) -> CampaignView:
    """409 `CAMPAIGN_STATUS` unless it is paused; 409 `RESTORED_COPY` until restored data is adopted; 409
    `REPUTATION_PAUSED` while the reputation of its sending identity holds it; 409 `NEEDS_ANSWER` for one that was
    paused by itself, for its bounces, its complaints or because the data was restored, until it is said again with
    `override`."""
    campaign = model.get(request.tenant, campaign_id)
    return view(lifecycle.resume(campaign, request.now, override=body.override))
