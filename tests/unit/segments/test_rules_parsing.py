"""Dynamic segments: what criteria are refused, and where the refusal points."""

from typing import Any

import pytest
from drumbeat.segments.rules import CriteriaError, parse


def refusals(criteria: object) -> dict[str, str]:
    with pytest.raises(CriteriaError) as refused:
        parse(criteria)  # type: ignore[arg-type]
    return dict(refused.value.details)


def field(operator: str, value: object = None, name: str = "x") -> dict[str, Any]:
    return {"field": name, "operator": operator, "value": value}


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        (field("equals"), "value"),
        (field("equals", ""), "value"),
        (field("equals", ["a"]), "value"),
        (field("equals", {"a": 1}), "value"),
        (field("equals", "x" * 1025), "value"),
        (field("equals", float("nan")), "value"),
        (field("in", "a"), "value"),
        (field("in", []), "value"),
        (field("in", ["a"] * 1001), "value"),
        (field("not_in", ["a", None]), "value[1]"),
        (field("greater_than", "many"), "value"),
        (field("greater_than", True), "value"),
        (field("less_than", None), "value"),
        (field("between", 5), "value"),
        (field("between", [5]), "value"),
        (field("between", [5, 1]), "value"),
        (field("between", [5, "x"]), "value[1]"),
        (field("between", [5, "2026-01-01"]), "value"),
        (field("between", ["2026-02-01", "2026-01-01"]), "value"),
        (field("between", ["2026-02-01T00:00Z", "2026-01-01T00:00Z"]), "value"),
        (field("contains", ""), "value"),
        (field("contains", ["a"]), "value"),
        (field("starts_with", None), "value"),
        (field("ends_with", True), "value"),
        (field("is_set", 1), "value"),
        (field("is_true", True), "value"),
        (field("before", 5), "value"),
        (field("before", "tomorrow"), "value"),
        (field("after", "0001-01-01"), "value"),
        (field("on", "2026-02-30"), "value"),
        (field("within_days", 0), "value"),
        (field("within_days", 1.5), "value"),
        (field("within_days", 36501), "value"),
        (field("within_days", "1e999999"), "value"),
        (field("within_days", True), "value"),
        (field("within_days"), "value"),
        (field("anniversary_within_days", 367), "value"),
        (field("near", 5), "operator"),
        (field("equals", 5, name=""), "field"),
        (field("equals", 5, name=" "), "field"),
        (field("equals", 5, name="attributes."), "field"),
        (field("equals", 5, name="x" * 129), "field"),
        (field("equals", "many", name="total_orders"), "value"),
        (field("greater_than", "2026-01-01", name="total_orders"), "value"),
        (field("in", [1, "x"], name="total_orders"), "value[1]"),
        (field("within_days", 5, name="total_orders"), "operator"),
        (field("equals", "x", name="created_at"), "value"),
        (field("greater_than", 5, name="created_at"), "value"),
        (field("contains", "2026", name="created_at"), "operator"),
        (field("before", "2026-01-01", name="email"), "operator"),
        (field("greater_than", 1, name="tags"), "operator"),
        ({**field("equals", 5), "unit": "BDT"}, "unit"),
        ({"field": "x"}, "operator"),
        ({"consent": "fax", "status": "granted"}, "consent"),
        ({"consent": "email"}, "status"),
        ({"tag": ""}, "tag"),
        ({"tag": "vip", "operator": "equals"}, "operator"),
        ({"segment": 5}, "segment"),
        ({"sample_percent": 0}, "sample_percent"),
        ({"sample_percent": 101}, "sample_percent"),
        ({"sample_percent": True}, "sample_percent"),
        ({"sample_percent": 10, "salt": 5}, "salt"),
        ({"event": "a", "operator": "did"}, "operator"),
        ({"event": "a", "count": 5}, "count"),
        ({"event": "a", "count": {"operator": "equals", "value": -1}}, "count.value"),
        ({"event": "a", "count": {"operator": "equals", "value": None}}, "count.value"),
        ({"event": "a", "count": {"operator": "in", "value": 1}}, "count.operator"),
        ({"event": "a", "within_days": 0}, "within_days"),
        ({"event": "a", "after": "2026-01-01T00:00:00Z"}, "after"),
        ({"event": "a", "before": 5}, "before"),
        ({"event": "a", "after": "2026-01-01", "before": "2026-01-02"}, "before"),
        ({"event": "a", "field": "b"}, "event"),
    ],
)
def test_a_bad_condition_is_refused_at_its_field(condition: dict[str, Any], path: str) -> None:
    good = {"tag": "vip"}
    assert f"conditions[1].{path}" in refusals({"logic": "AND", "conditions": [good, condition]})


@pytest.mark.parametrize(
    ("criteria", "path"),
    [
        (None, ""),
        ([], ""),
        ({}, "conditions"),
        ({"tag": "vip"}, "tag"),
        ({"conditions": "all"}, "conditions"),
        ({"logic": "XOR", "conditions": [{"tag": "a"}]}, "logic"),
        ({"logic": 5, "conditions": [{"tag": "a"}]}, "logic"),
        ({"logic": "OR", "conditions": []}, "conditions"),
        ({"logic": "NOT", "conditions": []}, "conditions"),
        ({"logic": "NOT", "conditions": [{"tag": "a"}, {"tag": "b"}]}, "conditions"),
        ({"conditions": [{"conditions": []}]}, "conditions[0].conditions"),
        ({"conditions": [5]}, "conditions[0]"),
        ({"conditions": [{}]}, "conditions[0]"),
        ({"conditions": [{"colour": "red"}]}, "conditions[0]"),
        ({"conditions": [], "name": "x"}, "name"),
        ({"conditions": [{"tag": "a"}] * 101}, "conditions"),
        ({"conditions": [{"conditions": [{"tag": "a"}] * 51}] * 2}, ""),
        ({"conditions": [{"logic": "OR", "conditions": [{"tag": "a"}]}] * 100}, "conditions[99]"),
    ],
)
def test_a_bad_group_is_refused(criteria: object, path: str) -> None:
    assert path in refusals(criteria)


def test_every_bad_field_is_named_at_once() -> None:
    criteria = {
        "logic": "MAYBE",
        "conditions": [
            field("within_days", "soon"),
            {"logic": "OR", "conditions": [{"consent": "fax"}, field("in", [None, "a", {}])]},
            {"logic": "NOT", "conditions": [{"tag": "a"}, {"event": ""}]},
        ],
    }
    assert set(refusals(criteria)) == {
        "logic",
        "conditions[0].value",
        "conditions[1].conditions[0].consent",
        "conditions[1].conditions[0].status",
        "conditions[1].conditions[1].value[0]",
        "conditions[1].conditions[1].value[2]",
        "conditions[2].conditions",
        "conditions[2].conditions[1].event",
    }


def nested(depth: int) -> dict[str, Any]:
    group: dict[str, Any] = {"conditions": [{"tag": "vip"}]}
    for _ in range(depth - 1):
        group = {"conditions": [group]}
    return group


def test_limits() -> None:
    parse(nested(10))
    assert list(refusals(nested(11))) == [".".join(["conditions[0]"] * 10)]
    refusals(nested(100_000))
    parse({"conditions": [{"tag": "a"}] * 100})
    parse({"conditions": [field("in", list(range(1000)))]})


def test_parsed_criteria_are_immutable_comparable_and_read_back() -> None:
    criteria = parse(
        {
            "logic": "and",
            "conditions": [
                field("in", ["a", 1]),
                {"event": "a", "after": "2026-01-01", "count": {"operator": "equals", "value": "2"}},
                {"sample_percent": 2.5, "salt": "s"},
                nested(3),
            ],
        }
    )
    assert criteria.logic == "AND"
    assert parse(criteria.model_dump(exclude_none=True)) == criteria
    assert hash(parse(criteria.model_dump(mode="json", exclude_none=True))) == hash(criteria)
    with pytest.raises(ValueError, match="frozen"):
        criteria.logic = "OR"


def test_the_error_reads_as_a_sentence() -> None:
    with pytest.raises(
        CriteriaError, match=r"^conditions\[0\]\.value: must be a whole number of days from 1 to 36500$"
    ):
        parse({"conditions": [field("within_days", 0)]})
