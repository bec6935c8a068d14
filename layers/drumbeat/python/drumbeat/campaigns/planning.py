"""Making and changing campaigns: a request becomes a stored plan whose references have been looked up."""

from datetime import datetime
from typing import Any

from drumbeat import channels, money
from drumbeat.accounts import settings
from drumbeat.campaigns import fields, model
from drumbeat.campaigns.model import Campaign, Status, WrongStatus
from drumbeat.campaigns.views import AudienceBody, CampaignChange, CampaignFields, NewCampaign
from drumbeat.errors import Invalid
from drumbeat.marketing import model as marketing
from drumbeat.segments import definitions
from drumbeat.segments import model as segments
from drumbeat.templates import model as templates


def make(tenant: str, campaign_id: str, body: NewCampaign, actor: str, now: datetime) -> Campaign:
    """Store a draft. Raises NotFound for a segment or template that there is not, Invalid for bad filters."""
    _require_fitting(tenant, body.purpose or "marketing", body.quiet, body.category)
    fields.require(channels.get(body.channel), _named(body))
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
            gsi3sk=campaign_id if body.marketing_campaign_id else None,
            **_values(tenant, body),
        )
    )


def revise(campaign: Campaign, body: CampaignChange, now: datetime) -> Campaign:
    """Change a campaign that has not been launched; `marketing_campaign_id` null takes it out of one. Raises
    WrongStatus, NotFound, Conflict."""
    campaign.require(Status.DRAFT, Status.SCHEDULED)
    if campaign.status == Status.SCHEDULED and body.model_fields_set & {"local_send_at", "send_in_recipient_zone"}:
        raise WrongStatus("The launch is scheduled for its local time. Schedule it again with another local_send_at.")
    _require_fitting(
        campaign.tenant, body.purpose or campaign.purpose, body.quiet or campaign.quiet, body.category
    )  # fmt: skip
    fields.require(channels.get(campaign.channel), _named(body))
    values = _values(campaign.tenant, body)
    if "said" in values:
        values["said"] = {**(campaign.said or {}), **values["said"]}
    if body.marketing_campaign_id:
        values["gsi3sk"] = campaign.campaign_id
    elif "marketing_campaign_id" in body.model_fields_set:
        values |= {"marketing_campaign_id": None, "gsi3pk": None, "gsi3sk": None}
    return model.change(campaign, now, **values)


def _require_fitting(tenant: str, purpose: str, quiet: str | None, category: str | None) -> None:
    """When a campaign is sent, and to whom not, fits its purpose and the tenant. Raises Invalid."""
    if quiet == "ignore" and purpose != "transactional":
        raise Invalid.field("quiet", "only a campaign of purpose transactional may ignore quiet hours: hold or drop")
    # What somebody has added to the settings is there for the next request.
    if category is not None and category not in {one.id for one in settings.fresh(tenant).categories}:
        raise Invalid.field("category", "is no category of this tenant; see categories of /v1/settings")


def _named(body: CampaignFields) -> list[str]:
    """The fields that say something: what is null or off says nothing."""
    return [name for name in body.model_fields_set if getattr(body, name) not in (None, False)]


def _values(tenant: str, body: CampaignFields) -> dict[str, Any]:
    """What the request says, as it is stored."""
    said = body.model_dump(
        exclude_unset=True, exclude={"audience", "budget", "send_type", "scheduled_at", "template_id"}
    )
    if body.template_id is not None:
        said["template_id"] = templates.get(tenant, body.template_id).template_id
    if body.marketing_campaign_id is not None:
        umbrella = marketing.get(tenant, body.marketing_campaign_id).campaign_id
        said |= {"marketing_campaign_id": umbrella, "gsi3pk": Campaign.umbrella(tenant, umbrella)}
    if body.budget is not None:
        currency = body.currency or settings.of(tenant).currency
        said["budget"], said["currency"] = money.to_minor(body.budget, currency), currency
    if body.audience is not None:
        said["audience"] = _audience(tenant, body.audience)
    for name in ("limits", "utm"):
        if said.get(name) is not None:
            said[name] = {key: value for key, value in said[name].items() if value is not None}
    own = {name: said.pop(name) for name in (*fields.MAILED, *fields.BY_LENGTH, *fields.NOTIFIED) if name in said}
    if present := {name: value for name, value in own.items() if value is not None}:
        said["said"] = present
    if isinstance(body, NewCampaign):
        said["channel"] = body.channel
    return {name: value for name, value in said.items() if value is not None}


def _audience(tenant: str, body: AudienceBody) -> dict[str, Any]:
    """Names become ids; filters are checked now, and looked for when the campaign is launched."""
    if body.filters:
        definitions.check_filters(tenant, body.filters, "audience.filters")
    return {
        "segments": [segment.segment_id for segment in segments.resolve(tenant, body.segments)],
        "exclude": [segment.segment_id for segment in segments.resolve(tenant, body.exclude)],
        "everyone": body.everyone,
        "filters": body.filters,
    }
