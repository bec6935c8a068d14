"""Making and changing campaigns: a request becomes a stored plan whose references have been looked up."""

from datetime import datetime
from typing import Any

from drumbeat import money
from drumbeat.accounts import settings
from drumbeat.campaigns import model
from drumbeat.campaigns.model import Campaign, Status
from drumbeat.campaigns.views import AudienceBody, CampaignChange, CampaignFields, NewCampaign
from drumbeat.segments import audience as filters
from drumbeat.segments import definitions
from drumbeat.segments import model as segments
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
            **_values(tenant, body),
        )
    )


def revise(campaign: Campaign, body: CampaignChange, now: datetime) -> Campaign:
    """Change a campaign that has not been launched. Raises WrongStatus, NotFound, Conflict."""
    campaign.require(Status.DRAFT, Status.SCHEDULED)
    return model.change(campaign, now, **_values(campaign.tenant, body))


def _values(tenant: str, body: CampaignFields) -> dict[str, Any]:
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
        said["audience"] = _audience(tenant, body.audience)
    return {name: value for name, value in said.items() if value is not None}


def _audience(tenant: str, body: AudienceBody) -> dict[str, Any]:
    """Names become ids; filters are checked now, and looked for when the campaign is launched."""
    if body.filters:
        definitions.checked(tenant, filters.audience_filters(body.filters))
    return {
        "segments": [segment.segment_id for segment in segments.resolve(tenant, body.segments)],
        "exclude": [segment.segment_id for segment in segments.resolve(tenant, body.exclude)],
        "everyone": body.everyone,
        "filters": body.filters,
    }
