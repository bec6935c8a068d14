"""List campaigns, newest first."""

from drumbeat import counts, lists
from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import model
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignQuery, CampaignView, view
from drumbeat.counts import Count
from drumbeat.fields import Page
from drumbeat.http import Request, http


@http("GET /v1/campaigns", scope="campaigns:read", reads=(Campaign, Count, Tenant))
def handler(request: Request, query: CampaignQuery) -> Page[CampaignView]:
    """422 for a cursor that is not of this list."""
    keep = None if query.status is None else lambda campaign: campaign.status == query.status
    listed = lists.page(
        Campaign,
        [Campaign.partition(request.tenant)],
        query,
        total=lambda: counts.total(request.tenant, model.LIST),
        keep=keep,
    )
    return lists.shown(listed, view)
