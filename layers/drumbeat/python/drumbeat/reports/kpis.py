"""Figures against the targets of getit-marketing.md section 7: value, target, met or missed."""

from drumbeat.accounts.targets import KpiTargets
from drumbeat.fields import View
from drumbeat.reports.figures import RATES, Figures

# What a campaign must stay below; all others it must reach.
BELOW = frozenset({"unsubscribe_rate"})


class KpiResult(View):
    """A figure and its target. `value` is 0 and `met` null where it cannot be said yet: nothing was sent or delivered,
    or, for `romi`, nothing was spent."""

    name: str
    value: float
    target: float
    met: bool | None


def judged(figures: Figures, targets: KpiTargets) -> list[KpiResult]:
    """Every figure that has a target. `romi` is (revenue - cost) / cost, so 4:1 means four earned for each one spent,
    besides that one."""
    found = [_result(name, *figures.of(name), getattr(targets, name)) for name in RATES]
    return [*found, _result("romi", figures.revenue - figures.cost, figures.cost, targets.romi)]


def _result(name: str, part: int, whole: int, target: float) -> KpiResult:
    """Shown with four decimals, and judged by all of them: what rounds up to its target has missed it."""
    value = part / whole if whole > 0 else 0.0
    met = value < target if name in BELOW else value >= target
    return KpiResult(name=name, value=round(value, 4), target=target, met=met if whole > 0 else None)
