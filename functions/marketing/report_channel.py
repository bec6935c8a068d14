"""Report what a channel that Drumbeat does not run (social media, ads) brought on a day."""

from drumbeat.http import Request, http
from drumbeat.marketing import model, planning
from drumbeat.marketing.model import ChannelResult, MarketingCampaign
from drumbeat.marketing.views import ChannelReport, ChannelResultView, view_result
from drumbeat.slugs import Slug


@http(
    "PUT /v1/marketing-campaigns/{marketing_campaign_id}/channel-results",
    scope="campaigns:write",
    reads=(MarketingCampaign, Slug),
    writes=(ChannelResult,),
)
def handler(request: Request, marketing_campaign_id: str, body: ChannelReport) -> ChannelResultView:
    """The same channel and date again replace the figures. 422 for e-mail, whose figures are counted."""
    campaign = model.get(request.tenant, marketing_campaign_id)
    row = planning.report_channel(campaign, body, request.actor, request.now)
    return view_result(row, campaign.currency)
