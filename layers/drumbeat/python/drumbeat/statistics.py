"""How sure a rate is, and whether two differ by more than chance. Pure.

Intervals: Wilson's (E. B. Wilson, JASA 22, 1927), which hold for few recipients and rates near 0 as well (Brown, Cai
and DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16, 2001). Differences: the
two-proportion z test with a pooled rate (NIST/SEMATECH e-Handbook of Statistical Methods, 7.3.3); where it does not
hold, because fewer than five would be expected of something (W. G. Cochran, Biometrics 10, 1954), Fisher's exact test.
Of several comparisons some would be significant by chance: their p values are corrected by Holm's method (Scandinavian
Journal of Statistics 6, 1979).
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

# The 97.5 % quantile of the normal distribution: two-sided 95 %.
Z = 1.959963984540054
LEVEL = 0.05
_FEWEST_EXPECTED = 5
# Of equally likely tables, floating point makes some a little likelier.
_ROUNDING = 1 + 1e-9

Method = Literal["z", "fisher", "none"]


class Interval(NamedTuple):
    """The 95 % confidence interval of a rate."""

    low: float
    high: float


class Verdict(NamedTuple):
    """The p value of two rates being the same, and the test that gave it (`none`: there is nothing to compare)."""

    p_value: float
    method: Method


def interval(part: int, whole: int) -> Interval:
    """Wilson's interval of `part` of `whole`; of nothing nothing is known. More than all (mails that were opened, and
    whose delivery nobody reported) count as all."""
    if whole <= 0:
        return Interval(0.0, 1.0)
    part = min(part, whole)
    rate, square = part / whole, Z * Z
    middle = rate + square / (2 * whole)
    spread = Z * math.sqrt(max(0.0, rate * (1 - rate)) / whole + square / (4 * whole * whole))
    scale = 1 + square / whole
    return Interval(max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale))


def compare(part: int, whole: int, other_part: int, other_whole: int) -> Verdict:
    """Whether two rates differ, two-sided. More than all count as all."""
    part, other_part = min(part, whole), min(other_part, other_whole)
    parts, everyone = part + other_part, whole + other_whole
    if not whole or not other_whole:
        return Verdict(1.0, "none")
    rest = everyone - parts
    if min(parts, rest) * min(whole, other_whole) < _FEWEST_EXPECTED * everyone:
        return Verdict(_fisher(part, whole, other_part, other_whole), "fisher")
    pooled = parts / everyone
    error = math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / other_whole))
    z = abs(part / whole - other_part / other_whole) / error
    return Verdict(math.erfc(z / math.sqrt(2)), "z")


def _fisher(part: int, whole: int, other_part: int, other_whole: int) -> float:
    """The probability of all tables with these margins that are no likelier than this one."""
    parts, everyone = part + other_part, whole + other_whole
    ways = _log_choose(everyone, parts)

    def probability(here: int) -> float:
        return math.exp(_log_choose(whole, here) + _log_choose(other_whole, parts - here) - ways)

    seen = probability(part) * _ROUNDING
    fewest, most = max(0, parts - other_whole), min(parts, whole)
    return min(1.0, math.fsum(found for here in range(fewest, most + 1) if (found := probability(here)) <= seen))


def _log_choose(of: int, many: int) -> float:
    return math.lgamma(of + 1) - math.lgamma(many + 1) - math.lgamma(of - many + 1)


def corrected(p_values: Sequence[float]) -> list[float]:
    """Holm's correction: p values that may each be held against the level."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    found = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, p_values[place] * (len(p_values) - rank)))
        found[place] = highest
    return found


def difference(part: int, whole: int, other_part: int, other_whole: int) -> Interval:
    """The 95 % confidence interval of one rate less another, from Wilson's intervals of both (R. G. Newcombe, "Interval
    estimation for the difference between independent proportions", Statistics in Medicine 17, 1998, method 10). Of
    nothing nothing is known."""
    if whole <= 0 or other_whole <= 0:
        return Interval(-1.0, 1.0)
    rate, other_rate = min(part, whole) / whole, min(other_part, other_whole) / other_whole
    here, there = interval(part, whole), interval(other_part, other_whole)
    gap = rate - other_rate
    below = math.hypot(rate - here.low, there.high - other_rate)
    above = math.hypot(here.high - rate, other_rate - there.low)
    return Interval(max(-1.0, gap - below), min(1.0, gap + above))
