"""List campaigns, newest first."""

from drumbeat import lists
from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import archiving
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignQuery, CampaignView, view
from drumbeat.counts import Count
from drumbeat.fields import Page
from drumbeat.http import Request, http


@http("GET /v1/campaigns", scope="campaigns:read", reads=(Campaign, Count, Tenant))
def handler(request: Request, query: CampaignQuery) -> Page[CampaignView]:
    """422 for a cursor that is not of this list, or a status that there is not."""
    keep = None if query.status is None else lambda campaign: campaign.status == query.status
    listed = lists.page(
        Campaign,
        archiving.partitions(request.tenant, query.archived),
        query,
        total=lambda: archiving.total(request.tenant, query.archived),
        keep=keep,
    )
    return lists.shown(listed, view)
