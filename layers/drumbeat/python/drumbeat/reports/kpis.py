"""Figures against the targets of getit-marketing.md section 7: value, target, met or missed."""

from drumbeat import money
from drumbeat.accounts.settings import Settings
from drumbeat.fields import View
from drumbeat.reports.figures import RATES, SMS_RATES, Figures

# What a campaign must stay below; all others it must reach.
BELOW = frozenset({"unsubscribe_rate", "opt_out_rate", "cost_per_conversion"})


class KpiResult(View):
    """A figure and its target. `value` is 0 and `met` null where it cannot be said yet: nothing was sent or delivered,
    or, for `romi`, nothing was spent. A cost may have no target."""

    name: str
    value: float
    target: float | None
    met: bool | None


def judged(figures: Figures, terms: Settings, channel: str = "email") -> list[KpiResult]:
    """Every figure of a channel that has a target, and `romi`; others than text messages have those of mails."""
    return [*(of_texts(figures, terms) if channel == "sms" else of_mails(figures, terms)), romi(figures, terms)]


def of_mails(figures: Figures, terms: Settings) -> list[KpiResult]:
    return [_result(name, *figures.of(name), getattr(terms.kpi_targets, name)) for name in RATES]


def of_texts(figures: Figures, terms: Settings) -> list[KpiResult]:
    """A conversion's cost is in the account's currency."""
    targets = terms.kpi_targets.sms
    cost = float(money.to_decimal(figures.cost, terms.currency))
    return [
        *(_result(name, *figures.of(name), getattr(targets, name)) for name in SMS_RATES),
        _result("cost_per_conversion", cost, figures.counts["conversions"], targets.cost_per_conversion),
    ]


def romi(figures: Figures, terms: Settings) -> KpiResult:
    """(revenue - cost) / cost: 4:1 means four earned for each one spent, besides that one."""
    return _result("romi", figures.revenue - figures.cost, figures.cost, terms.kpi_targets.romi)


def _result(name: str, part: float, whole: int, target: float | None) -> KpiResult:
    """Shown with four decimals, and judged by all of them: what rounds up to its target has missed it."""
    value = part / whole if whole > 0 else 0.0
    met = None
    if whole > 0 and target is not None:
        met = value < target if name in BELOW else value >= target
    return KpiResult(name=name, value=round(value, 4), target=target, met=met)
