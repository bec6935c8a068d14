"""Workflows, rules and sequences as the documents say them, and what they become. No world is needed."""

from datetime import timedelta
from typing import Any

import pytest
from drumbeat.errors import Invalid
from drumbeat.journeys import documented
from drumbeat.journeys.documented import rules, sequences, words, workflows
from drumbeat.journeys.steps import Definition


def workflow(*steps: dict[str, Any], **trigger: Any) -> Definition:
    said = {"trigger_type": "api_trigger", **trigger, "workflow_steps": list(steps)}
    return documented.read(workflows.converted(said))


def refused(read: Any, said: dict[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as wrong:
        documented.read(read(said))
    return [detail.field for detail in wrong.value.details]


def edges(definition: Definition) -> dict[str, dict[str, str]]:
    """Where each step leads, by field; the end is `end`."""
    return {
        step.id: {field: definition.target(step, to) for field, to in step.targets.items()}
        for step in definition.steps
    }  # fmt: skip


def mail(number: int, **more: Any) -> dict[str, Any]:
    return {"step_id": number, "type": "send_email", "template_id": "t", **more}


def opened(number: int, **more: Any) -> dict[str, Any]:
    return {"step_id": number, "type": "condition", "condition": {"field": "email_opened", "value": True}, **more}


def test_exactly_one_branch_runs() -> None:
    found = edges(workflow(mail(1), opened(2, if_true=3, if_false=5), mail(3), mail(4), mail(5), mail(6)))

    assert found["2"] == {"if_true": "3", "if_false": "5"}
    assert found["3"] == {"next": "4"}
    assert found["4"] == {"next": "end"}  # what follows is the other branch
    assert found["5"] == {"next": "6"}


def test_an_inner_branch_that_is_not_named_does_not_run_into_the_other_outer_one() -> None:
    found = edges(workflow(opened(1, if_true=2, if_false=4), mail(2), opened(3, if_true=5), mail(4), mail(5)))

    assert found["3"] == {"if_true": "5", "if_false": "end"}


def test_steps_that_are_numbered_from_nought() -> None:
    found = edges(workflow(mail(0), opened(1, if_true=2, if_false=4), mail(2), {**mail(3), "step_id": None}))

    assert found["0"] == {"next": "1"} and found["1"] == {"if_true": "2", "if_false": "4"}
    assert found["2"] == {"next": "end"} == found["4"]  # the last one has the number of its place


def test_an_explicit_next_joins_the_branches() -> None:
    found = edges(workflow(mail(1), opened(2, if_true=3, if_false=4), mail(3, next=5), mail(4), mail(5)))

    assert found["3"] == {"next": "5"} == found["4"]


def test_branches_within_branches() -> None:
    found = edges(
        workflow(mail(1), opened(2, if_true=3, if_false=6), opened(3, if_true=4, if_false=5), mail(4), mail(5), mail(6))
    )

    assert [found[step]["next"] for step in ("4", "5", "6")] == ["end", "end", "end"]


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        ({"if_true": 3}, {"if_true": "3", "if_false": "end"}),  # the step below is the branch that is named
        ({"if_true": 4}, {"if_true": "4", "if_false": "3"}),
        ({"if_false": 4}, {"if_true": "3", "if_false": "4"}),
    ],
)
def test_a_branch_that_is_not_named_is_the_step_below(named: dict[str, int], wanted: dict[str, str]) -> None:
    assert edges(workflow(mail(1), opened(2, **named), mail(3), mail(4)))["2"] == wanted


@pytest.mark.parametrize(
    ("condition", "swapped"),
    [
        ({"field": "email_opened", "operator": "equals", "value": True}, False),
        ({"field": "email_opened", "operator": "equals", "value": False}, True),
        ({"field": "email_opened", "operator": "not_equals", "value": True}, True),
        ({"field": "email_clicked", "operator": "is_true"}, False),
    ],
)
def test_what_somebody_did_with_the_last_mail(condition: dict[str, Any], swapped: bool) -> None:
    asked = {"step_id": 2, "type": "condition", "condition": condition, "if_true": 3, "if_false": 4}
    definition = workflow(mail(1), asked, mail(3), mail(4))

    step = definition.step("2")
    assert step is not None and step.engagement.channel == "email"
    assert (step.if_true, step.if_false) == (("4", "3") if swapped else ("3", "4"))


@pytest.mark.parametrize(("logic", "first"), [("AND", {"if_true": "2.2", "if_false": "4"}),
                                              ("OR", {"if_true": "3", "if_false": "2.2"})])  # fmt: skip
def test_several_conditions(logic: str, first: dict[str, str]) -> None:
    both = [{"field": "email_opened", "value": True}, {"field": "city", "operator": "==", "value": "Dhaka"}]
    asked = {"step_id": 2, "type": "condition", "logic": logic, "conditions": both, "if_true": 3, "if_false": 4}
    found = edges(workflow(mail(1), asked, mail(3), mail(4)))

    assert found["2"] == first and found["2.2"] == {"if_true": "3", "if_false": "4"}
    assert found["3"] == {"next": "end"}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("1_hour", timedelta(hours=1)), ("3_days", timedelta(days=3)), ("90 minutes", timedelta(minutes=90)),
        ("P3D", timedelta(days=3)), ("PT1H30M", timedelta(minutes=90)), (60, timedelta(minutes=1)),
        ("2-weeks", timedelta(days=14)), ("1.5_hours", timedelta(minutes=90)),
    ],
)  # fmt: skip
def test_durations(said: Any, wanted: timedelta) -> None:
    assert words.duration(said, "x") == wanted


@pytest.mark.parametrize("said", ["soon", "three_days", "", "P", "PT", "P3Q", True, None, [], "1_fortnight"])
def test_what_is_no_duration(said: Any) -> None:
    with pytest.raises(words.Wrong):
        words.duration(said, "x")


@pytest.mark.parametrize(
    ("kind", "conditions", "wanted"),
    [
        ("event_based", {"event": "email_opened"}, {"type": "event", "event": "email.opened"}),
        ("event_based", {"event": "segment_entered", "segment": "vip"}, {"type": "segment", "segment": "vip"}),
        ("date_based", {"date_field": "birthday", "days_before": 3, "time": "10:00"},
         {"type": "date", "attribute": "birthday", "days": -3, "at": "10:00"}),
        ("date_based", {"date": "2026-04-01T09:00:00Z", "segment": "vip", "every": "7_days"},
         {"type": "schedule", "segment": "vip", "every": "P7D"}),
        ("api_trigger", {}, {"type": "api"}),
    ],
)  # fmt: skip
def test_triggers(kind: str, conditions: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = workflow(mail(1), trigger_type=kind, trigger_conditions=conditions).stored["trigger"]

    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("step", "fields"),
    [
        ({"step_id": 1, "type": "wait", "duration": "soon"}, ["workflow_steps[0].duration"]),
        ({"step_id": 1, "type": "send_email"}, ["workflow_steps[0].template_id"]),
        ({"step_id": 1, "type": "dance"}, ["workflow_steps[0].type"]),
        ({"step_id": 1, "type": "send_email", "template_id": "t", "templte": 1}, ["workflow_steps[0].templte"]),
        ({"step_id": 1, "type": "add_to_segment"}, ["workflow_steps[0].segment_id"]),
        ({"step_id": 1, "type": "wait", "duration": "500_days"}, ["workflow_steps[0].duration"]),
        (opened(1), ["workflow_steps[0].if_true"]),
        (opened(1, if_true=9), ["workflow_steps[0].if_true"]),
        ({"step_id": 1, "type": "webhook", "url": "http://169.254.169.254/"}, ["workflow_steps[0].url"]),
        (7, ["workflow_steps[0]"]),
    ],
)
def test_what_is_wrong_is_named_where_the_document_has_it(step: Any, fields: list[str]) -> None:
    assert refused(workflows.converted, {"trigger_type": "api_trigger", "workflow_steps": [step]}) == fields


def test_a_rule_asks_the_event_and_the_contact() -> None:
    said = {
        "trigger": "cart_abandoned",
        "conditions": [
            {"field": "event.total", "operator": ">", "value": 100}, {"field": "city", "value": "Dhaka"}
        ],
        "actions": [
            {"type": "send_email", "template_id": "t", "delay_hours": 1}, {"type": "wait", "delay": "2_days"},
            {"type": "award_points", "points": 5, "delay_days": 1, "delay_hours": 2},
        ],
    }  # fmt: skip
    found = documented.read(rules.converted(said)).stored

    assert found["trigger"]["filters"] == [{"field": "attributes.total", "operator": "greater_than", "value": 100}]
    assert [(step["id"], step["type"], step.get("duration")) for step in found["steps"]] == [
        ("conditions", "branch", None), ("1.wait", "wait", "PT1H"), ("1", "send", None), ("2", "wait", "P2D"),
        ("3.wait", "wait", "P1DT2H"), ("3", "award_points", None),
    ]  # fmt: skip
    assert found["terms"]["re_entry"] == "always"
    assert refused(rules.converted, {**said, "trigger": {"segment": "vip"}}) == ["conditions"]
    assert refused(rules.converted, {"trigger": "x", "actions": []}) == ["actions"]


@pytest.mark.parametrize(
    ("trigger", "fields"),
    [
        ({"trigger": "purchase", "segment": "vip"}, ["segment"]),
        ({"trigger": {"event": "purchase"}, "target_segment": "vip"}, ["target_segment"]),
        ({"trigger": {"event": "purchase", "segment": "vip"}}, ["trigger.segment"]),
        ({"trigger_type": "user_action", "trigger_conditions": {"event": "purchase", "segment_id": "vip"}},
         ["trigger_conditions.segment_id"]),
        ({"trigger_type": "date_based", "trigger_conditions": {"date_field": "birthday", "days_before": "3"}},
         ["trigger_conditions.days_before"]),
    ],
)  # fmt: skip
def test_what_a_trigger_would_not_look_at_is_refused(trigger: dict[str, Any], fields: list[str]) -> None:
    """Otherwise everybody would enter, or at another time."""
    assert refused(rules.converted, {**trigger, "actions": [{"type": "add_tag", "tag": "a"}]}) == fields


def test_delays_of_a_sequence() -> None:
    emails: list[dict[str, Any]] = [
        {"template_id": "a"}, {"template_id": "b"}, {"template_id": "c", "delay_hours": 36}
    ]  # fmt: skip
    days: list[dict[str, Any]] = [
        {"template_id": "a", "day": 0},
        {"template_id": "b", "day": 3},
        {"template_id": "c", "day": 7},
    ]

    def waits(mails: list[dict[str, Any]]) -> list[str]:
        found = documented.read(sequences.converted({"segment": "vip", "emails": mails})).stored
        return [step["duration"] for step in found["steps"] if step["type"] == "wait"]

    assert waits(emails) == ["P1D", "P1DT12H"]
    assert waits(days) == ["P3D", "P4D"]
    assert refused(
        sequences.converted, {"emails": [{"template_id": "a", "day": 3}, {"template_id": "b", "day": 1}]}
    ) == ["emails[1].day"]
    assert refused(sequences.converted, {"emails": [{"type": "send_sms", "message": "x"}]}) == ["emails[0].type"]
