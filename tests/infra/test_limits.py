"""What every synthesized template must keep to."""

import json
from collections.abc import Iterator
from typing import Any

from infra import grants
from infra.catalogue import MOST_ROUTES, MOST_STREAM_READERS
from tests.infra.conftest import Templates

MOST_RESOURCES = 400  # CloudFormation allows 500
LONGEST_POLICY = 9_000  # IAM allows 10,240 for all inline policies of a role


def resources(templates: Templates, type_: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for stack, template in templates.items():
        for id_, resource in template["Resources"].items():
            if resource["Type"] == type_:
                yield f"{stack}/{id_}", resource["Properties"]


def test_stacks_stay_below_the_resources_that_cloudformation_takes(templates: Templates) -> None:
    sizes = {stack: len(template["Resources"]) for stack, template in templates.items()}
    assert {stack: size for stack, size in sizes.items() if size > MOST_RESOURCES} == {}


def test_the_api_stays_below_the_routes_that_it_takes(templates: Templates) -> None:
    assert len(list(resources(templates, "AWS::ApiGatewayV2::Route"))) <= MOST_ROUTES
    assert len(list(resources(templates, "AWS::ApiGatewayV2::Integration"))) <= MOST_ROUTES


def test_inline_policies_stay_below_what_iam_takes(templates: Templates) -> None:
    lengths = {
        name: sum(grants.length(policy["PolicyDocument"]) for policy in role.get("Policies", []))
        for name, role in resources(templates, "AWS::IAM::Role")
    }
    assert {name: length for name, length in lengths.items() if length >= LONGEST_POLICY} == {}


def allowed(templates: Templates) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every Allow statement of every policy, wherever it stands."""

    def statements(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if value.get("Effect") == "Allow":
                yield value
            for part in value.values():
                yield from statements(part)
        elif isinstance(value, list):
            for part in value:
                yield from statements(part)

    for stack, template in templates.items():
        for id_, resource in template["Resources"].items():
            for statement in statements(resource["Properties"]):
                yield f"{stack}/{id_}", statement


def test_no_action_has_a_star(templates: Templates) -> None:
    def actions(statement: dict[str, Any]) -> list[str]:
        named = statement["Action"]
        return [named] if isinstance(named, str) else named

    starred = {name for name, statement in allowed(templates) if any("*" in action for action in actions(statement))}
    assert starred == set()


def test_nobody_scans_the_table_or_speaks_sql_to_it(templates: Templates) -> None:
    text = json.dumps(templates)
    assert "dynamodb:Scan" not in text and "dynamodb:PartiQL" not in text


def test_items_are_granted_by_key_prefix_only(templates: Templates) -> None:
    for name, statement in allowed(templates):
        actions = statement["Action"]
        if isinstance(actions, list) and any(action in (*grants.READ, *grants.WRITE) for action in actions):
            keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
            assert keys and all(key.endswith("#*") and len(key) > 2 for key in keys), name
            assert statement["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}, name


def test_every_queue_has_a_dead_letter_queue_and_patience(templates: Templates) -> None:
    queues = {queue["QueueName"]: queue for _, queue in resources(templates, "AWS::SQS::Queue")}
    for name, queue in queues.items():
        assert queue["SqsManagedSseEnabled"] is True
        if not name.endswith(("-dead", "-undelivered", "-unsubscribed")):
            assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
            assert f"{name}-dead" in queues
    covered = {policy["Queues"][0]["Ref"] for _, policy in resources(templates, "AWS::SQS::QueuePolicy")}
    assert len(covered) == len(queues)


def test_every_subscription_and_rule_has_a_dead_letter_queue(templates: Templates) -> None:
    for name, subscription in resources(templates, "AWS::SNS::Subscription"):
        assert "deadLetterTargetArn" in subscription["RedrivePolicy"], name
    for name, rule in resources(templates, "AWS::Events::Rule"):
        assert all("DeadLetterConfig" in target and "RetryPolicy" in target for target in rule["Targets"]), name


def test_every_log_group_forgets(templates: Templates) -> None:
    groups = list(resources(templates, "AWS::Logs::LogGroup"))
    assert groups and all(group["RetentionInDays"] <= 90 for _, group in groups)


def test_the_stream_has_at_most_two_readers(templates: Templates) -> None:
    mappings = [mapping for _, mapping in resources(templates, "AWS::Lambda::EventSourceMapping")]
    readers = [mapping for mapping in mappings if "StartingPosition" in mapping]
    assert len(readers) <= MOST_STREAM_READERS
    assert all(mapping["FilterCriteria"]["Filters"] and mapping["DestinationConfig"] for mapping in readers)
    assert all(mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for mapping in mappings)


def test_functions_log_json_and_are_never_reserved(templates: Templates) -> None:
    functions = list(resources(templates, "AWS::Lambda::Function"))
    assert functions
    for name, function in functions:
        assert function["LoggingConfig"]["LogFormat"] == "JSON", name
        assert function["Runtime"] == "python3.13" and function["Architectures"] == ["arm64"], name
        assert "ReservedConcurrentExecutions" not in function, name


def test_functions_do_not_look_for_plugins_of_pydantic(templates: Templates) -> None:
    """They would look through every installed package when they start."""
    for name, function in resources(templates, "AWS::Lambda::Function"):
        assert function["Environment"]["Variables"]["PYDANTIC_DISABLE_PLUGINS"] == "__all__", name


def test_x_ray_takes_calls_that_somebody_waits_for_and_not_the_masses(real_templates: Templates) -> None:
    """A trace costs as much as 25 calls: for each open, message and minute it would cost more than they do."""
    modes = {
        function["Environment"]["Variables"]["FUNCTION"]: function["TracingConfig"]["Mode"]
        for _, function in resources(real_templates, "AWS::Lambda::Function")
    }
    assert modes["contacts.create_contact"] == modes["campaigns.get_performance"] == "Active"
    masses = ("tracking.record_open", "feedback.apply_feedback", "feedback.receive_ses_events", "sends.sweep_sends",
              "sends.deliver_chunk", "activity.forward_events", "sends.govern_account")  # fmt: skip
    assert {modes[name] for name in masses} == {"PassThrough"}
    machines = list(resources(real_templates, "AWS::StepFunctions::StateMachine"))
    assert machines and all(machine["TracingConfiguration"]["Enabled"] for _, machine in machines)


def test_stacks_import_what_lasts_as_long_as_the_deployment_and_nothing_else(templates: Templates) -> None:
    exported = {
        output["Export"]["Name"]: stack
        for stack, template in templates.items()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    lasting = ("drumbeat-api", "drumbeat-stream", "drumbeat-signing-key", "drumbeat-suppression-key")
    assert exported == dict.fromkeys(lasting, "drumbeat-base")
