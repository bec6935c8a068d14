"""Making and changing campaigns: a request becomes a stored plan whose references have been looked up."""

from datetime import datetime
from typing import Any

from drumbeat import ids, money
from drumbeat.accounts import settings
from drumbeat.campaigns import model
from drumbeat.campaigns.model import Campaign, Status
from drumbeat.campaigns.views import AudienceBody, CampaignChange, CampaignFields, NewCampaign
from drumbeat.segments import audience as filters
from drumbeat.segments import changes
from drumbeat.segments import model as segments
from drumbeat.segments.views import NewSegment
from drumbeat.templates import model as templates


def make(tenant: str, campaign_id: str, body: NewCampaign, actor: str, now: datetime) -> Campaign:
    """Store a draft. Raises NotFound for a segment or template that there is not, Invalid for bad filters."""
    return model.add(
        Campaign(
            *Campaign.key(tenant, campaign_id),
            gsi1pk=Campaign.partition(tenant),
            gsi1sk=campaign_id,
            tenant=tenant,
            campaign_id=campaign_id,
            status=Status.DRAFT.value,
            created_by=actor,
            created_at=now,
            updated_at=now,
            **_values(tenant, campaign_id, body, actor, now),
        )
    )


def revise(campaign: Campaign, body: CampaignChange, actor: str, now: datetime) -> Campaign:
    """Change a campaign that has not been launched. Raises WrongStatus, NotFound, Conflict."""
    campaign.require(Status.DRAFT, Status.SCHEDULED)
    return model.change(campaign, now, **_values(campaign.tenant, campaign.campaign_id, body, actor, now))


def _values(tenant: str, campaign_id: str, body: CampaignFields, actor: str, now: datetime) -> dict[str, Any]:
    """What the request says, as it is stored."""
    said = body.model_dump(
        exclude_unset=True, exclude={"audience", "budget", "send_type", "scheduled_at", "template_id"}
    )
    if body.template_id is not None:
        said["template_id"] = templates.get(tenant, body.template_id).template_id
    if body.budget is not None:
        currency = body.currency or settings.of(tenant).currency
        said["budget"], said["currency"] = money.to_minor(body.budget, currency), currency
    if body.audience is not None:
        said["audience"] = _audience(tenant, campaign_id, body.audience, actor, now)
    return {name: value for name, value in said.items() if value is not None}


def _audience(tenant: str, campaign_id: str, body: AudienceBody, actor: str, now: datetime) -> dict[str, Any]:
    """Names become ids. Filters become a hidden dynamic segment of the campaign's own, which is kept like any other."""
    inside = [segment.segment_id for segment in segments.resolve(tenant, body.segments)]
    outside = [segment.segment_id for segment in segments.resolve(tenant, body.exclude)]
    stored: dict[str, Any] = {"segments": inside, "exclude": outside, "everyone": body.everyone}
    if body.filters:
        wanted = NewSegment.model_validate(
            {"name": f"Filters of {campaign_id}", "criteria": filters.audience_filters(body.filters)}
        )
        filter_id = ids.derived("seg", tenant, campaign_id, str(now))
        hidden = changes.create(tenant, wanted, segment_id=filter_id, created_by=actor, now=now, hidden=True)
        # Somebody must be in a named segment and match the filters; with no segment named, match the filters.
        stored["filter"] = hidden.segment_id
    return stored
