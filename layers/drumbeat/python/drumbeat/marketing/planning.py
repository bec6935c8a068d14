"""Making, changing and deciding on marketing campaigns, and writing down what they cost and brought elsewhere."""

from datetime import datetime
from typing import Any

from drumbeat import money
from drumbeat.accounts import settings
from drumbeat.errors import Invalid
from drumbeat.marketing import model, rules
from drumbeat.marketing.model import ChannelResult, MarketingCampaign, Spend, State, Status
from drumbeat.marketing.views import (
    ChannelReport,
    MarketingCampaignChange,
    MarketingCampaignFields,
    NewMarketingCampaign,
    NewSpend,
)
from drumbeat.segments import definitions
from drumbeat.segments import model as segments
from drumbeat.table import ConditionFailed

OPEN = (Status.DRAFT, Status.SCHEDULED, Status.ACTIVE, Status.PAUSED)


def make(tenant: str, campaign_id: str, body: NewMarketingCampaign, actor: str, now: datetime) -> MarketingCampaign:
    """Store a new one: a draft where the account requires approval, else approved by nobody. Raises NotFound for a
    segment that there is not, Invalid for an end before the start."""
    chosen = settings.of(tenant)
    _require_order(body.starts_at, body.ends_at)
    return model.add(
        MarketingCampaign(
            *MarketingCampaign.key(tenant, campaign_id),
            gsi1pk=MarketingCampaign.partition(tenant),
            gsi1sk=campaign_id,
            tenant=tenant,
            campaign_id=campaign_id,
            state=State.DRAFT.value if chosen.campaign_approval else State.APPROVED.value,
            needs_approval=chosen.campaign_approval,
            created_by=actor,
            created_at=now,
            updated_at=now,
            **{"currency": chosen.currency, **_values(tenant, body, body.currency or chosen.currency)},
        )
    )


def revise(campaign: MarketingCampaign, body: MarketingCampaignChange, actor: str, now: datetime) -> MarketingCampaign:
    """Change one that has not ended (its `ends_at` may still be moved). What was approved and changes must be approved
    again. Raises WrongStatus, Invalid, NotFound, Conflict."""
    if campaign.state == State.CANCELLED:
        rules.require(campaign, now, *OPEN)
    currency = body.currency or campaign.currency
    if currency != campaign.currency and _has_money(campaign):
        raise Invalid.field("currency", "cannot change once spend or revenue was written down")
    if currency != campaign.currency and campaign.budget is not None and body.budget is None:
        raise Invalid.field("budget", "is needed in the new currency")
    _require_order(body.starts_at or campaign.starts_at, body.ends_at or campaign.ends_at)
    values = _values(campaign.tenant, body, currency)
    changed = {name for name, value in values.items() if getattr(campaign, name) != value}
    if changed & rules.APPROVED_FIELDS:
        values["changed_by"] = sorted({*(campaign.changed_by or ()), actor})
        if campaign.needs_approval and campaign.state != State.DRAFT:
            values |= {"state": State.DRAFT.value, "approved_by": None, "approved_at": None, "reason": "changed"}
    if "currency" in changed:
        values |= {"figures": None, "figures_at": None}
    return model.change(campaign, now, **values)


def _has_money(campaign: MarketingCampaign) -> bool:
    """Whether there are amounts that are in its currency."""
    of = campaign.tenant, campaign.campaign_id
    return bool(model.spends(*of) or model.channel_results(*of))


def _require_order(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise Invalid.field("ends_at", "must be later than the start")


def _values(tenant: str, body: MarketingCampaignFields, currency: str) -> dict[str, Any]:
    """What the request says, as it is stored: segments by their ids, money in minor units."""
    said = body.model_dump(exclude_unset=True, exclude={"budget", "target_audience"})
    if body.budget is not None:
        said |= {"budget": money.to_minor(body.budget, currency), "currency": currency}
    if body.target_audience is not None:
        for name in ("demographics", "filters"):
            definitions.check_filters(tenant, getattr(body.target_audience, name), f"target_audience.{name}")
        wanted = segments.resolve(tenant, body.target_audience.segments)
        said["target_audience"] = {
            **body.target_audience.model_dump(exclude_unset=True),
            "segments": [segment.segment_id for segment in wanted],
        }
    return {name: value for name, value in said.items() if value is not None}


def approve(campaign: MarketingCampaign, actor: str, now: datetime) -> MarketingCampaign:
    """A second person agrees. Raises WrongStatus unless it is a draft, Forbidden for whoever made it."""
    rules.require(campaign, now, Status.DRAFT)
    rules.require_second_person(campaign, actor)
    return model.change(
        campaign, now, state=State.APPROVED.value, approved_by=actor, approved_at=now, changed_by=None, reason=None
    )


def pause(campaign: MarketingCampaign, now: datetime) -> MarketingCampaign:
    """Raises WrongStatus. Paused again it stays paused: what pauses its campaigns can be repeated."""
    rules.require(campaign, now, Status.SCHEDULED, Status.ACTIVE, Status.PAUSED)
    return model.change(campaign, now, state=State.PAUSED.value, reason="paused_by_user")


def resume(campaign: MarketingCampaign, now: datetime) -> MarketingCampaign:
    rules.require(campaign, now, Status.PAUSED, Status.SCHEDULED, Status.ACTIVE)
    return model.change(campaign, now, state=State.APPROVED.value, reason=None)


def cancel(campaign: MarketingCampaign, now: datetime) -> MarketingCampaign:
    rules.require(campaign, now, *OPEN, Status.CANCELLED)
    return model.change(campaign, now, state=State.CANCELLED.value, reason="cancelled_by_user")


def record_spend(campaign: MarketingCampaign, spend_id: str, body: NewSpend, actor: str, now: datetime) -> Spend:
    """Write money down that was spent elsewhere. Raises Invalid for another currency than the campaign's."""
    if body.currency not in (None, campaign.currency):
        raise Invalid.field("currency", f"must be the marketing campaign's, {campaign.currency}")
    spend = Spend(
        Spend.partition(campaign.tenant, campaign.campaign_id),
        spend_id,
        spend_id=spend_id,
        amount=money.to_minor(body.amount, campaign.currency),
        category=body.category,
        channel=body.channel,
        vendor_id=body.vendor_id,
        note=body.note,
        at=body.at or now,
        recorded_at=now,
        recorded_by=actor,
    )
    try:
        spend.create()
    except ConditionFailed as same:
        return Spend.from_raw_data(same.found or {})
    return spend


def report_channel(campaign: MarketingCampaign, body: ChannelReport, actor: str, now: datetime) -> ChannelResult:
    """Set a channel's figures of a day; the report that came last stands."""
    row = ChannelResult(
        ChannelResult.partition(campaign.tenant, campaign.campaign_id),
        ChannelResult.sort(body.channel, body.date.isoformat()),
        channel=body.channel,
        date=body.date.isoformat(),
        reach=body.reach,
        clicks=body.clicks,
        conversions=body.conversions,
        revenue=money.to_minor(body.revenue, campaign.currency),
        recorded_by=actor,
        recorded_at=now,
    )
    row.save()
    return row
