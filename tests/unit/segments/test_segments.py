"""Segments as the API gives them: figures, members, explanations, previews, the documented requests."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from drumbeat.errors import NotFound
from drumbeat.segments import definitions, figures, model, preview
from drumbeat.segments import members as lists_of_members

from tests.unit.segments.conftest import TENANT, contact, happened, in_city, members, segment, where
from tests.world import World

CREATE, LIST = "POST /api/v1/marketing/segments", "GET /api/v1/marketing/segments"
CUSTOMERS = "GET /api/v1/marketing/segments/{segment_id}/customers"
DOCUMENTED: dict[str, Any] = {
    "segment_name": "High Value Customers",
    "segment_name_bn": "উচ্চ মূল্যের ক্রেতা",
    "description": "Customers with lifetime value > 50,000 BDT",
    "segment_type": "behavioral",
    "criteria": {
        "conditions": [
            {"field": "customer_lifetime_value", "operator": "greater_than", "value": 50000},
            {"field": "last_purchase_date", "operator": "within_days", "value": 90},
        ],
        "logic": "AND",
    },
    "is_dynamic": True,
}


def bought(world: World, contact_id: str, order: str, value: float, **properties: Any) -> None:
    happened(world, contact_id, "purchase", order, properties={"value": value, "order_id": order, **properties})


def test_the_documented_requests(world: World) -> None:
    consent = {"email": {"status": "granted"}}
    ada = contact(
        world, "ada", external_id=123, phone="+8801712345678", consent={**consent, "sms": {"status": "granted"}}
    )
    bob = contact(world, "bob", consent=consent)
    contact(world, "eve")
    bought(world, ada, "o1", 60_000, category="electronics")
    bought(world, ada, "o2", 25_000, items=[{"category": "fashion"}, {"category": "electronics"}])
    bought(world, bob, "o3", 55_000.5, category="electronics")
    world.settle()

    created = world.call("segments.create_segment", route=CREATE, body=DOCUMENTED)
    assert (created.status, created.body["criteria"]) == (201, DOCUMENTED["criteria"])
    world.settle()

    (listed,) = world.call("segments.list_segments", route=LIST).body["segments"]
    assert listed["customer_count"] == 2
    assert listed["avg_order_value"] == pytest.approx(140_000.5 / 3, abs=0.01)
    assert isinstance(listed["growth_rate"], float)
    query = {"page": "1", "limit": "100", "sort": "customer_lifetime_value_desc"}
    for name in (created.body["id"], "high_value_customers", "high-value-customers"):
        body = world.call("segments.list_members", route=CUSTOMERS, path={"segment_id": name}, query=query).body
        first, second = body["customers"]
        assert (first["customer_id"], first["customer_lifetime_value"], first["total_orders"]) == (123, 85_000, 2)
        assert (first["avg_order_value"], second["customer_id"]) == (42_500, bob)
        assert body["segment_insights"] == {
            "avg_customer_lifetime_value": 70_000.25,
            "avg_order_frequency": "daily",
            "top_categories": ["electronics", "fashion"],
            "preferred_communication_channels": ["email", "sms"],
        }


def test_a_page_of_members_goes_on_behind_the_last_one(world: World) -> None:
    everyone = {contact(world, f"c{number}", attributes={"n": number}) for number in range(7)}
    numbered = segment(world, "Numbered", where("n", "is_set"))
    world.settle()

    for sort in ({}, {"sort": "since_desc"}):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        for _ in range(3):
            query = {"limit": "3", **sort, **cursor}
            data = world.call("segments.list_members", path={"segment_id": numbered}, query=query).data
            assert data["total_count"] == 7
            seen += [row["contact"]["id"] for row in data["items"]]
            cursor = {"cursor": data["next_cursor"]} if data["next_cursor"] else {}
        assert cursor == {}
        assert len(seen) == 7
        assert set(seen) == everyone


def test_large_segments_are_listed_by_cursor(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    everyone = {contact(world, f"c{number}", attributes={"n": number}) for number in range(7)}
    numbered = segment(world, "Numbered", where("n", "is_set"))
    world.settle()
    monkeypatch.setattr(figures, "MOST_ADDED", 3)

    seen: list[str] = []
    query = {"limit": "2"}
    for _ in range(4):
        data = world.call("segments.list_members", path={"segment_id": numbered}, query=query).data
        seen += [row["contact"]["id"] for row in data["items"]]
        query["cursor"] = data["next_cursor"]
    assert query["cursor"] is None
    assert (len(seen), set(seen), data["total_count"]) == (7, everyone, 7)

    query = {"sort": "since_asc", "limit": "7"}
    assert len(world.call("segments.list_members", path={"segment_id": numbered}, query=query).data["items"]) == 7
    monkeypatch.setattr(lists_of_members, "MOST_SORTED", 6)
    refused = world.call("segments.list_members", path={"segment_id": numbered}, query=query)
    assert (refused.status, refused.refused) == (422, ["sort"])


def test_members_are_sorted_by_every_documented_key(world: World) -> None:
    """Those without the value come last, whichever the direction."""
    ada = contact(world, "ada", first_name="Zoë", attributes={"n": 1})
    bob = contact(world, "bob", first_name="bob", attributes={"n": 1})
    eve = contact(world, "eve", attributes={"n": 1})
    bought(world, ada, "o1", 50)
    bought(world, ada, "o2", 60)
    bought(world, bob, "o3", 100, currency="USD")
    numbered = segment(world, "Numbered", where("n", "is_set"))
    world.settle()

    def order(sort: str) -> list[str]:
        found = world.call("segments.list_members", path={"segment_id": numbered}, query={"sort": sort}).data["items"]
        return [row["contact_id"] for row in found]

    assert order("customer_lifetime_value_desc") == [ada, bob, eve]
    assert order("avg_order_value_desc") == [bob, ada, eve]
    assert order("avg_order_value_asc") == [ada, bob, eve]
    assert order("last_purchase_date_asc")[2] == order("last_purchase_date_desc")[2] == eve
    assert order("name_asc") == [bob, eve, ada]
    assert order("joined_desc") == order("since_desc")


def test_the_count_is_exact_and_the_same_request_makes_one_segment(world: World) -> None:
    body, headers = {"name": "In Dhaka", "criteria": in_city("Dhaka")}, {"Idempotency-Key": "k1"}
    first = world.call("segments.create_segment", body=body, headers=headers).data["id"]
    assert world.call("segments.create_segment", body=body, headers=headers).data["id"] == first
    for number in range(3):
        contact(world, f"c{number}", attributes={"city": "Dhaka"})
        world.settle()
        assert world.call("segments.get_segment", path={"segment_id": first}).data["member_count"] == number + 1
    assert world.call("segments.list_segments").data["total_count"] == 1


def test_a_plain_mapping_is_criteria_too_and_stays_as_it_was_sent(world: World) -> None:
    ada = contact(world, "ada", country="BD", attributes={"plan": "pro"})
    contact(world, "bob", country="BD")
    made = segment(world, "Pros", {"country": "BD", "plan": ["pro", "team"]})
    world.settle()

    assert members(made) == {ada}
    shown = world.call("segments.get_segment", path={"segment_id": made}).data
    assert shown["criteria"] == {"country": "BD", "plan": ["pro", "team"]}


def test_circles_of_segments_are_refused(world: World) -> None:
    first = segment(world, "First", in_city("Dhaka"))
    second = segment(world, "Second", {"logic": "AND", "conditions": [{"segment": first}]})
    circle = {"criteria": {"logic": "NOT", "conditions": [{"segment": "second"}]}}

    refused = world.call("segments.update_segment", path={"segment_id": first}, body=circle)

    assert (refused.status, refused.refused) == (422, ["criteria"])
    assert world.call("segments.delete_segment", path={"segment_id": first}).body["error_code"] == "SEGMENT_IN_USE"
    assert world.call("segments.delete_segment", path={"segment_id": second}).status == 200
    assert world.call("segments.delete_segment", path={"segment_id": first}).status == 200


def test_names_change_and_the_slug_stays(world: World) -> None:
    made = segment(world, "New Customers", in_city("Dhaka"), names={"bn": "নতুন"})
    said = {"name": "Fresh Customers", "names": None, "description": "x"}
    world.call("segments.update_segment", path={"segment_id": made}, body=said)

    shown = world.call("segments.get_segment", path={"segment_id": "new-customers"}).data

    assert (shown["id"], shown["name"], shown["names"], shown["version"]) == (made, "Fresh Customers", {}, 1)


def test_what_is_resolved_by_name(world: World) -> None:
    made = segment(world, "New Customers", in_city("Dhaka"))

    assert [one.segment_id for one in model.resolve(TENANT, ["new-customers", made])] == [made, made]
    with pytest.raises(NotFound, match="'nobody'"):
        model.resolve(TENANT, [made, "nobody"])
    with pytest.raises(NotFound):
        model.resolve("ten_globex", [made])


def test_an_explanation_says_what_the_contact_has(world: World) -> None:
    criteria = {"logic": "AND", "conditions": [
        {"field": "customer_lifetime_value", "operator": "greater_than", "value": 100}, {"tag": "vip"},
        {"event": "purchase", "count": {"operator": "greater_or_equal", "value": 2}, "within_days": 30},
    ]}  # fmt: skip
    made = segment(world, "Good", criteria)
    ada = contact(world, "ada", tags=["vip"])
    bought(world, ada, "o1", 150.5)
    world.settle()

    told = world.call("segments.explain_membership", path={"segment_id": made, "contact_id": ada}).data

    assert (told["member"], told["matches"], told["explanation"]["held"]) == (False, False, False)
    assert [part["held"] for part in told["explanation"]["parts"]] == [True, True, False]
    assert [part["actual"] for part in told["explanation"]["parts"]] == [150.5, True, 1]
    assert (
        world.call("segments.explain_membership", tenant="globex", path={"segment_id": made, "contact_id": ada}).status
        == 404
    )


def test_an_explanation_goes_into_the_segments_that_conditions_refer_to(world: World) -> None:
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    vips = segment(world, "VIPs", {"tag": "vip"}, dynamic=False)
    tenth = {"sample_percent": 100, "from_percent": 0, "salt": "spring"}
    nested = {"logic": "AND", "conditions": [
        {"segment": "in-dhaka"}, {"logic": "NOT", "conditions": [{"segment": vips}]}, tenth,
    ]}  # fmt: skip
    made = segment(world, "Ours", nested)
    ada = contact(world, "ada", attributes={"city": "Rome"})
    world.settle()

    told = world.call("segments.explain_membership", path={"segment_id": made, "contact_id": ada}).data["explanation"]

    inside, outside, sample = told["parts"]
    assert (inside["held"], outside["held"], sample["held"]) == (False, True, True)
    (city,) = inside["parts"][0]["parts"]
    assert (inside["condition"], city["actual"]) == ({"segment": dhaka}, "Rome")
    assert outside["parts"][0]["parts"][0]["condition"] == {"list": vips}
    assert 0 <= sample["actual"] < 100


def test_a_preview_counts_exactly_in_the_background(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        contact(world, f"c{number}", attributes={"city": "Dhaka" if number % 3 == 0 else "Rome"})
    monkeypatch.setattr(preview, "SAMPLE", 12)

    first = world.call("segments.preview_segment", body={"criteria": in_city("Dhaka")}).data
    again = world.call("segments.preview_segment", body={"criteria": in_city("Dhaka")}).data
    assert first["estimate"] == again["estimate"]
    assert (first["estimate"]["sample_size"], first["estimate"]["total_contacts"]) == (12, 30)
    assert first["estimate"]["low"] <= 10 <= first["estimate"]["high"]
    world.settle()

    job = world.call("segments.get_preview", path={"job_id": first["job_id"]}).data
    assert (job["state"], job["count"], job["evaluated"]) == ("done", 10, 30)
    assert definitions.of(TENANT).all == {}


def test_a_large_base_is_sampled_in_windows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        contact(world, f"c{number}")
    monkeypatch.setattr(preview, "MOST_LISTED", 5)

    found = world.call("segments.preview_segment", body={"criteria": {}}).data["estimate"]

    assert (found["estimate"], found["total_contacts"]) == (10, 10)
    assert 1 <= found["sample_size"] <= 10


@pytest.mark.parametrize(
    ("held", "size", "total", "low", "high"),
    [(0, 500, 1_000_000, 0, 7624), (250, 500, 1_000_000, 456_341, 543_659), (3, 3, 3, 3, 3), (0, 0, 0, 0, 0)],
)
def test_margins_of_error(held: int, size: int, total: int, low: int, high: int) -> None:
    """Against Wilson's interval computed by hand; a sample of everyone has no error."""
    found = preview.estimate(held, size, total)

    assert abs(found.low - low) <= 40
    assert abs(found.high - high) <= 40
    assert found.low <= found.estimate <= found.high


def test_growth_is_against_a_month_ago(world: World, time_travel: Callable[[timedelta], None]) -> None:
    contact(world, "ada", attributes={"city": "Dhaka"})
    made = segment(world, "In Dhaka", in_city("Dhaka"))
    world.settle()
    assert world.call("segments.get_segment", path={"segment_id": made}).data["growth_rate"] is None

    time_travel(timedelta(days=31))
    contact(world, "bob", attributes={"city": "Dhaka"})
    world.settle()

    assert world.call("segments.get_segment", path={"segment_id": made}).data["growth_rate"] == 1.0


def test_growth_of_days() -> None:
    today = date(2026, 11, 20)
    days = {"2026-10-15": 50, "2026-10-20": 100, "2026-11-01": 120}

    assert figures.growth(days, today, 130) == 0.3
    assert figures.growth({"2026-11-10": 100}, today, 90) == -0.1
    assert figures.growth({"2026-11-20": 5}, today, 5) is None
    assert figures.growth({"2026-11-01": 0}, today, 5) is None
    assert list(figures.with_day(days, today, 7)) == ["2026-10-20", "2026-11-01", "2026-11-20"]


@pytest.mark.parametrize(
    ("days", "word"),
    [(1, "daily"), (7, "weekly"), (14, "biweekly"), (30, "monthly"), (91, "quarterly"), (400, "yearly")],
)
def test_words_for_frequencies(days: float, word: str) -> None:
    assert figures.frequency(days) == word
