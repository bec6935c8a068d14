"""Intervals and tests against published figures."""

import pytest
from drumbeat import statistics


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion" (Stat. Med. 17, 1998), table 1
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval(part: int, whole: int, low: float, high: float) -> None:
    found = statistics.interval(part, whole)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_of_nobody_nothing_is_known() -> None:
    assert statistics.interval(0, 0) == (0.0, 1.0)
    assert statistics.compare(0, 0, 5, 10) == (1.0, "none")


def test_many_are_compared_by_z() -> None:
    """200 of 1,000 and 250 of 1,000: a pooled rate of 0.225, z = 0.05 / 0.018675 = 2.677."""
    found = statistics.compare(250, 1000, 200, 1000)
    assert (round(found.p_value, 4), found.method) == (0.0074, "z")


def test_few_are_compared_by_fishers_test() -> None:
    """The lady tasting tea (R. A. Fisher, The Design of Experiments, 1935): 3 of 4 and 1 of 4."""
    found = statistics.compare(3, 4, 1, 4)
    assert (round(found.p_value, 4), found.method) == (0.4857, "fisher")
    assert statistics.compare(9, 9, 0, 9).p_value == pytest.approx(2 / 48_620)


def test_several_comparisons_are_corrected() -> None:
    assert statistics.corrected([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@pytest.mark.parametrize(
    ("parts", "low", "high"),
    [
        # Newcombe, "Interval estimation for the difference between independent proportions" (Stat. Med. 17, 1998),
        # table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference(parts: tuple[int, int, int, int], low: float, high: float) -> None:
    assert statistics.difference(*parts) == pytest.approx((low, high), abs=5e-5)
    assert statistics.difference(0, 0, 1, 5) == (-1.0, 1.0)
