"""A marketing campaign's analytics: overview, channels, goals, and who bought."""

from datetime import datetime

from drumbeat import money
from drumbeat.campaigns import economics
from drumbeat.campaigns import model as campaigns
from drumbeat.fields import Instant, View
from drumbeat.marketing.model import MarketingCampaign
from drumbeat.reports import buyers, marketing
from drumbeat.reports.buyers import Insights
from drumbeat.reports.marketing import ChannelFigures, Figures


class Overview(View):
    """`cost_per_acquisition` is spent by conversions, `return_on_ad_spend` revenue by spent; 0 where there is none."""

    total_reach: int
    unique_clicks: int
    conversions: int
    revenue: float | int
    spent: float | int
    budget_left: float | int | None
    cost_per_acquisition: float
    return_on_ad_spend: float
    return_on_investment: float


class Goal(View):
    """A goal, what was reached, and the fraction of the target."""

    goal: str
    target: float | int
    actual: float | int
    reached: float
    met: bool


class MarketingAnalytics(View):
    """A marketing campaign's figures. People reached by two campaigns count for each of them."""

    marketing_campaign_id: str
    currency: str
    as_of: Instant
    overview: Overview
    channel_performance: dict[str, ChannelFigures]
    goals: list[Goal]
    audience_insights: Insights


def of(campaign: MarketingCampaign, now: datetime) -> MarketingAnalytics:
    """The figures now. Reads what `budgets.READS` and `buyers.READS` name, Campaign and ChannelResult."""
    figures = marketing.measured(campaign)
    under = campaigns.under(campaign.tenant, campaign.campaign_id)
    wanted = buyers.segments_of(campaign.target_audience or {}, under)
    return MarketingAnalytics(
        marketing_campaign_id=campaign.campaign_id,
        currency=campaign.currency,
        as_of=now,
        overview=_overview(campaign, figures),
        channel_performance=marketing.channels(campaign, figures),
        goals=[Goal(**goal) for goal in marketing.goals(campaign, figures)],
        audience_insights=buyers.insights(campaign.tenant, under, wanted, campaign.currency, now.date()),
    )


def _overview(campaign: MarketingCampaign, figures: Figures) -> Overview:
    revenue, spent, sold = (figures.total(name) for name in ("revenue", "spent", "conversions"))
    left = None if campaign.budget is None else money.shown(int(campaign.budget) - spent, campaign.currency)
    return Overview(
        total_reach=figures.total("reach"),
        unique_clicks=figures.total("clicks"),
        conversions=sold,
        revenue=money.shown(revenue, campaign.currency),
        spent=money.shown(spent, campaign.currency),
        budget_left=left,
        cost_per_acquisition=economics.per(spent, sold, campaign.currency),
        return_on_ad_spend=economics.roas(revenue, spent),
        return_on_investment=economics.roi(revenue, spent),
    )
