"""Campaigns ranked by how they perform."""

from datetime import date, datetime
from typing import Any

from drumbeat import money, statistics
from drumbeat.accounts import settings
from drumbeat.accounts.targets import KpiTargets
from drumbeat.campaigns.charts import ratio
from drumbeat.fields import Instant, View
from drumbeat.reports import figures
from drumbeat.reports.figures import MOST, RATES, Figures, Line
from drumbeat.reports.periods import TrendingQuery, period

# What a campaign is for weighs most: buying more than clicking, clicking more than opening.
WEIGHTS = {"open_rate": 0.25, "click_rate": 0.35, "conversion_rate": 0.4}
# More than twice the target earns nothing further, so that one rate cannot hide the others.
MOST_RATIO = 2.0
# Mails from which on a campaign is ranked before any smaller one.
ENOUGH = 100


class TrendingCampaign(View):
    """A campaign and its score, from 0 to 100: 50 is on target in everything, 100 twice the targets."""

    rank: int
    campaign_id: str
    name: str
    sent_at: Instant
    as_of: Instant
    score: float
    sent: int
    opened: int
    clicked: int
    conversions: int
    revenue: float | int
    open_rate: float
    click_rate: float
    conversion_rate: float
    unsubscribe_rate: float


class Trending(View):
    """The best campaigns of a period, best first; those with fewer than a hundred mails come after all others, as their
    rates say little. The newest 500 of the period were ranked; `complete` says whether that was all."""

    start_date: date
    end_date: date
    campaign_count: int
    complete: bool
    currency: str
    campaigns: list[TrendingCampaign]


def score(found: Figures, targets: KpiTargets) -> float:
    """How far open, click and conversion rate reach their targets, weighed 25, 35 and 40; where more people unsubscribe
    than the target allows, it shrinks in proportion.

    Each rate counts by the lower end of its 95 % interval, so that a small campaign must be better to stand as high.
    """
    reached = 0.0
    for name, weight in WEIGHTS.items():
        target = getattr(targets, name)
        low = statistics.interval(*found.of(name)).low
        reached += weight * (min(MOST_RATIO, low / target) if target else MOST_RATIO)
    leaving = ratio(*found.of("unsubscribe_rate"))
    kept = min(1.0, targets.unsubscribe_rate / leaving) if leaving else 1.0
    return round(100 / MOST_RATIO * reached * kept, 1)


def ranked(tenant: str, query: TrendingQuery, now: datetime) -> Trending:
    """Raises Invalid for a period that is none or too long. Of equal scores the newer campaign comes first."""
    terms = settings.of(tenant)
    asked = period(query, now, terms.time_zone)
    lines = figures.period(tenant, asked.start, asked.end, terms)
    scored = [(score(line.figures, terms.kpi_targets), line) for line in lines]
    best = sorted(scored, key=lambda one: (one[1].figures.counts["sent"] < ENOUGH, -one[0]))[: query.limit]
    return Trending(
        start_date=asked.first, end_date=asked.last, campaign_count=len(lines), complete=len(lines) < MOST,
        currency=terms.currency,
        campaigns=[_campaign(rank, points, line, terms.currency) for rank, (points, line) in enumerate(best, 1)],
    )  # fmt: skip


def _campaign(rank: int, points: float, line: Line, currency: str) -> TrendingCampaign:
    counts: dict[str, Any] = {name: line.figures.counts[name] for name in ("sent", "opened", "clicked", "conversions")}
    rates: dict[str, Any] = {name: ratio(*line.figures.of(name)) for name in RATES if name != "delivery_rate"}
    return TrendingCampaign(
        rank=rank, campaign_id=line.campaign, name=line.name, sent_at=line.launched_at, as_of=line.as_of,
        score=points, revenue=money.shown(line.figures.revenue, currency), **counts, **rates,
    )  # fmt: skip
