"""Marketing campaigns as requests say them and answers show them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from drumbeat import money
from drumbeat.fields import Attributes, Body, Currency, Instant, Listing, Name, Text, View
from drumbeat.marketing import rules
from drumbeat.marketing.model import ChannelResult, MarketingCampaign, Spend

CampaignType = Literal["awareness", "acquisition", "retention", "conversion", "loyalty", "reactivation"]
Objective = Literal["brand_awareness", "lead_generation", "sales", "app_downloads", "website_traffic", "engagement"]
Channel = Literal[
    "email", "sms", "push_notification", "social_media", "affiliate", "direct", "organic_search", "paid_search"
]
SpendCategory = Literal["email", "sms", "ads", "other"]
Amount = Annotated[float, Field(ge=0, le=1e12)]
Description = Annotated[Text, Field(max_length=5_000)]
Reference = Annotated[str, Field(min_length=1, max_length=128)]


class TargetAudience(Body):
    """Whom it is for: anyone in one of the segments (ids or slugs) who also fits the demographics (`age_range`,
    `locations`, attributes) and filters. E-mail campaigns under it that name no audience of their own go to it."""

    segments: list[Reference] = Field(default_factory=list, max_length=50)
    demographics: Attributes = Field(default_factory=dict)
    filters: Attributes = Field(default_factory=dict)


class MarketingCampaignFields(Body):
    """What can be said of a marketing campaign."""

    name: Name | None = None
    names: dict[str, Name] | None = None
    description: Description | None = None
    campaign_type: CampaignType | None = None
    objective: Objective | None = None
    vendor_id: Reference | None = None
    budget: Amount | None = None
    currency: Currency | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    channels: list[Channel] | None = Field(None, min_length=1, max_length=8)
    target_audience: TargetAudience | None = None
    performance_goals: Attributes | None = None
    content_settings: Attributes | None = None
    automation_rules: Attributes | None = None
    ab_test_config: Attributes | None = None


class NewMarketingCampaign(MarketingCampaignFields):
    """A marketing campaign. It runs from `starts_at` to `ends_at`, once it is approved where the account requires
    that."""

    name: Name
    campaign_type: CampaignType
    objective: Objective
    starts_at: Instant
    ends_at: Instant
    channels: list[Channel] = Field(min_length=1, max_length=8)


class MarketingCampaignChange(MarketingCampaignFields):
    """What changes: fields that are left out stay. What was approved must be approved again when it changes."""


class MarketingCampaignQuery(Listing):
    """Filters of the list."""

    status: Literal["draft", "scheduled", "active", "paused", "completed", "cancelled"] | None = None
    campaign_type: CampaignType | None = None
    objective: Objective | None = None
    vendor_id: Reference | None = None

    def wants(self, campaign: MarketingCampaign, now: datetime) -> bool:
        """Whether the filtered list shows it."""
        same = all(
            getattr(self, name) in (None, getattr(campaign, name))
            for name in ("campaign_type", "objective", "vendor_id")
        )
        return same and self.status in (None, rules.status(campaign, now))


class NewSpend(Body):
    """Money spent outside of Drumbeat. `at` is when; without it now."""

    amount: Annotated[float, Field(gt=0, le=1e12)]
    currency: Currency | None = None
    category: SpendCategory
    channel: Channel | None = None
    vendor_id: Reference | None = None
    note: Annotated[Text, Field(max_length=500)] | None = None
    at: Instant | None = None


class ChannelReport(Body):
    """What a channel that Drumbeat does not run brought on a day. Reported again it replaces the day's figures."""

    channel: Channel
    date: date
    reach: int = Field(0, ge=0, le=10**12)
    clicks: int = Field(0, ge=0, le=10**12)
    conversions: int = Field(0, ge=0, le=10**12)
    revenue: Amount = 0

    @field_validator("channel")
    @classmethod
    def _not_ours(cls, channel: Channel) -> Channel:
        if channel == "email":
            raise ValueError("must be another one: the figures of e-mail are counted, not reported")
        return channel


class SpendView(View):
    """Money spent."""

    id: str
    amount: float | int
    currency: str
    category: str
    channel: str | None
    vendor_id: str | None
    note: str | None
    at: Instant
    recorded_at: Instant
    recorded_by: str


class ChannelResultView(View):
    """What a channel brought on a day."""

    channel: str
    date: str
    reach: int
    clicks: int
    conversions: int
    revenue: float | int
    recorded_at: Instant


class MarketingCampaignView(View):
    """A marketing campaign."""

    id: str
    name: str
    names: dict[str, str]
    slug: str | None
    description: str | None
    campaign_type: str
    objective: str
    status: str
    reason: str | None
    vendor_id: str | None
    budget: float | int | None
    currency: str
    starts_at: Instant
    ends_at: Instant
    channels: list[str]
    target_audience: dict[str, Any]
    performance_goals: dict[str, Any]
    content_settings: dict[str, Any]
    automation_rules: dict[str, Any]
    ab_test_config: dict[str, Any]
    needs_approval: bool
    approved_by: str | None
    approved_at: Instant | None
    created_by: str
    created_at: Instant
    updated_at: Instant


def view(campaign: MarketingCampaign, now: datetime) -> MarketingCampaignView:
    same = (
        "name", "slug", "description", "campaign_type", "objective", "reason", "vendor_id", "currency", "starts_at",
        "ends_at", "channels", "approved_by", "approved_at", "created_by", "created_at", "updated_at",
    )  # fmt: skip
    free: dict[str, Any] = {
        name: getattr(campaign, name) or {}
        for name in (
            "names", "target_audience", "performance_goals", "content_settings", "automation_rules", "ab_test_config"
        )
    }  # fmt: skip
    return MarketingCampaignView(
        id=campaign.campaign_id,
        status=rules.status(campaign, now),
        budget=None if campaign.budget is None else money.shown(int(campaign.budget), campaign.currency),
        needs_approval=bool(campaign.needs_approval),
        **{name: getattr(campaign, name) for name in same},
        **free,
    )


def view_spend(spend: Spend, currency: str) -> SpendView:
    same = ("category", "channel", "vendor_id", "note", "at", "recorded_at", "recorded_by")
    return SpendView(
        id=spend.spend_id,
        amount=money.shown(int(spend.amount), currency),
        currency=currency,
        **{name: getattr(spend, name) for name in same},
    )


def view_result(row: ChannelResult, currency: str) -> ChannelResultView:
    return ChannelResultView(
        channel=row.channel,
        date=row.date,
        reach=int(row.reach),
        clicks=int(row.clicks),
        conversions=int(row.conversions),
        revenue=money.shown(int(row.revenue), currency),
        recorded_at=row.recorded_at,
    )
