"""Conditions on what single events say, on campaigns, on ages and places; and samples of ranges."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from drumbeat.segments.audience import audience_filters
from drumbeat.segments.facts import Facts, Happened
from drumbeat.segments.rules import CriteriaError, explain, matches, next_change, parse, references

DHAKA = ZoneInfo("Asia/Dhaka")
NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)  # a Sunday
Json = dict[str, Any]


def holds(condition: Json, facts: Facts, now: datetime = NOW) -> bool:
    return matches(parse({"conditions": [condition]}), facts, now, DHAKA)


def happened(day: str, campaign: str | None = None, **properties: Any) -> Happened:
    at = datetime.fromisoformat(f"{day}T12:00:00Z")
    return Happened(at, at.date(), properties, campaign)


BOUGHT = Facts("con_1", happened={"purchase": [
    happened("2026-05-16", value=40, category="Shoes", item={"sku": "s1"}),
    happened("2026-05-10", value="60.50", category="hats"),
    happened("2026-01-02", category="shoes"),
    happened("2025-04-01", value=1000, category="shoes"),  # longer ago than what events say is kept
]})  # fmt: skip


def of(*where: Json, **more: Any) -> Json:
    return {"event": "purchase", "where": list(where), **more}


def says(field: str, operator: str, value: Any = None) -> Json:
    return {"field": field, "operator": operator, "value": value}


def added_up(function: str, operator: str, value: float) -> Json:
    return {"function": function, "property": "value", "operator": operator, "value": value}


SHOES = says("category", "equals", "shoes")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (of(SHOES), True),
        (of(SHOES, count={"operator": "equals", "value": 2}), True),
        (of(SHOES, within_days=30, count={"operator": "equals", "value": 1}), True),
        (of(says("category", "equals", "bags")), False),
        (of(says("category", "equals", "bags"), operator="not_performed"), True),
        (of(says("item.sku", "equals", "s1")), True),
        (of(says("value", "greater_than", 50)), True),
        (of(says("value", "is_not_set"), SHOES), True),
        (of(SHOES, says("value", "greater_than", 50)), False),
        (of(SHOES, occurrence="last"), True),
        (of(says("category", "equals", "hats"), occurrence="last"), False),
        (of(SHOES, occurrence="first"), True),
        (of(aggregate=added_up("sum", "equals", 100.5)), True),
        (of(aggregate=added_up("avg", "equals", 50.25)), True),
        (of(aggregate=added_up("min", "less_than", 41)), True),
        (of(aggregate=added_up("max", "greater_or_equal", 60.5)), True),
        (of(aggregate=added_up("sum", "greater_than", 50), within_days=2), False),
        (of(aggregate=added_up("sum", "less_than", 50), within_days=2), True),
        (of(SHOES, aggregate=added_up("sum", "equals", 40)), True),
        (of(SHOES, before="2026-02-01", aggregate=added_up("sum", "equals", 0)), True),
        (of(SHOES, before="2026-02-01", aggregate=added_up("max", "less_than", 1)), False),
        (of(aggregate=added_up("sum", "equals", 100.5), count={"operator": "equals", "value": 3}), True),
        (of(aggregate=added_up("sum", "equals", 100.5), count={"operator": "equals", "value": 2}), False),
        (of(SHOES, weekdays=["sat"]), True),
        (of(SHOES, weekdays=["mon", "sun"]), False),
    ],
)
def test_what_single_events_say(condition: Json, expected: bool) -> None:
    assert holds(condition, BOUGHT) is expected


def test_counts_by_day_know_weekdays_too() -> None:
    facts = Facts("con_1", rollups={"visit": {date(2026, 5, 15): 2, date(2026, 5, 16): 1}})
    friday = {"event": "visit", "weekdays": ["fri"], "count": {"operator": "equals", "value": 2}}
    assert holds(friday, facts)
    assert not holds({**friday, "weekdays": ["sat"]}, facts)


def test_an_explanation_of_an_aggregate_shows_it() -> None:
    root = explain(
        parse({"conditions": [of(SHOES, aggregate=added_up("sum", "greater_than", 50))]}), BOUGHT, NOW, DHAKA
    )
    assert root.parts[0].actual == {"count": 2, "sum": 40}


def test_time_takes_single_events_out_of_their_window() -> None:
    """Looking only when told to misses no change, over the fourteen months that what events say is kept."""
    facts = Facts("con_1", happened={
        **BOUGHT.happened, "email.opened": [happened("2026-05-01", "cmp_1"), happened("2026-04-01", "cmp_2")],
    })  # fmt: skip
    for condition in (
        of(SHOES, occurrence="first"),
        of(aggregate=added_up("sum", "greater_than", 50), within_days=9),
        {"campaign": "cmp_1", "activity": "opened"},
        of(SHOES, count={"operator": "equals", "value": 1}),
    ):
        criteria = parse({"conditions": [condition]})
        known, look_at, looks = matches(criteria, facts, NOW, DHAKA), next_change(criteria, facts, NOW, DHAKA), 0
        for ahead in range(430):
            now = datetime(2026, 5, 17, 18, tzinfo=UTC) + timedelta(days=ahead)  # midnights in Dhaka
            if look_at is not None and now >= look_at:
                known, look_at, looks = (
                    matches(criteria, facts, now, DHAKA),
                    next_change(criteria, facts, now, DHAKA),
                    looks + 1,
                )
            assert known is matches(criteria, facts, now, DHAKA), (condition, now)
        assert 1 <= looks <= 6
        assert references(criteria).uses_time


def test_campaigns() -> None:
    facts = Facts("con_1", happened={"email.opened": [happened("2026-05-01", "cmp_1")], "sms.sent": [
        happened("2026-05-01", "cmp_2")
    ]})  # fmt: skip
    assert holds({"campaign": "cmp_1", "activity": "opened"}, facts)
    assert not holds({"campaign": "cmp_2", "activity": "opened"}, facts)
    assert holds({"campaign": "cmp_2", "activity": "sent"}, facts)
    assert holds({"campaign": "cmp_1", "activity": "clicked", "operator": "not_performed"}, facts)
    found = references(parse({"conditions": [{"campaign": "cmp_1", "activity": "sent"}, {"event": "visit"}]}))
    assert found.events == {"email.sent", "sms.sent", "visit"}
    assert found.needs.counted == {"visit"}
    assert found.needs.detailed == {"email.sent", "sms.sent"}


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        ("2008-05-17", True),
        ("2008-05-18", False),
        ("1980-05-18", True),
        ("1980-05-17", False),
        ("not a date", False),
        ("2008-02-29", True),
    ],
)
def test_ages_are_completed_years(born: str, expected: bool) -> None:
    condition = says("birth_date", "age_between", [18, 45])
    facts = Facts("con_1", attributes={"birth_date": born})
    assert holds(condition, facts) is expected
    flips = next_change(parse({"conditions": [condition]}), facts, NOW, DHAKA)
    assert (flips is None) is (born in ("not a date", "1980-05-17"))
    if born == "2008-05-18":
        assert flips == datetime(2026, 5, 17, 18, tzinfo=UTC)


def test_nearness() -> None:
    """Dhaka to Chittagong is 215 km as the crow flies."""
    dhaka = {"latitude": 23.8103, "longitude": 90.4125}
    facts = Facts("con_1", attributes={"latitude": "22.3569", "longitude": 91.7832, "office": dhaka})
    assert holds({"near": dhaka, "within_km": 220}, facts)
    assert not holds({"near": dhaka, "within_km": 210}, facts)
    assert holds({"near": dhaka, "within_km": 1, "at": "office"}, facts)
    assert not holds({"near": dhaka, "within_km": 20_000, "at": "home"}, facts)
    across = Facts("con_1", attributes={"latitude": 0, "longitude": -179.9})
    assert holds({"near": {"latitude": 0, "longitude": 179.9}, "within_km": 25}, across)


def test_samples_of_ranges_have_nobody_in_common_and_together_are_everyone() -> None:
    def share(start: float, percent: float) -> set[int]:
        criteria = parse({"conditions": [{"sample_percent": percent, "from_percent": start, "salt": "spring"}]})
        return {number for number in range(2_000) if matches(criteria, Facts(f"con_{number}"), NOW, DHAKA)}

    shares = [share(0, 10), share(10, 40), share(50, 50)]
    assert sum(map(len, shares)) == len(set().union(*shares)) == 2_000
    assert share(10, 5) < share(10, 40)


def test_demographics_as_an_audience() -> None:
    """getit-marketing.md, 4.1."""
    criteria = parse(audience_filters({"age_range": [18, 45], "locations": ["Dhaka", "Chittagong"], "gender": "f"}))
    ann = {"city": "dhaka", "birth_date": "1990-01-01", "gender": "F"}
    assert matches(criteria, Facts("con_1", attributes=ann), NOW, DHAKA)
    assert matches(criteria, Facts("con_1", attributes={**ann, "birth_date": None, "age": "45"}), NOW, DHAKA)
    assert not matches(criteria, Facts("con_1", attributes={**ann, "city": "Khulna"}), NOW, DHAKA)
    assert not matches(criteria, Facts("con_1", attributes={**ann, "birth_date": "1970-01-01"}), NOW, DHAKA)


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        (of(SHOES, within_days=396), "conditions[0]"),
        (of(says("at", "within_days", 3)), "conditions[0].where[0].operator"),
        (of(says("", "equals", 3)), "conditions[0].where[0].field"),
        (of(aggregate={**added_up("sum", "equals", 1), "value": "x"}), "conditions[0].aggregate.value"),
        ({"event": "x", "weekdays": ["someday"]}, "conditions[0].weekdays[0]"),
        ({"campaign": "cmp_1", "activity": "read"}, "conditions[0].activity"),
        ({"sample_percent": 60, "from_percent": 50}, "conditions[0].from_percent"),
        ({"near": {"latitude": 91, "longitude": 0}, "within_km": 5}, "conditions[0].near.latitude"),
        (says("x", "age_between", [45, 18]), "conditions[0].value"),
    ],
)
def test_what_cannot_be_used_is_named(condition: Json, path: str) -> None:
    with pytest.raises(CriteriaError) as refused:
        parse({"conditions": [condition]})
    assert refused.value.details[0].field == path
