"""The documents' workflows, rules and sequences, at their documented paths."""

from typing import Any

from tests.unit.journeys.engine import Engine, contact
from tests.world import World

GETIT = "/api/v1/marketing/automation/workflows"
MCP = "/api/marketing/automation"
WELCOME: dict[str, Any] = {
    "workflow_name": "Welcome Series",
    "description": "3-email welcome series for new customers",
    "trigger_type": "user_action",
    "trigger_conditions": {"event": "user_registered", "filters": {"registration_source": "website"}},
    "workflow_steps": [
        {"step_id": 1, "type": "wait", "duration": "1_hour"},
        {"step_id": 2, "type": "send_email", "template_id": "welcome_email_1", "personalization": True},
        {"step_id": 3, "type": "wait", "duration": "3_days"},
        {
            "step_id": 4,
            "type": "condition",
            "condition": {"field": "email_opened", "operator": "equals", "value": True},
            "if_true": 5,
            "if_false": 6,
        },
        {"step_id": 5, "type": "send_email", "template_id": "welcome_email_2_engaged"},
        {"step_id": 6, "type": "send_email", "template_id": "welcome_email_2_not_engaged"},
    ],
}
TEMPLATES = ("welcome_email_1", "welcome_email_2_engaged", "welcome_email_2_not_engaged")


def templates(world: World) -> None:
    for name in TEMPLATES:
        html = '<p>Hello {{ first_name }}</p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}'
        assert world.call("templates.create_template", body={"name": name, "subject": name, "html": html}).status == 201


def create(world: World, body: Any, path: str = GETIT) -> Any:
    return world.call("journeys.create_journey", route=f"POST {path}", body=body)


def registered(engine: Engine, place: int, source: str) -> None:
    engine.happens(place, "user_registered", properties={"registration_source": source})


def test_the_welcome_series_runs_word_for_word(engine: Engine) -> None:
    templates(engine.world)
    made = create(engine.world, WELCOME)
    assert made.status == 201, made.text
    said = made.body
    assert {name: said[name] for name in WELCOME} == WELCOME
    assert (said["status"], said["is_active"]) == ("active", True)
    registered(engine, 0, "website")
    engine.soon()
    engine.passes(hours=2)
    assert engine.mails() == {("p0@town.example", "welcome_email_1"): 1}
    engine.passes(days=4)
    assert engine.mails() == {
        ("p0@town.example", "welcome_email_1"): 1, ("p0@town.example", "welcome_email_2_not_engaged"): 1
    }  # fmt: skip
    reply = engine.world.call(
        "journeys.get_performance", route=f"GET {GETIT}/{{workflow_id}}/performance", path={"workflow_id": said["id"]}
    )
    shown = reply.body
    keys = {"step_id", "step_type", "executions", "successes", "success_rate"}
    assert all(set(one) == keys for one in shown["step_performance"])
    assert shown["workflow_info"] == {
        "name": "Welcome Series", "status": "active", "execution_count": 1, "success_rate": 1.0
    }  # fmt: skip
    assert [(one["step_id"], one["step_type"], one["executions"]) for one in shown["step_performance"]] == [
        (1, "wait", 1), (2, "send_email", 1), (3, "wait", 1), (4, "condition", 1), (5, "send_email", 0),
        (6, "send_email", 1),
    ]  # fmt: skip
    assert shown["conversion_metrics"] == {
        "workflow_completions": 1, "completion_rate": 1.0, "conversions": 0, "conversion_rate": 0.0, "revenue": 0
    }  # fmt: skip
    entry = engine.world.call(
        "journeys.get_contact", path={"journey_id": said["id"], "contact_id": contact(0)}
    ).data["entries"][0]  # fmt: skip
    assert (entry["status"], entry["current_step"]) == ("completed", None)
    assert [(one["step"], one["outcome"]) for one in entry["steps"]][-2:] == [("4", "false"), ("6", "queued")]
    assert entry["steps"][-1]["message"]["outcome"] == "sent"
