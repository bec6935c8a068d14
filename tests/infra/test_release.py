"""An update of what is deployed keeps what it holds: today's templates against the last release's."""

import copy
import json
from typing import Any

import pytest

from infra import release
from tests.infra.conftest import Templates

BASE = "drumbeat-base"


def test_this_release_can_be_deployed_over_the_last_one(real_templates: Templates) -> None:
    found = release.problems(release.read(), real_templates)
    assert not found, "\n".join(found)


def test_a_machine_goes_on_calling_the_function_that_it_began_with(real_templates: Templates) -> None:
    after = copy.deepcopy({stack: template for stack, template in real_templates.items() if stack == "drumbeat-sends"})
    last = {stack: noted for stack, noted in release.noted(real_templates).items() if stack in after}
    function = after["drumbeat-sends"]["Resources"]["SendsPlanChunks"]["Properties"]
    assert function["FunctionName"] == "drumbeat-sends-plan_chunks" and release.problems(last, after) == []

    function["FunctionName"] = "drumbeat-sends-plan"

    (problem,) = release.problems(last, after)
    assert "DispatchMachine" in problem and "drumbeat-sends-plan_chunks" in problem


def changed(templates: Templates, change: Any) -> list[str]:
    """What would be wrong with templates after a change of the base stack, held against what they were."""
    after = copy.deepcopy({BASE: templates[BASE]})
    change(after[BASE])
    last = {BASE: release.noted(templates)[BASE], "drumbeat-x": {"resources": {}, "exports": {}, "imports": []}}
    last["drumbeat-x"]["imports"] = sorted(last[BASE]["exports"])
    return release.problems(last, after)


def resource(template: dict[str, Any], type_: str, part: str = "") -> str:
    found = template["Resources"].items()
    return next(str(id_) for id_, one in found if one["Type"] == type_ and part in id_)


def properties(template: dict[str, Any], type_: str, part: str = "") -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][resource(template, type_, part)]["Properties"]
    return found


def renamed(template: dict[str, Any]) -> None:
    template["Resources"]["Moved"] = template["Resources"].pop(resource(template, "AWS::DynamoDB::Table"))


def without_an_index(template: dict[str, Any]) -> None:
    properties(template, "AWS::DynamoDB::Table")["GlobalSecondaryIndexes"].pop()


def another_key(template: dict[str, Any]) -> None:
    properties(template, "AWS::DynamoDB::Table")["KeySchema"][0]["AttributeName"] = "id"


def not_retained(template: dict[str, Any]) -> None:
    template["Resources"][resource(template, "AWS::S3::Bucket")]["DeletionPolicy"] = "Delete"


def another_queue_name(template: dict[str, Any]) -> None:
    properties(template, "AWS::SQS::Queue", "Deliver")["QueueName"] = "drumbeat-deliver2"


def shorter_retention(template: dict[str, Any]) -> None:
    properties(template, "AWS::SQS::Queue", "DeliverDead")["MessageRetentionPeriod"] = 86_400


def another_export(template: dict[str, Any]) -> None:
    next(iter(template["Outputs"].values()))["Value"] = {"Ref": "Other"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (renamed, "is gone, renamed or in another stack"), (without_an_index, "GlobalSecondaryIndexes was"),
        (another_key, "KeySchema was"), (not_retained, "DeletionPolicy is no longer Retain"),
        (another_queue_name, "QueueName was"), (shorter_retention, "MessageRetentionPeriod was"),
        (another_export, "deployed stacks import it"),
    ],
)  # fmt: skip
def test_what_would_lose_something_is_refused_with_the_way_out(
    real_templates: Templates, change: Any, says: str
) -> None:
    (problem,) = changed(real_templates, change)
    assert says in problem


def added(template: dict[str, Any]) -> None:
    """A further queue and index, longer retention, another timeout, and a role that is gone."""
    queue = template["Resources"][resource(template, "AWS::SQS::Queue", "DeliverDead")]
    template["Resources"]["Further"] = copy.deepcopy(queue)
    queue["Properties"]["MessageRetentionPeriod"] = 1_209_600 + 1
    queue["Properties"]["VisibilityTimeout"] = 99
    table = properties(template, "AWS::DynamoDB::Table")
    table["GlobalSecondaryIndexes"].append({"IndexName": "gsi9"})
    del template["Resources"][resource(template, "AWS::IAM::Role")]


def test_what_is_added_is_fine(real_templates: Templates) -> None:
    assert changed(real_templates, added) == []


def test_the_file_is_what_the_command_writes() -> None:
    kept = release.FILE.read_text()
    assert kept == json.dumps(release.read(), indent=1, sort_keys=True) + "\n"
