"""Whatever is given up lands where the operator's command looks for it."""

import json
from typing import Any

from drumbeat import schedules

from infra import discovery, messaging, names
from infra.catalogue import checked
from infra.dead_letters import inventory
from infra.dead_letters.queues import Letters
from tests.infra.conftest import Templates
from tests.unit.system import sqs


def resources(templates: Templates, type_: str) -> list[dict[str, Any]]:
    return [
        one["Properties"]
        for template in templates.values()
        for one in template["Resources"].values()
        if one["Type"] == type_
    ]


def test_every_queue_that_takes_what_is_given_up_is_one_of_the_places(real_templates: Templates) -> None:
    catalogue = checked(discovery.functions(), discovery.documented())
    places = inventory.places(catalogue, lambda service: None, "bucket")
    queues = {place.queue for place in places if isinstance(place, Letters)}

    made = {queue["QueueName"] for queue in resources(real_templates, "AWS::SQS::Queue")}
    worked_off = {names.queue(name) for name in catalogue.consumers}
    assert made == queues | worked_off


def test_a_message_is_given_up_after_as_many_tries_as_the_tests_of_it_say(real_templates: Templates) -> None:
    redriven = [queue for queue in resources(real_templates, "AWS::SQS::Queue") if "RedrivePolicy" in queue]
    assert {queue["RedrivePolicy"]["maxReceiveCount"] for queue in redriven} == {messaging.TRIES} == {sqs.TRIES}
    assert {names.queue(name) for name in checked(discovery.functions(), {}).consumers} == {
        queue["QueueName"] for queue in redriven
    }


def test_schedules_give_up_into_the_queue_that_is_there() -> None:
    assert schedules.UNDELIVERED == names.UNDELIVERED


def test_a_record_of_the_stream_that_always_fails_ends_in_the_bucket_and_holds_nobody_up(
    real_templates: Templates,
) -> None:
    """Nine tries, or six hours, and its batch is kept with all that it says: nothing of it is only metadata."""
    mappings = resources(real_templates, "AWS::Lambda::EventSourceMapping")
    streams = [mapping for mapping in mappings if "StartingPosition" in mapping]
    assert len(streams) == 2
    for mapping in streams:
        assert mapping["MaximumRetryAttempts"] == 8 and mapping["MaximumRecordAgeInSeconds"] == 6 * 3600
        assert ":s3:::" in json.dumps(mapping["DestinationConfig"]["OnFailure"]["Destination"])
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["BisectBatchOnFunctionError"]


def test_rules_and_asynchronous_calls_give_up_into_it_too(real_templates: Templates) -> None:
    for rule in resources(real_templates, "AWS::Events::Rule"):
        assert names.UNDELIVERED in json.dumps(rule["Targets"][0]["DeadLetterConfig"])
    listening = {found.name for found in discovery.functions() if found.declaration.kind in ("on", "schedule")}
    for function in resources(real_templates, "AWS::Lambda::Function"):
        if function["FunctionName"] in map(names.function, listening):
            assert names.UNDELIVERED in json.dumps(function["DeadLetterConfig"])
