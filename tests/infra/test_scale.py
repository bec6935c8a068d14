"""What README says of scale is what the figures of the benchmark come to."""

import json
from typing import Any

import pytest

from infra import scale
from infra.discovery import REPOSITORY

FIGURES: dict[str, Any] = {
    "measured": "2026-11-20", "sizes": [1_000, 10_000],
    "spread": 0.05, "dollars": {"without events": 5.0, "with events": 8.0},
    "each": {
        "writes": 4.0, "reads": 8.0, "chunk_writes": 0.1, "index_writes": 0.1, "api": 0.33, "sns": 1.0,
        "transitions": 0.01, "bus": 2.0, "stored_bytes": 1_500,
    },
    "seconds": {"sends.deliver_chunk": 0.02, "feedback.apply_feedback": 0.01, "sends.govern_account": 0.0002},
    "roll_up_seconds": 2e-5, "limits": {"workers": 20, "feedback": 8, "roll_up": 900}, "worker_mb": 100,
}  # fmt: skip


def test_the_section_is_what_the_committed_figures_come_to() -> None:
    text = scale.README.read_text()
    figures = json.loads(scale.FIGURES.read_text())
    assert scale.written(text, figures) == text, "run `python -m infra.scale`"


def test_the_lowest_ceiling_comes_first() -> None:
    """By hand: 8 batches at once of 0.01 s a recipient are 800 a second, 20 workers of 0.02 s are 1,000."""
    found = scale.ceilings(FIGURES)
    assert [(one.what.split(":")[0], round(one.most)) for one in found[:2]] == [("Lambda", 800), ("Lambda", 1_000)]
    by_name = {one.what: round(one.most) for one in found}
    assert by_name["DynamoDB: writes of the table"] == 40_000 / 4
    assert by_name["DynamoDB: chunks of one send, 16 partitions"] == 16 * 1_000 / 0.1
    assert by_name["HTTP API: requests"] == round(10_000 / 0.33)
    assert scale.largest_send(FIGURES) == pytest.approx(900 / 2e-5)


def test_a_rate_says_what_is_in_its_way() -> None:
    """The governor of one account hands over 5,000 a second, and nobody can raise that."""
    assert scale.below(FIGURES, 799) == []
    assert [one.whose for one in scale.below(FIGURES, 900)] == ["the function's `concurrency=`"]
    assert "the governor of one account, 5,000 (nobody" in scale.section(FIGURES)
    assert "- 200 a second: nothing else\n" in scale.section(FIGURES)


def test_what_a_case_takes() -> None:
    """Four hours at 1,000 a second are 14.4 million; half of the first mails' opens have come by then."""
    case = scale.Case(14_400_000, 1_000, FIGURES)
    assert case.hours == 4
    assert case.opens == pytest.approx(1_000 * 0.33 / 2)
    assert case.writes == 4_000
    assert case.at_once == pytest.approx(1_000 * 0.0302)
    assert list(case.dollars) == [pytest.approx(72.0), pytest.approx(115.2)]
    assert case.stored == pytest.approx(21.6)


def test_every_ceiling_says_where_its_number_is_from() -> None:
    for one in scale.ceilings(FIGURES):
        assert one.source.startswith(scale.DOCS) or (REPOSITORY / one.source).is_file(), one.what
