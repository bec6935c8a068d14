"""`python -m infra.release`: note what this release has that the next one must keep, in `infra/last_release.json`.

Stateful resources hold data, or are known to others by an address: tables, buckets, queues, topics, keys, logs, the
bus, machines, the API and its URLs. CloudFormation finds them again by logical id, and some of their properties cannot
be changed without making a new, empty one. `problems` says what of that a change of this repository would do:

- a stateful resource that is gone, renamed, moved to another stack, or whose `FIXED` properties differ: refused;
- an export of one stack that another imports and that is gone or has another value: CloudFormation refuses the update
  while the value is in use;
An execution that is under way goes on for up to a year by the definition that it began with, so the function that it
calls must keep its name; what its task is given and gives is held by tests/unit/system/test_golden.py.

New resources, and changes of what can be changed, are fine. Functions, layers, roles, rules and alarms hold nothing.
Run it when a release is made, after the tests were green, and commit the file with the release.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.discovery import REPOSITORY

FILE = REPOSITORY / "infra" / "last_release.json"
Templates = Mapping[str, Mapping[str, Any]]
Noted = dict[str, dict[str, Any]]

TASK = "functions that its definition calls"  # no property of the template by itself
# By type: the properties whose change makes a new resource, or loses what the old one holds.
FIXED: dict[str, tuple[str, ...]] = {
    "AWS::DynamoDB::Table": (
        "TableName", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "StreamSpecification",
        "SSESpecification", "TimeToLiveSpecification", "DeletionProtectionEnabled",
        "PointInTimeRecoverySpecification",
    ),
    "AWS::S3::Bucket": ("BucketName", "BucketEncryption"),
    "AWS::SQS::Queue": ("QueueName", "FifoQueue", "MessageRetentionPeriod", "KmsMasterKeyId"),
    "AWS::SNS::Topic": ("TopicName", "FifoTopic"),
    "AWS::KMS::Key": ("KeySpec", "KeyUsage", "Origin"),
    "AWS::KMS::Alias": ("AliasName",),
    "AWS::Logs::LogGroup": ("LogGroupName", "KmsKeyId"),
    "AWS::Events::EventBus": ("Name",),
    "AWS::Scheduler::ScheduleGroup": ("Name",),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", "StateMachineType", TASK),
    "AWS::ApiGatewayV2::Api": ("ProtocolType",),
    "AWS::ApiGatewayV2::Stage": ("StageName",),
    "AWS::ApiGatewayV2::DomainName": ("DomainName",),
    "AWS::Lambda::Url": ("AuthType",),
    "AWS::SES::ConfigurationSet": ("Name",),
}  # fmt: skip
# An index may be added (one an update), and none may go or change.
ADDED_TO = ("GlobalSecondaryIndexes", "AttributeDefinitions")
RAISED = ("MessageRetentionPeriod",)  # longer loses nothing


def noted(templates: Templates) -> Noted:
    """{stack: {resources: {logical id: …}, exports, imports}} of templates."""
    return {
        stack: {
            "resources": {
                id_: _noted(resource, template["Resources"])
                for id_, resource in sorted(template["Resources"].items())
                if resource["Type"] in FIXED
            },
            "exports": _exports(template),
            "imports": sorted(_imports(template)),
        }
        for stack, template in sorted(templates.items())
    }


def _noted(resource: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    properties = resource.get("Properties", {})
    kept = {name: properties[name] for name in FIXED[resource["Type"]] if name in properties}
    if TASK in FIXED[resource["Type"]]:
        called = _functions(properties["DefinitionString"])
        kept[TASK] = sorted(others[id_]["Properties"]["FunctionName"] for id_ in called)
    policies = {name: resource[name] for name in ("DeletionPolicy", "UpdateReplacePolicy") if name in resource}
    return {"type": resource["Type"], **policies, "properties": kept}


def _functions(value: Any) -> set[str]:
    """The logical ids of the functions that a state machine's definition calls."""
    if isinstance(value, Mapping):
        of = value.get("Fn::GetAtt")
        own = {of[0]} if isinstance(of, list) and of[1] == "Arn" else set()
        return own.union(*map(_functions, value.values()))
    return set().union(*map(_functions, value)) if isinstance(value, list) else set()


def _exports(template: Mapping[str, Any]) -> dict[str, Any]:
    outputs = template.get("Outputs", {}).values()
    return {output["Export"]["Name"]: output["Value"] for output in outputs if "Export" in output}


def _imports(value: Any) -> set[str]:
    """The exports of other stacks that a template names anywhere."""
    if isinstance(value, Mapping):
        own = {value["Fn::ImportValue"]} if isinstance(value.get("Fn::ImportValue"), str) else set()
        return own.union(*map(_imports, value.values()))
    return set().union(*map(_imports, value)) if isinstance(value, list) else set()


def problems(last: Noted, templates: Templates) -> list[str]:
    """What these templates would destroy of the last release, a sentence each with what to do instead."""
    found: list[str] = []
    now = noted(templates)
    in_use = {name for stack in last.values() for name in stack["imports"]}
    for stack, before in last.items():
        after = now.get(stack, {"resources": {}, "exports": {}})
        for id_, resource in before["resources"].items():
            found += _differs(f"{stack}/{id_}", resource, after["resources"].get(id_))
        for name, value in before["exports"].items():
            if name in in_use and after["exports"].get(name) != value:
                found.append(
                    f"{stack}: the export {name} is gone or has another value, and deployed stacks import it. Export "
                    "the new value under a new name, move the importers, and drop the old one a release later."
                )
    return found


def _differs(name: str, before: Mapping[str, Any], after: Mapping[str, Any] | None) -> list[str]:
    type_ = before["type"]
    if after is None or after["type"] != type_:
        return [
            f"{name} ({type_}) is gone, renamed or in another stack: deploying this deletes what it holds. Keep its "
            "logical id and stack; to retire it, keep it until it is empty, and note the release after."
        ]
    wrong = [
        f"{name} ({type_}): {policy} is no longer {before[policy]}: what it holds would go with it."
        for policy in ("DeletionPolicy", "UpdateReplacePolicy")
        if before.get(policy) and after.get(policy) != before[policy]
    ]
    for property_ in FIXED[type_]:
        old, new = before["properties"].get(property_), after["properties"].get(property_)
        if not _kept(property_, old, new):
            wrong.append(
                f"{name} ({type_}): {property_} was {json.dumps(old)[:200]} and is {json.dumps(new)[:200]}. A new, "
                "empty resource would take its place, or what it holds would be lost. Change it back; to move, add a "
                "second resource and carry the data over first."
            )
    return wrong


def _kept(property_: str, old: Any, new: Any) -> bool:
    if property_ in ADDED_TO:
        return all(each in (new or []) for each in old or [])
    return bool(old == new or (property_ in RAISED and old and new and new > old))


def read(file: Path = FILE) -> Noted:
    last: Noted = json.loads(file.read_text())
    return last


def synthesized(folder: Path) -> Templates:
    """The templates of this repository, made in a folder. The vendor layer is a stand-in: it holds nothing."""
    import aws_cdk as cdk

    from infra import app, grants, layers
    from infra.context_stack import Parts

    vendor = folder / "vendor"
    (vendor / "python").mkdir(parents=True)
    made = cdk.App(outdir=str(folder / "cdk.out"))
    stacks = app.build(made, app.declared(), Parts(str(layers.code(folder)), str(vendor), grants.edge_entities()))
    made.synth()
    files = {stack.stack_name: folder / "cdk.out" / f"{stack.stack_name}.template.json" for stack in stacks}
    return {name: json.loads(file.read_text()) for name, file in files.items()}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = noted(synthesized(Path(folder)))
    FILE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    print(f"noted {sum(len(stack['resources']) for stack in found.values())} resources in infra/{FILE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
