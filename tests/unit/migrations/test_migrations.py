"""Moving in from Amazon Pinpoint: definitions become segments, templates and draft campaigns, with a report."""

from typing import Any

from tests.harness import Reply
from tests.unit.contacts.files import imported
from tests.unit.contacts.test_import_pinpoint import endpoint, export
from tests.unit.migrations.pinpoint import attribute, campaign, group, segment, template
from tests.world import World

GOLD = group({"UserAttributes": {"Plan": attribute("gold")}})
RECENT = group({"Behavior": {"Recency": {"Duration": "DAY_30", "RecencyType": "ACTIVE"}}})


def migrate(world: World, *documents: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    """The results by Pinpoint's id."""
    found = world.call("migrations.migrate_pinpoint", body={"documents": list(documents), **more}).data
    return {one["source_id"]: one for one in found["results"]}


def got(world: World, name: str, key: str, value: str) -> Reply:
    return world.call(name, path={key: value})


def test_segments_templates_and_campaigns_are_taken_over(world: World) -> None:
    documents = [
        # The campaign comes before what it uses: the order does not matter.
        campaign(
            "c1", "Spring", "s2",
            MessageConfiguration={"EmailMessage": {"FromAddress": "Acme News <news@acme.example>"}},
            TemplateConfiguration={"EmailTemplate": {"Name": "Welcome", "Version": "2"}},
            Limits={"Daily": 0, "MaximumDuration": 3600, "MessagesPerSecond": 50, "Total": 0}, HoldoutPercent=10,
        ),
        campaign("c2", "Own words", "s1"),
        segment("s2", "Gold in Rome", group({"Attributes": {"City": attribute("Rome")}}, sources=("s1",))),
        {"SegmentsResponse": {"Item": [segment("s1", "Gold", GOLD)["SegmentResponse"]], "NextToken": "x"}},
        template("Welcome"),
    ]  # fmt: skip

    found = migrate(world, *documents)

    assert {key: one["outcome"] for key, one in found.items()} == {
        "c1": "approximated", "c2": "exact", "s2": "exact", "s1": "exact", "Welcome": "exact",
    }  # fmt: skip
    gold = got(world, "segments.get_segment", "segment_id", found["s1"]["id"]).data
    wanted = {"field": "attributes.Plan", "operator": "in", "value": ["gold"]}
    assert (gold["name"], gold["criteria"]) == ("Gold", {"logic": "AND", "conditions": [wanted]})
    rome = got(world, "segments.get_segment", "segment_id", found["s2"]["id"]).data
    assert rome["criteria"]["conditions"][0] == {"segment": found["s1"]["id"]}
    spring = got(world, "campaigns.get_campaign", "campaign_id", found["c1"]["id"]).data
    assert (spring["status"], spring["template_id"]) == ("draft", found["Welcome"]["id"])
    assert (spring["sender_name"], spring["sender_email"]) == ("Acme News", "news@acme.example")
    assert spring["audience"]["segments"] == [found["s2"]["id"]]
    (held_out,) = spring["audience"]["exclude"]
    sample = got(world, "segments.get_segment", "segment_id", held_out).data["criteria"]["conditions"]
    assert sample == [{"sample_percent": 10, "salt": "pinpoint-c1"}]
    assert (spring["limits"]["per_second"], spring["expire_after"]) == (50, 3600)
    own = got(world, "campaigns.get_campaign", "campaign_id", found["c2"]["id"]).data
    assert own["subject"] == "Hello {{ first_name }}"
    welcome = got(world, "templates.get_template", "template_id", found["Welcome"]["id"]).data
    assert welcome["subject"] == 'News for {{ first_name | default: "friend" }}'
    assert "{{ attributes.City | compact | first }}" in welcome["html"]

    again = migrate(world, *documents)
    assert {key: (one["id"], one["already_there"]) for key, one in again.items()} == {
        key: (one["id"], True) for key, one in found.items()
    }
    for name, count in (
        ("segments.list_segments", 3),
        ("templates.list_templates", 1),
        ("campaigns.list_campaigns", 2),
    ):
        assert world.call(name).data["total_count"] == count


def test_attributes_have_the_names_that_the_import_gave_them(world: World) -> None:
    rome = group({"Attributes": {"City": attribute("Rome")}, "UserAttributes": {"FirstName": attribute("Ann")}})
    endpoints = [
        endpoint("EMAIL", "ann@example.com", "u1", Attributes={"City": ["Bonn", "Rome"]},
                 User={"UserAttributes": {"FirstName": ["Ann"]}}),
        endpoint("EMAIL", "bob@example.com", "u2", Attributes={"City": ["Rome"]}),
    ]  # fmt: skip
    imported(world, export(*endpoints))

    found = migrate(world, segment("s1", "Anns of Rome", rome))
    world.settle()

    members = got(world, "segments.list_members", "segment_id", found["s1"]["id"]).data["items"]
    assert [one["contact"]["email"] for one in members] == ["ann@example.com"]


def test_what_could_not_be_carried_over_says_why(world: World) -> None:
    held = world.call("segments.create_segment", body={"name": "Mine", "criteria": {"plan": "gold"}}).data
    sms = {"SMSMessage": {"Body": "Hi", "MessageType": "PROMOTIONAL"}}
    found = migrate(
        world,
        segment("s1", "Lately", RECENT),
        segment("s2", "Of lately", group(sources=("s1",))),
        segment("s3", "One", group(sources=("s4",))),
        segment("s4", "Two", group(sources=("s3",))),
        campaign("c1", "To lately", "s1"),
        campaign("c2", "To mine", "s9"),
        campaign("c3", "To nobody", "s8"),
        campaign("c4", "Texts", "s9", MessageConfiguration=sms),
        campaign("c5", "Events", "s9", Schedule={"Frequency": "EVENT", "EventFilter": {"FilterType": "SYSTEM"}}),
        campaign("c6", "No template", "s9", TemplateConfiguration={"EmailTemplate": {"Name": "Gone"}}),
        template("Bad", HtmlPart="<p>{{uuid}}</p>"),
        template("Script", HtmlPart="<script>alert(1)</script>"),
        {"JourneyResponse": {"Id": "j1", "Name": "Welcome journey", "StartActivity": "a"}},
        {"hello": "world"},
        segment("s5", "Odd", SegmentGroups="none"),
        campaign("c7", "Odd", "s9", Schedule=["never"]),
        segments={"s9": "mine"},
    )

    reasons = {key: one["reason"] for key, one in found.items()}
    assert "used an app lately" in reasons["s1"]
    assert "its segment Lately was not carried over" in reasons["s2"]
    assert "based on it" in reasons["s3"] + reasons["s4"]
    assert "Lately" in reasons["c1"]
    assert (found["c2"]["outcome"], reasons["c2"]) == ("exact", None)
    assert "`segments`" in reasons["c3"]
    assert "no e-mail, but a text message" in reasons["c4"]
    assert "journey" in reasons["c5"]
    assert "send it along" in reasons["c6"]
    assert "uuid" in reasons["Bad"]
    assert "script" in reasons["Script"]
    assert "anew" in reasons["j1"]
    assert "no segment, campaign" in reasons["document 13"]
    assert "has not the shape" in reasons["s5"]
    assert "has not the shape" in reasons["c7"]
    mine = got(world, "campaigns.get_campaign", "campaign_id", found["c2"]["id"]).data
    assert mine["audience"]["segments"] == [held["id"]]
    for name, count in (
        ("segments.list_segments", 1),
        ("templates.list_templates", 0),
        ("campaigns.list_campaigns", 1),
    ):
        assert world.call(name).data["total_count"] == count


def test_what_a_campaign_does_in_another_way_is_said(world: World) -> None:
    world.call("segments.create_segment", body={"name": "Mine", "criteria": {"plan": "gold"}})
    weekly = {"Frequency": "WEEKLY", "StartTime": "2024-01-01T09:00:00Z", "EndTime": "2025-01-01T09:00:00Z",
              "QuietTime": {"Start": "21:00", "End": "08:00"}}  # fmt: skip
    local = {"Frequency": "ONCE", "IsLocalTime": True, "StartTime": "2099-01-01T09:00:00Z", "Timezone": "UTC-08"}
    both = {
        "EmailMessage": {"Title": "T & T", "Body": "Hi {{Attributes.Name.[0]}},\nfish & chips\n\nBye"},
        "SMSMessage": {"Body": "x"},
    }  # fmt: skip
    found = migrate(
        world,
        campaign("c1", "Weekly", "s9", Schedule=weekly, tags={"team": "growth"}, Description="old",
                 AdditionalTreatments=[{"Id": "t", "TreatmentName": "B", "SizePercent": 20}]),
        campaign("c2", "Local", "s9", Schedule=local, MessageConfiguration=both),
        campaign("c3", "Over", "s9", Schedule={"Frequency": "ONCE", "StartTime": "2024-01-01T09:00:00Z"}),
        segments={"s9": "mine"},
    )  # fmt: skip

    weekly_differs = "; ".join(found["c1"]["differences"])
    for said in ("WEEKLY", "21:00 to 08:00", "treatment B (20 %)", "team=growth", "description"):
        assert said in weekly_differs
    local_made = got(world, "campaigns.get_campaign", "campaign_id", found["c2"]["id"]).data
    assert (local_made["send_in_recipient_zone"], local_made["local_send_at"]) == (True, "2099-01-01T09:00:00")
    assert local_made["subject"] == "T & T"
    assert "text message" in "; ".join(found["c2"]["differences"])
    assert "is over" in found["c3"]["differences"][0]


def test_another_version_of_a_base_segment_is_said(world: World) -> None:
    base, based = segment("s1", "Gold", GOLD, Version=3), segment("s2", "Of gold", group(sources=("s1",)))

    found = migrate(world, base, based, dry_run=True)

    assert found["s2"]["differences"] == ["it used version 1 of the segment s1; version 3 was sent along"]
    assert (
        migrate(world, based, {"SegmentResponse": {**base["SegmentResponse"], "Version": 1}})["s2"]["outcome"]
        == "exact"
    )


def test_a_dry_run_makes_nothing_and_says_the_same(world: World) -> None:
    documents = [segment("s1", "Gold", GOLD), template("Welcome"), campaign("c1", "Spring", "s1", HoldoutPercent=5)]
    reply = world.call("migrations.migrate_pinpoint", body={"documents": documents, "dry_run": True}).data

    assert (reply["dry_run"], reply["exact"], reply["approximated"], reply["not_carried"]) == (True, 2, 1, 0)
    for name in ("segments.list_segments", "templates.list_templates", "campaigns.list_campaigns"):
        assert world.call(name).data["total_count"] == 0
    real = migrate(world, *documents)
    assert {key: one["id"] for key, one in real.items()} == {one["source_id"]: one["id"] for one in reply["results"]}

    stored = world.call("migrations.get_migration", path={"migration_id": reply["id"]}).data
    assert stored["results"] == reply["results"]
    assert world.call("migrations.list_migrations").data["total_count"] == 2
    for tenant, migration_id in (("globex", reply["id"]), ("acme", "nonsense")):
        refused = world.call("migrations.get_migration", path={"migration_id": migration_id}, tenant=tenant)
        assert refused.status == 404
    world.keys["few"] = world.key("acme", ("imports:write", "segments:write"))
    assert world.call("migrations.migrate_pinpoint", tenant="few", body={"documents": documents}).status == 403
