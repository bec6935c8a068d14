"""Dynamic segments: what each condition holds for."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from drumbeat.segments.audience import audience_filters, equals_all
from drumbeat.segments.rules import Facts, explain, matches, parse, references

DHAKA = ZoneInfo("Asia/Dhaka")
NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)  # 18:00 in Dhaka


def holds(condition: dict[str, Any], facts: Facts, now: datetime = NOW, zone: ZoneInfo = DHAKA) -> bool:
    group = condition if "conditions" in condition else {"logic": "AND", "conditions": [condition]}
    return matches(parse(group), facts, now, zone)


def attribute(value: object, operator: str, operand: object = None) -> bool:
    condition = {"field": "attributes.x", "operator": operator, "value": operand}
    return holds(condition, Facts("con_1", attributes={"x": value}))


YES, NO = True, False


@pytest.mark.parametrize(
    ("value", "operator", "operand", "expected"),
    [
        # equality: text without case, numbers by value, and never text by looks
        ("Dhaka", "equals", "dhaka", YES),
        ("ঢাকা", "equals", "ঢাকা", YES),
        ("\u09df", "equals", "\u09af\u09bc", YES),  # য় in its two encodings
        ("Mu\u0308nchen", "equals", "M\u00dcNCHEN", YES),
        ("STRASSE", "equals", "Straße", YES),
        ("Dhaka", "not_equals", "dhaka", NO),
        ("Dhaka", "not_equals", "Khulna", YES),
        (5, "equals", 5.0, YES),
        ("5", "equals", 5, YES),
        ("৫", "equals", 5, YES),
        (5, "equals", "5", YES),
        ("05", "equals", "5", NO),
        ("five", "equals", 5, NO),
        ("five", "not_equals", 5, YES),
        (0.1, "equals", Decimal("0.1"), YES),
        (2**53 + 1, "equals", 2**53, NO),
        (True, "equals", True, YES),
        ("true", "equals", True, YES),
        (True, "equals", "true", YES),
        (True, "equals", 1, NO),
        ("b", "in", ["A", "B"], YES),
        ("2", "in", ["x", 2], YES),
        ("c", "in", ["a", "b"], NO),
        ("c", "not_in", ["a", "b"], YES),
        ("A", "not_in", ["a", "b"], NO),
        # order
        (50001, "greater_than", 50000, YES),
        (50000, "greater_than", 50000, NO),
        ("50000.01", "greater_than", "50000", YES),
        ("9", "greater_than", 10, NO),
        ("abc", "greater_than", 1, NO),
        (True, "greater_than", 0, NO),
        ("1_000", "greater_than", 1, NO),
        (float("nan"), "greater_or_equal", 0, NO),
        (float("inf"), "greater_than", 0, NO),
        (50000, "greater_or_equal", 50000, YES),
        (1, "less_than", 1, NO),
        (Decimal("0.99"), "less_than", 1, YES),
        (1, "less_or_equal", 1.0, YES),
        (5, "between", [5, 10], YES),
        (10, "between", [5, 10], YES),
        (10.01, "between", [5, 10], NO),
        ("2026-03-31T23:00:00Z", "between", ["2026-03-01", "2026-03-31"], NO),  # 1 April in Dhaka
        ("2026-03-31T17:59:59Z", "between", ["2026-03-01", "2026-03-31"], YES),
        ("2026-03-02", "greater_than", "2026-03-01", YES),
        ("2026-03-01T10:00:00Z", "greater_than", "2026-03-01", NO),
        ("2026-03-01T10:00:00Z", "less_or_equal", "2026-03-01", YES),
        # parts of text
        ("Große Straße", "contains", "STRASSE", YES),
        ("আমার সোনার বাংলা", "contains", "সোনার", YES),
        ("abc", "contains", "x", NO),
        ("abc", "not_contains", "x", YES),
        ("ABC", "not_contains", "b", NO),
        (12345, "contains", 234, YES),
        (True, "contains", "r", NO),
        ("+8801712345678", "starts_with", "+880", YES),
        ("Äpfel", "starts_with", "äp", YES),
        ("ann@Example.COM", "ends_with", "@example.com", YES),
        ("ann@example.com", "ends_with", "@example.org", NO),
        # presence
        ("x", "is_set", None, YES),
        (0, "is_set", None, YES),
        (False, "is_set", None, YES),
        ({"a": 1}, "is_set", None, YES),
        ("x", "is_not_set", None, NO),
        # truth
        (True, "is_true", None, YES),
        ("Yes", "is_true", None, YES),
        (1, "is_true", None, YES),
        ("maybe", "is_true", None, NO),
        ("maybe", "is_false", None, NO),
        (False, "is_false", None, YES),
        ("0", "is_false", None, YES),
        # absolute dates: a date is the whole local day, a time an instant
        ("2026-05-16T17:59:59Z", "before", "2026-05-17", YES),
        ("2026-05-16T18:00:00Z", "before", "2026-05-17", NO),  # midnight in Dhaka
        ("2026-05-16T18:00:00Z", "on", "2026-05-17", YES),
        ("2026-05-17T18:00:00Z", "on", "2026-05-17", NO),
        ("2026-05-17T18:00:00Z", "after", "2026-05-17", YES),
        ("2026-05-17T17:59:59Z", "after", "2026-05-17", NO),
        ("2026-05-17", "before", "2026-05-16T18:00:00Z", NO),
        ("2026-05-17", "before", "2026-05-16T18:00:01Z", YES),
        ("2026-05-17T09:00:00", "before", "2026-05-17T03:00:01Z", YES),  # without an offset: local time
        (date(2026, 5, 17), "on", "2026-05-17", YES),
        (datetime(2026, 5, 16, 18, tzinfo=UTC), "on", "2026-05-17", YES),
        ("soon", "before", "2026-05-17", NO),
        ("9999-12-31", "after", "2026-05-17", NO),  # how databases write "no date"
        # windows of days, today included
        ("2026-05-17", "within_days", 1, YES),
        ("2026-05-16", "within_days", 1, NO),
        ("2026-05-16", "within_days", 2, YES),
        ("2026-05-18", "within_days", 7, NO),
        ("2026-02-17", "within_days", "90", YES),
        ("2026-02-17", "within_days", 90.0, YES),
        ("2026-02-16", "within_days", 90, NO),
        ("2026-05-16T17:59:59Z", "within_days", 1, NO),
        ("2026-05-16T18:00:00Z", "within_days", 1, YES),
        ("nonsense", "within_days", 1, NO),
        ("2026-05-16", "not_within_days", 1, YES),
        ("2026-05-17", "not_within_days", 1, NO),
        ("nonsense", "not_within_days", 1, YES),
        ("2026-05-17", "within_next_days", 1, YES),
        ("2026-05-18", "within_next_days", 1, NO),
        ("2026-05-18", "within_next_days", 2, YES),
        ("2026-05-16", "within_next_days", 2, NO),
        ("2026-04-17", "older_than_days", 30, YES),
        ("2026-04-18", "older_than_days", 30, NO),
        # anniversaries
        ("1990-05-17", "anniversary_within_days", None, YES),
        ("1990-05-18", "anniversary_within_days", None, NO),
        ("1990-05-23", "anniversary_within_days", 7, YES),
        ("1990-05-24", "anniversary_within_days", 7, NO),
        ("1990-05-16", "anniversary_within_days", 364, NO),
        ("1990-05-16", "anniversary_within_days", 365, YES),
        ("05-17", "anniversary_within_days", 1, YES),
        ("--05-17", "anniversary_within_days", 1, YES),
        ("13-45", "anniversary_within_days", 1, NO),
        ("2026-05-17", "anniversary_within_days", 1, NO),  # the day itself is not an anniversary
        ("2027-05-17", "anniversary_within_days", 1, NO),
        # lists hold what one of their elements holds
        (["Tea", "Rice"], "equals", "tea", YES),
        (["Tea", "Rice"], "contains", "TEA", YES),
        (["Green tea"], "contains", "tea", NO),
        (["Tea", "Rice"], "not_contains", "salt", YES),
        (["Tea", "Rice"], "not_equals", "rice", NO),
        (["Tea", "Rice"], "in", ["salt", "rice"], YES),
        ([1, 20], "greater_than", 10, YES),
        # what is not one value fits nothing
        ({"a": 1}, "equals", "a", NO),
        ({"a": 1}, "contains", "a", NO),
        ({"a": 1}, "before", "2026-05-17", NO),
        ({"a": 1}, "is_true", None, NO),
    ],
)
def test_operator(value: object, operator: str, operand: object, expected: bool) -> None:
    assert attribute(value, operator, operand) is expected


OPERANDS: dict[str, object] = {
    "equals": "a", "not_equals": "a", "in": ["a"], "not_in": ["a"], "greater_than": 1, "greater_or_equal": 1,
    "less_than": 1, "less_or_equal": 1, "between": [1, 2], "contains": "a", "not_contains": "a", "starts_with": "a",
    "ends_with": "a", "is_set": None, "is_not_set": None, "is_true": None, "is_false": None, "before": "2026-01-01",
    "after": "2026-01-01", "on": "2026-01-01", "within_days": 7, "not_within_days": 7, "within_next_days": 7,
    "older_than_days": 7, "anniversary_within_days": 7,
}  # fmt: skip


@pytest.mark.parametrize("value", [None, "", "  ", [], {}])
@pytest.mark.parametrize("operator", OPERANDS)
def test_a_missing_value_fails_all_but_the_negative_operators(operator: str, value: object) -> None:
    negative = {"is_not_set", "not_equals", "not_in", "not_contains", "not_within_days"}
    assert attribute(value, operator, OPERANDS[operator]) is (operator in negative)


def test_names_mean_built_in_fields_first_then_attributes() -> None:
    facts = Facts(
        "con_1",
        fields={"country": "BD", "total_orders": None, "email": "ann@example.com"},
        attributes={"country": "DE", "total_orders": "7", "city": "Dhaka", "a.b": 1, "address": {"zip": "1205"}},
        tags=frozenset({"VIP"}),
    )
    for field, value in {
        "country": "bd",
        "attributes.country": "de",
        "total_orders": 7,
        "city": "dhaka",
        "attributes.city": "dhaka",
        "a.b": 1,
        "address.zip": "1205",
        "tags": "vip",
        "email": "ANN@example.com",
    }.items():
        assert holds({"field": field, "operator": "equals", "value": value}, facts), field
    assert holds({"field": "address.street.number", "operator": "is_not_set"}, facts)


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("equals", "2026-05-17", YES),
        ("equals", "2026-05-16", NO),
        ("equals", "2026-05-17T00:00:00+06:00", YES),
        ("equals", "2026-05-16T18:00:01Z", NO),
        ("not_equals", "2026-05-17", NO),
        ("in", ["2026-05-01", "2026-05-17"], YES),
    ],
)
def test_a_date_field_is_equal_as_a_day_or_as_an_instant(operator: str, value: object, expected: bool) -> None:
    facts = Facts("con_1", fields={"created_at": "2026-05-16T18:00:00Z"})
    assert holds({"field": "created_at", "operator": operator, "value": value}, facts) is expected


def test_consent() -> None:
    facts = Facts("con_1", consents={"email": "granted", "sms": "revoked", "push": "pending"})
    actual = {
        (channel, status): holds({"consent": channel, "status": status}, facts)
        for channel in ("email", "sms", "push")
        for status in ("granted", "revoked", "pending", "expired", "none")
    }
    held = {key for key, held in actual.items() if held}
    assert held == {("email", "granted"), ("sms", "revoked"), ("push", "pending")}
    assert holds({"consent": "email", "status": "none"}, Facts("con_1"))


def test_tag_and_segment() -> None:
    facts = Facts("con_1", tags=frozenset({"VIP", "Öko"}), segments=frozenset({"seg_1"}))
    assert holds({"tag": "vip"}, facts)
    assert holds({"tag": "öKO", "operator": "is_set"}, facts)
    assert not holds({"tag": "vip", "operator": "is_not_set"}, facts)
    assert holds({"tag": "new", "operator": "is_not_set"}, facts)
    assert holds({"segment": "seg_1"}, facts)
    assert not holds({"segment": "seg_2"}, facts)


ROLLUPS = {"purchase": {date(2026, 5, 17): 1, date(2026, 5, 11): 2, date(2026, 4, 1): 4, date(2026, 5, 18): 8}}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, YES),
        ({"operator": "not_performed"}, NO),
        ({"within_days": 7, "count": {"operator": "equals", "value": 3}}, YES),
        ({"within_days": 6, "count": {"operator": "equals", "value": 1}}, YES),
        ({"within_days": 7, "count": {"operator": "greater_or_equal", "value": 4}}, NO),
        ({"within_days": 7, "operator": "not_performed", "count": {"operator": "greater_than", "value": 3}}, YES),
        ({"count": {"operator": "equals", "value": 15}}, YES),
        ({"count": {"operator": "not_equals", "value": 15}}, NO),
        ({"before": "2026-05-11", "count": {"operator": "equals", "value": 4}}, YES),
        ({"after": "2026-05-11", "count": {"operator": "equals", "value": 9}}, YES),
        ({"after": "2026-04-01", "before": "2026-05-17", "count": {"operator": "less_or_equal", "value": 2}}, YES),
        ({"after": "2026-05-16", "within_days": 30, "count": {"operator": "less_than", "value": 2}}, YES),
        ({"after": "2026-05-12", "before": "2026-05-14"}, NO),
    ],
)
def test_event(condition: dict[str, Any], expected: bool) -> None:
    assert holds({"event": "purchase", **condition}, Facts("con_1", rollups=ROLLUPS)) is expected


def test_an_event_that_never_happened() -> None:
    nobody = Facts("con_1")
    assert holds({"event": "email.opened", "operator": "not_performed", "within_days": 30}, nobody)
    assert holds({"event": "email.opened", "count": {"operator": "equals", "value": 0}}, nobody)
    assert not holds({"event": "email.opened"}, nobody)


def test_today_is_the_zones_day_and_not_utcs() -> None:
    bought = Facts("con_1", rollups={"purchase": {date(2026, 5, 17): 1}})
    today = {"event": "purchase", "within_days": 1}
    assert holds(today, bought, datetime(2026, 5, 17, 17, 59, 59, tzinfo=UTC))
    assert not holds(today, bought, datetime(2026, 5, 17, 18, tzinfo=UTC))  # midnight in Dhaka
    assert holds(today, bought, datetime(2026, 5, 17, 18, tzinfo=UTC), ZoneInfo("America/New_York"))


def test_days_have_23_and_25_hours_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    yesterday = {"field": "x", "operator": "within_days", "value": 2}
    first = Facts("con_1", attributes={"x": "2026-03-28T23:00:00Z"})  # 29 March begins, a day of 23 hours
    assert holds(yesterday, first, datetime(2026, 3, 30, 21, 59, tzinfo=UTC), berlin)
    assert not holds(yesterday, first, datetime(2026, 3, 30, 22, tzinfo=UTC), berlin)
    second = Facts("con_1", attributes={"x": "2026-10-24T22:00:00Z"})  # 25 October begins, a day of 25 hours
    assert holds(yesterday, second, datetime(2026, 10, 26, 22, 59, tzinfo=UTC), berlin)
    assert not holds(yesterday, second, datetime(2026, 10, 26, 23, tzinfo=UTC), berlin)
    # 02:30 comes twice on 25 October: the same wall clock, an hour apart
    later = Facts("con_1", attributes={"x": datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=berlin)})
    assert holds({"field": "x", "operator": "after", "value": "2026-10-25T02:30:00+02:00"}, later, NOW, berlin)


def test_29_february_is_kept_on_the_28th_in_other_years() -> None:
    born = Facts("con_1", attributes={"birthday": "2000-02-29"})
    today = {"field": "birthday", "operator": "anniversary_within_days"}
    assert holds(today, born, datetime(2027, 2, 28, 6, tzinfo=UTC))
    assert not holds(today, born, datetime(2028, 2, 28, 6, tzinfo=UTC))
    assert holds(today, born, datetime(2028, 2, 29, 6, tzinfo=UTC))


def test_a_sample_is_stable_nested_and_about_its_size() -> None:
    def share(percent: object, salt: str) -> set[int]:
        condition = parse({"conditions": [{"sample_percent": percent, "salt": salt}]})
        return {i for i in range(5000) if matches(condition, Facts(f"con_{i}"), NOW, DHAKA)}

    tenth = share(10, "a")
    assert tenth == share("10", "a")
    assert 400 < len(tenth) < 600
    assert tenth < share(20.5, "a")
    assert 20 < len(tenth & share(10, "b")) < 90  # about a tenth of a tenth
    assert len(share(100, "a")) == 5000


def test_groups_nest() -> None:
    criteria = {
        "logic": "OR",
        "conditions": [
            {"tag": "staff"},
            {
                "logic": "AND",
                "conditions": [
                    {"field": "city", "operator": "equals", "value": "Dhaka"},
                    {"logic": "NOT", "conditions": [{"consent": "email", "status": "revoked"}]},
                ],
            },
        ],
    }
    city = {"city": "dhaka"}
    assert holds(criteria, Facts("con_1", attributes=city))
    assert not holds(criteria, Facts("con_1", attributes=city, consents={"email": "revoked"}))
    assert holds(criteria, Facts("con_1", tags=frozenset({"staff"})))
    assert not holds(criteria, Facts("con_1"))


def test_the_documented_criteria() -> None:
    criteria = {
        "conditions": [
            {"field": "customer_lifetime_value", "operator": "greater_than", "value": 50000},
            {"field": "last_purchase_date", "operator": "within_days", "value": 90},
        ],
        "logic": "AND",
    }
    bought = {"customer_lifetime_value": Decimal("85000.00"), "last_purchase_date": "2026-04-10T00:00:00Z"}
    assert holds(criteria, Facts("con_1", fields=bought))
    assert not holds(criteria, Facts("con_1", fields={**bought, "customer_lifetime_value": Decimal("50000")}))
    assert not holds(criteria, Facts("con_1", fields=bought), datetime(2026, 7, 10, tzinfo=UTC))


def test_explain_shows_each_part_and_what_the_contact_has() -> None:
    criteria = parse(
        {
            "logic": "AND",
            "conditions": [
                {"field": "total_orders", "operator": "greater_than", "value": 5},
                {"logic": "NOT", "conditions": [{"event": "purchase", "within_days": 7}]},
                {"consent": "email", "status": "granted"},
            ],
        }
    )
    facts = Facts("con_1", fields={"total_orders": 3}, rollups=ROLLUPS)
    root = explain(criteria, facts, NOW, DHAKA)
    orders, group, consent = root.parts
    assert (root.path, root.condition, root.held) == ("", {"logic": "AND"}, False)
    assert (orders.held, orders.actual) == (False, 3)
    assert orders.condition == {"field": "total_orders", "operator": "greater_than", "value": 5}
    assert (group.path, group.held, group.parts[0].path) == ("conditions[1]", False, "conditions[1].conditions[0]")
    assert (group.parts[0].held, group.parts[0].actual) == (True, 3)
    assert (consent.held, consent.actual) == (False, "none")


def test_references_name_what_must_be_loaded() -> None:
    conditions = [
        {"field": "city", "operator": "is_set"},
        {"logic": "OR", "conditions": [{"event": "purchase"}, {"event": "email.opened", "count": None}]},
        {"tag": "vip"},
        {"consent": "sms", "status": "granted"},
        {"segment": "seg_1"},
        {"sample_percent": 5},
    ]
    found = references(parse({"conditions": conditions}))
    assert found.fields == {"city"}
    assert found.events == {"purchase", "email.opened"}
    assert (*found.tags, *found.consents, *found.segments) == ("vip", "sms", "seg_1")
    assert not found.uses_time
    for timely in (
        {"event": "purchase", "within_days": 3},
        {"field": "x", "operator": "not_within_days", "value": 3},
        {"field": "x", "operator": "anniversary_within_days"},
    ):
        assert references(parse({"conditions": [{"logic": "NOT", "conditions": [timely]}]})).uses_time


def test_equalities_as_an_audience() -> None:
    new = Facts("con_1", attributes={"user_type": "New", "plan": "b"})
    assert holds(equals_all({"user_type": "new", "plan": ["a", "b"], "city": None}), new)
    assert not holds(equals_all({"user_type": "old"}), new)
    assert holds(equals_all({"user_type": "all"}), new)
    assert equals_all({}) == {"logic": "AND", "conditions": []}
    assert holds(equals_all({}), Facts("con_1"))


def test_filters_as_an_audience() -> None:
    criteria = audience_filters({"registrationDate": "2026-01-01", "minRevenue": 1000, "city": "Dhaka", "plan": None})
    facts = {"created_at": "2025-12-31T18:00:00Z", "customer_lifetime_value": Decimal(1000)}
    assert holds(criteria, Facts("con_1", fields=facts, attributes={"city": "dhaka"}))  # 1 January in Dhaka
    assert not holds(criteria, Facts("con_1", fields=facts))
    early = {**facts, "created_at": "2025-12-31T17:59:59Z"}
    assert not holds(criteria, Facts("con_1", fields=early, attributes={"city": "dhaka"}))


def test_now_must_be_aware() -> None:
    with pytest.raises(ValueError, match="aware"):
        matches(parse({"conditions": []}), Facts("con_1"), NOW.replace(tzinfo=None), DHAKA)
