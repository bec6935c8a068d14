"""Campaigns side by side, and which of their differences are more than chance."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from drumbeat import statistics
from drumbeat.accounts import settings
from drumbeat.campaigns import model, results
from drumbeat.campaigns.charts import ratio
from drumbeat.campaigns.results import Results
from drumbeat.fields import Body, Instant, View
from drumbeat.money import to_minor
from drumbeat.reports import kpis
from drumbeat.reports.figures import RATES, SMS_RATES, Figures
from drumbeat.reports.kpis import KpiResult

FEWEST, MOST = 2, 10


def _several(text: str) -> str:
    named = references(text)
    if not FEWEST <= len(named) <= MOST:
        raise ValueError(f"must name {FEWEST} to {MOST} different campaigns, such as cmp_1,cmp_2")
    return text


def references(text: str) -> list[str]:
    """Ids or slugs separated by commas, each once."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


class ComparisonQuery(Body):
    """`ids`: two to ten campaigns, by id or slug, separated by commas. The others are held against the first."""

    ids: Annotated[str, StringConstraints(max_length=1500), AfterValidator(_several)]


class Rate(View):
    """A rate and its 95 % confidence interval (Wilson)."""

    value: float
    low: float
    high: float


class ComparedCampaign(View):
    """A campaign of a comparison; numbers as its performance shows them."""

    campaign_id: str
    name: str
    status: str
    sent_at: Instant | None
    as_of: Instant | None
    sent: int
    delivered: int
    opened: int
    clicked: int
    unsubscribed: int
    complained: int
    conversions: int
    revenue: float | int
    cost: float | int
    cost_per_acquisition: float
    return_on_investment: float
    return_on_ad_spend: float
    rates: dict[str, Rate]
    kpis: list[KpiResult]


class Difference(View):
    """How a campaign's rate differs from the first campaign's. `significant` holds the p value, corrected for the
    number of campaigns compared (Holm), against 5 %. `test` is z, fisher (where few did it) or none (nothing to
    compare)."""

    metric: str
    campaign_id: str
    baseline_id: str
    difference: float
    p_value: float
    significant: bool
    test: str


class Comparison(View):
    """Campaigns in the order of the request, and the differences of each rate."""

    currency: str
    campaigns: list[ComparedCampaign]
    differences: list[Difference]


def compare(tenant: str, query: ComparisonQuery) -> Comparison:
    """Two names of one campaign are one. Raises NotFound for a campaign that is not the tenant's."""
    terms = settings.of(tenant)
    found = {one.campaign_id: one for one in (model.get(tenant, name) for name in references(query.ids))}
    shown = [results.of(campaign) for campaign in found.values()]
    counted = [_figures(one) for one in shown]
    return Comparison(
        currency=terms.currency,
        campaigns=[
            _campaign(one, figures, kpis.judged(figures, terms, one.channel))
            for one, figures in zip(shown, counted, strict=True)
        ],
        differences=[
            difference
            for metric in RATES
            for difference in _differences(metric, [one.campaign_id for one in shown], counted)
        ],
    )


def _figures(found: Results) -> Figures:
    names = {name for pair in (*RATES.values(), *SMS_RATES.values()) for name in pair}
    revenue, cost = (to_minor(amount, found.currency) for amount in (found.revenue, found.cost))
    return Figures({name: getattr(found, name) for name in names}, revenue, cost)


def _campaign(found: Results, figures: Figures, judged: list[KpiResult]) -> ComparedCampaign:
    rates = {}
    for name in RATES:
        part, whole = figures.of(name)
        within = statistics.interval(part, whole)
        rates[name] = Rate(value=ratio(part, whole), low=round(within.low, 4), high=round(within.high, 4))
    same = {name: getattr(found, name) for name in ComparedCampaign.model_fields if name not in ("rates", "kpis")}
    return ComparedCampaign(**same, rates=rates, kpis=judged)


def _differences(metric: str, campaigns: list[str], counted: list[Figures]) -> list[Difference]:
    base_part, base_whole = counted[0].of(metric)
    tests = [statistics.compare(*figures.of(metric), base_part, base_whole) for figures in counted[1:]]
    corrected = statistics.corrected([test.p_value for test in tests])
    found = []
    for campaign, figures, test, p_value in zip(campaigns[1:], counted[1:], tests, corrected, strict=True):
        part, whole = figures.of(metric)
        apart = (part / whole if whole else 0.0) - (base_part / base_whole if base_whole else 0.0)
        found.append(
            Difference(
                metric=metric, campaign_id=campaign, baseline_id=campaigns[0], difference=round(apart, 4),
                p_value=round(p_value, 6), significant=p_value < statistics.LEVEL, test=test.method,
            )
        )  # fmt: skip
    return found
