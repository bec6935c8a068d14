"""What marketing campaigns brought and cost, over all of their channels."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, money
from drumbeat.campaigns import budgets, economics
from drumbeat.campaigns.budgets import ChannelCampaign
from drumbeat.fields import Page, View
from drumbeat.marketing import model, rules
from drumbeat.marketing.model import ChannelResult, MarketingCampaign, Spend
from drumbeat.marketing.views import MarketingCampaignView, view
from drumbeat.table import ConditionFailed

# A list shows figures that are at most a minute old (wall clock), and computes at most so many anew.
KEPT = timedelta(seconds=60 * clock.SCALE)
MOST_REFRESHED = 100
# What the documents call channels that campaigns have another name for.
NAMES = {"push": "push_notification"}
# Where spend of these categories goes that names no channel.
CATEGORY_CHANNELS = {"email": "email", "sms": "sms", "ads": "paid_search"}


@dataclass(slots=True)
class Channel:
    """What a channel brought; money in minor units."""

    reach: int = 0
    clicks: int = 0
    conversions: int = 0
    revenue: int = 0
    spent: int = 0


@dataclass(slots=True)
class Figures:
    """A marketing campaign's figures, in all and by channel."""

    channels: dict[str, Channel] = field(default_factory=dict)
    unassigned: int = 0

    def total(self, name: str) -> int:
        found: int = sum(getattr(channel, name) for channel in self.channels.values())
        return found + self.unassigned if name == "spent" else found


class ChannelFigures(View):
    """What a channel brought. `reach` are people who got a message, or whom somebody reported as reached."""

    reach: int
    clicks: int
    conversions: int
    revenue: float | int
    spent: float | int


class MarketingPerformance(View):
    """What a marketing campaign brought. `roi` is (revenue - spent) / spent, 0 where nothing was spent."""

    reach: int
    clicks: int
    conversions: int
    revenue: float | int
    roi: float


class MarketingCampaignResult(MarketingCampaignView):
    """A marketing campaign with what it brought, as found at `figures_at`."""

    spent_amount: float | int
    performance: MarketingPerformance
    figures_at: datetime | None


class MarketingSummary(View):
    """All marketing campaigns of the list's filter, in the account's currency; others are left out of the sums."""

    currency: str
    total_budget: float | int
    total_spent: float | int
    total_revenue: float | int
    overall_roi: float


class MarketingCampaignPage(Page[MarketingCampaignResult]):
    """A page of marketing campaigns with the sums over all pages."""

    summary: MarketingSummary


def measured(campaign: MarketingCampaign) -> Figures:
    """The figures now: of our campaigns as the last roll-ups found them, of other channels as they were reported."""
    results = budgets.results(campaign)
    return added(
        campaign,
        results,
        model.channel_results(campaign.tenant, campaign.campaign_id),
        model.spends(campaign.tenant, campaign.campaign_id),
    )


def added(
    campaign: MarketingCampaign, results: Iterable[ChannelCampaign], reported: Iterable[ChannelResult],
    spends: Iterable[Spend],
) -> Figures:  # fmt: skip
    """All sources added up by channel. Spend that belongs to no channel counts in the total only."""
    found = Figures({name: Channel() for name in campaign.channels})
    for result in results:
        called = NAMES.get(result.campaign.channel, result.campaign.channel)
        ours = found.channels.setdefault(called, Channel())
        ours.reach += result.reach
        ours.clicks += result.clicks
        ours.conversions += result.conversions
        ours.revenue += result.revenue
        ours.spent += result.cost
    for row in reported:
        channel = found.channels.setdefault(row.channel, Channel())
        channel.reach += int(row.reach)
        channel.clicks += int(row.clicks)
        channel.conversions += int(row.conversions)
        channel.revenue += int(row.revenue)
    for spend in spends:
        name = spend.channel or CATEGORY_CHANNELS.get(spend.category)
        if name is None:
            found.unassigned += int(spend.amount)
        else:
            found.channels.setdefault(name, Channel()).spent += int(spend.amount)
    return found


def stored(campaign: MarketingCampaign) -> Figures:
    """The figures as they were at `figures_at`."""
    held: dict[str, Any] = campaign.figures or {"channels": {}, "unassigned": 0}
    return Figures({name: Channel(**row) for name, row in held["channels"].items()}, held["unassigned"])


def refresh(campaigns: Iterable[MarketingCampaign], now: datetime) -> None:
    """Measure those anew whose figures are old, the oldest first, and keep what was found."""
    old = [one for one in campaigns if one.figures_at is None or one.figures_at < now - KEPT]
    old.sort(key=lambda one: one.figures_at or one.created_at)
    for campaign in old[:MOST_REFRESHED]:
        actions = [MarketingCampaign.figures.set(asdict(measured(campaign))), MarketingCampaign.figures_at.set(now)]
        try:
            campaign.change(*actions)
        except ConditionFailed:
            continue  # deleted meanwhile


def channels(campaign: MarketingCampaign, figures: Figures) -> dict[str, ChannelFigures]:
    """By channel, as answers show it."""
    return {
        name: ChannelFigures(
            reach=row.reach,
            clicks=row.clicks,
            conversions=row.conversions,
            revenue=money.shown(row.revenue, campaign.currency),
            spent=money.shown(row.spent, campaign.currency),
        )
        for name, row in figures.channels.items()
    }


def result(campaign: MarketingCampaign, now: datetime) -> MarketingCampaignResult:
    figures = stored(campaign)
    revenue, spent = figures.total("revenue"), figures.total("spent")
    return MarketingCampaignResult(
        **view(campaign, now).model_dump(),
        spent_amount=money.shown(spent, campaign.currency),
        figures_at=campaign.figures_at,
        performance=MarketingPerformance(
            reach=figures.total("reach"),
            clicks=figures.total("clicks"),
            conversions=figures.total("conversions"),
            revenue=money.shown(revenue, campaign.currency),
            roi=economics.roi(revenue, spent),
        ),
    )


def summary(campaigns: Iterable[MarketingCampaign], currency: str) -> MarketingSummary:
    """The sums over campaigns in this currency."""
    ours = [one for one in campaigns if one.currency == currency]
    figures = [stored(one) for one in ours]
    revenue, spent = sum(one.total("revenue") for one in figures), sum(one.total("spent") for one in figures)
    return MarketingSummary(
        currency=currency,
        total_budget=money.shown(sum(int(one.budget or 0) for one in ours), currency),
        total_spent=money.shown(spent, currency),
        total_revenue=money.shown(revenue, currency),
        overall_roi=economics.roi(revenue, spent),
    )


def goals(campaign: MarketingCampaign, figures: Figures) -> list[dict[str, Any]]:
    """Each goal against what was reached."""
    revenue = float(money.to_decimal(figures.total("revenue"), campaign.currency))
    actual = {name: float(figures.total(name)) for name in ("reach", "clicks", "conversions")}
    return rules.progress(campaign.performance_goals or {}, {**actual, "revenue": revenue})
