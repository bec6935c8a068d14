"""Dynamic segments: when the passing of time alone may change who belongs. Never late."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from drumbeat.segments.rules import Facts, matches, next_change, parse, references
from hypothesis import given, settings
from hypothesis import strategies as st

DHAKA = ZoneInfo("Asia/Dhaka")
Json = dict[str, Any]
NOW = datetime(2026, 5, 17, 12, tzinfo=UTC)
# Half-hour offsets, clocks that change at midnight or by half an hour, and both ends of the date line.
ZONES = [
    ZoneInfo(name)
    for name in (
        "UTC", "Asia/Dhaka", "Asia/Kathmandu", "Europe/Berlin", "America/New_York", "America/Havana", "Africa/Cairo",
        "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Santiago",
    )
]  # fmt: skip
TICK = timedelta(microseconds=1)


def local_midnight(year: int, month: int, day: int, zone: ZoneInfo = DHAKA) -> datetime:
    return datetime(year, month, day, tzinfo=zone).astimezone(UTC)


def change(*conditions: Json, logic: str = "AND", **facts: Any) -> datetime | None:
    return next_change(parse({"logic": logic, "conditions": list(conditions)}), Facts("con_1", **facts), NOW, DHAKA)


def field(operator: str, value: object = None, name: str = "x") -> Json:
    return {"field": name, "operator": operator, "value": value}


@pytest.mark.parametrize(
    ("value", "operator", "operand", "expected"),
    [
        ("2026-05-17", "within_days", 7, (2026, 5, 24)),
        ("2026-05-10", "within_days", 7, None),
        ("2026-05-20", "within_days", 7, (2026, 5, 20)),
        ("2026-05-17", "not_within_days", 1, (2026, 5, 18)),
        ("2026-06-01", "within_next_days", 7, (2026, 5, 26)),
        ("2026-05-20", "within_next_days", 7, (2026, 5, 21)),
        ("2026-05-16", "within_next_days", 7, None),
        ("2026-05-01", "older_than_days", 30, (2026, 5, 31)),
        ("2026-01-01", "older_than_days", 30, None),
        ("1990-05-17", "anniversary_within_days", 1, (2026, 5, 18)),
        ("1990-05-16", "anniversary_within_days", 1, (2027, 5, 16)),
        ("1990-12-31", "anniversary_within_days", 7, (2026, 12, 25)),
        ("2030-02-28", "anniversary_within_days", 1, (2031, 2, 28)),
        ("2026-05-01", "before", "2026-06-01", None),
        ("2026-07-01", "after", "2026-06-01", None),
        (None, "within_days", 7, None),
        ("never", "within_days", 7, None),
    ],
)
def test_a_field(value: object, operator: str, operand: object, expected: tuple[int, int, int] | None) -> None:
    found = change(field(operator, operand), attributes={"x": value})
    assert found == (local_midnight(*expected) if expected else None)


def test_an_event_leaves_its_window_when_too_few_days_remain() -> None:
    rollups = {"purchase": {date(2026, 5, 12): 1, date(2026, 5, 14): 1, date(2026, 5, 16): 1}}
    two = {"event": "purchase", "count": {"operator": "greater_or_equal", "value": 2}, "within_days": 7}
    assert change(two, rollups=rollups) == local_midnight(2026, 5, 21)
    assert change({**two, "before": "2026-05-14"}, rollups=rollups) is None
    assert change({"event": "purchase"}, rollups=rollups) is None
    assert change(two) is None


def test_a_change_that_another_condition_hides_does_not_count() -> None:
    bought: Any = {"attributes": {"x": "2026-05-17"}}
    assert change(field("within_days", 7), {"tag": "vip"}, **bought) is None
    assert change(field("within_days", 7), {"tag": "vip"}, logic="OR", **bought) == local_midnight(2026, 5, 24)
    both = (field("within_days", 7), field("within_days", 3))
    assert change(*both, **bought) == local_midnight(2026, 5, 20)
    assert change(*both, logic="OR", **bought) == local_midnight(2026, 5, 24)


def test_an_anniversary_goes_on_forever_so_it_is_never_none() -> None:
    hidden = change(field("anniversary_within_days", 1), {"tag": "vip"}, attributes={"x": "1990-05-17"})
    assert hidden is not None
    assert hidden > NOW + timedelta(days=365)


VISITS = {date(2026, 5, 17) - timedelta(days=n * n % 90): n % 3 for n in range(40)}
DUE = {str(n): (NOW + timedelta(days=9 * n)).isoformat() for n in range(50)}
ANY_DUE = {"logic": "OR", "conditions": [field("within_next_days", 3, f"due.{n}") for n in DUE]}
NEAR, OLD = field("anniversary_within_days", 10), field("older_than_days", 1400)


def negated(condition: Json) -> Json:
    return {"logic": "NOT", "conditions": [condition]}


@pytest.mark.parametrize(
    "conditions",
    [
        [NEAR, OLD],
        [NEAR, OLD, negated(field("anniversary_within_days", 1, "later"))],
        [NEAR, field("anniversary_within_days", 10, "later")],
        [field("anniversary_within_days", 300), negated(field("within_days", 900, "later"))],
        [{"event": "visit", "within_days": 60, "count": {"operator": "greater_or_equal", "value": 12}}],
        [{"event": "visit", "within_days": 5, "count": {"operator": "equals", "value": 2}}],
        [ANY_DUE],
        [ANY_DUE, field("older_than_days", 500)],
    ],
)
def test_who_looks_only_when_told_to_misses_no_change(conditions: list[Json]) -> None:
    criteria = parse({"conditions": conditions})
    attributes = {"x": "2025-09-01", "later": "2027-08-28", "due": DUE}
    facts = Facts("con_1", attributes=attributes, rollups={"visit": VISITS})
    known, look_at, looks = matches(criteria, facts, NOW, DHAKA), next_change(criteria, facts, NOW, DHAKA), 0
    for ahead in range(7 * 365):
        now = local_midnight(2026, 5, 18) + timedelta(days=ahead)  # Dhaka's clocks do not change
        held = matches(criteria, facts, now, DHAKA)
        if look_at is not None and now >= look_at:
            known, look_at, looks = held, next_change(criteria, facts, now, DHAKA), looks + 1
        assert known is held, now
    assert looks <= 120


def test_the_first_instant_of_a_day_without_midnight() -> None:
    cairo = ZoneInfo("Africa/Cairo")  # on 24 April 2026 the clocks go from 00:00 to 01:00
    before = datetime(2026, 4, 23, 12, tzinfo=UTC)
    criteria = parse({"conditions": [field("within_days", 1)]})
    facts = Facts("con_1", attributes={"x": "2026-04-23"})
    assert next_change(criteria, facts, before, cairo) == datetime(2026, 4, 23, 22, tzinfo=UTC)
    assert matches(criteria, facts, datetime(2026, 4, 23, 22, tzinfo=UTC) - TICK, cairo)
    assert not matches(criteria, facts, datetime(2026, 4, 23, 22, tzinfo=UTC), cairo)


# New Year, leap days, clocks forward and back, and an ordinary day.
ANCHORS = [
    date(2025, 12, 31),
    date(2028, 2, 28),
    date(2026, 3, 28),
    date(2026, 4, 23),
    date(2026, 10, 24),
    date(2026, 5, 17),
]


class Situation(NamedTuple):
    criteria: Json
    facts: Facts
    now: datetime
    zone: ZoneInfo


@st.composite
def situations(draw: st.DrawFn, *, single: bool = False) -> Situation:
    """Criteria, a contact whose dates lie where windows open and close, and a moment."""
    anchor = draw(st.sampled_from(ANCHORS))
    days = st.integers(-45, 45).map(lambda offset: anchor + timedelta(days=offset))
    moments = _moments(days)
    attributes = st.fixed_dictionaries({"a": moments, "b": st.one_of(moments, st.lists(moments, max_size=3))})
    facts = Facts(
        "con_1",
        attributes=draw(attributes),
        tags=draw(st.sampled_from([frozenset[str](), frozenset({"vip"})])),
        rollups={"e": draw(st.dictionaries(days, st.integers(0, 3), max_size=6))},
    )
    seconds = draw(st.integers(0, 3 * 24 * 3600))
    now = datetime(anchor.year, anchor.month, anchor.day, tzinfo=UTC) + timedelta(days=-1, seconds=seconds)
    leaf = st.sampled_from([_relative(), _events(days), _other(days)]).flatmap(lambda kind: kind)
    condition = draw(_relative() if single else st.one_of(leaf, _trees(leaf)))
    return Situation({"conditions": [condition]}, facts, now, draw(st.sampled_from(ZONES)))


def _moments(days: st.SearchStrategy[date]) -> st.SearchStrategy[str]:
    times = st.builds(datetime.combine, days, st.times())
    return st.one_of(
        days.map(date.isoformat),
        times.map(datetime.isoformat),
        times.map(lambda when: when.isoformat() + "Z"),
        days.map(lambda day: f"1990{day:-%m-%d}" if (day.month, day.day) != (2, 29) else "1992-02-29"),
        st.sampled_from(["02-29", "--12-31", "", "soon", "9999-12-31", "2021-06-01"]),
    )


def _relative() -> st.SearchStrategy[Json]:
    operators = ["within_days", "not_within_days", "within_next_days", "older_than_days", "anniversary_within_days"]
    days = st.one_of(st.integers(1, 40), st.sampled_from([364, 365, 366]))
    long = st.builds(lambda days: field("older_than_days", days, "a"), st.integers(700, 1400))
    short = st.builds(field, st.sampled_from(operators), days, st.sampled_from("ab"))
    return st.one_of(short, short, short, long)


def _events(days: st.SearchStrategy[date]) -> st.SearchStrategy[Json]:
    compared = st.sampled_from(["equals", "greater_or_equal", "less_than"])
    return st.fixed_dictionaries(
        {
            "event": st.just("e"),
            "operator": st.sampled_from(["performed", "not_performed"]),
            "count": st.fixed_dictionaries({"operator": compared, "value": st.integers(0, 4)}),
            "within_days": st.one_of(st.none(), st.integers(1, 40)),
            "after": st.one_of(st.none(), days.map(date.isoformat)),
        }
    )


def _other(days: st.SearchStrategy[date]) -> st.SearchStrategy[Json]:
    absolute = st.builds(
        lambda operator, day: field(operator, day.isoformat(), "a"), st.sampled_from(["before", "after", "on"]), days
    )
    return st.one_of(absolute, st.just({"tag": "vip"}))


def _trees(leaves: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    def grow(parts: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
        several = {"logic": st.sampled_from(["AND", "OR"]), "conditions": st.lists(parts, min_size=2, max_size=3)}
        return st.one_of(st.fixed_dictionaries(several), parts.map(lambda part: {"logic": "NOT", "conditions": [part]}))

    return st.recursive(leaves, grow, max_leaves=5)


# The first year day by day, then four more in steps that no window of five days can slip through.
AHEAD = [*range(1, 400), *range(400, 5 * 366, 5)]


@settings(max_examples=150)
@given(situation=situations(), parts=st.lists(st.floats(0, 1), max_size=5))
def test_nothing_changes_before_the_next_change(situation: Situation, parts: list[float]) -> None:
    _, facts, now, zone = situation
    criteria = parse(situation.criteria)
    held = matches(criteria, facts, now, zone)
    change_at = next_change(criteria, facts, now, zone)
    end = change_at or now + timedelta(days=5 * 366)
    assert end > now
    assert change_at is None or references(criteria).uses_time
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=ahead) for ahead in AHEAD]
    midnights = [datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) for day in days]
    for when in (end - TICK, *(now + (end - now) * part for part in parts), *midnights):
        if now <= when < end:
            assert matches(criteria, facts, when, zone) is held, when


@given(situation=situations(single=True))
def test_one_condition_on_one_value_changes_exactly_then(situation: Situation) -> None:
    criteria, (condition,) = parse(situation.criteria), situation.criteria["conditions"]
    facts, now, zone = situation.facts, situation.now, situation.zone
    change_at = next_change(criteria, facts, now, zone)
    always_near = condition["operator"] == "anniversary_within_days"  # year after year without a change
    if change_at is not None and not (always_near and condition["value"] >= 30):
        assert matches(criteria, facts, change_at, zone) is not matches(criteria, facts, now, zone)


@given(situation=situations(), value=st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.binary()))
def test_any_value_of_a_contact_gives_an_answer(situation: Situation, value: object) -> None:
    odd = Facts("con_1", attributes={"a": value, "b": [value]}, rollups=situation.facts.rollups)
    criteria = parse(situation.criteria)
    assert matches(criteria, odd, situation.now, situation.zone) in (True, False)
    next_change(criteria, odd, situation.now, situation.zone)
