"""Least privilege: the statements of a function's role, from what it declares. Plain dictionaries, no CDK.

A function may touch the items whose keys start with the prefixes of the entities that it names, and nothing else: an
item's partition key (`dynamodb:LeadingKeys`) must match, and must be there (`Null: false`, since `ForAllValues` holds
for a request without keys).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from drumbeat.declare import Declaration, Stored

from infra import names
from infra.catalogue import TOPICS
from infra.discovery import Mistake
from infra.names import sub

Statement = dict[str, Any]

READ = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:ConditionCheckItem")
WRITE = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem")
SUPPRESSION = "SUPPRESSION"
OUTBOX = "OUTBOX"  # the rows that events leave by; the forwarder reads them from the stream
FAILED_RECORDS = "aws/lambda"  # the folder that Lambda itself chooses for stream batches that it gave up


@dataclass(frozen=True, slots=True)
class EdgeEntities:
    """What `drumbeat.http` itself reads and writes for a request, before and after the function's rule."""

    reads: tuple[type[Stored], ...] = ()
    writes: tuple[type[Stored], ...] = ()
    public_writes: tuple[type[Stored], ...] = ()


def edge_entities() -> EdgeEntities:
    """As `drumbeat.http` says."""
    from drumbeat import http

    return EdgeEntities(http.EDGE_READS, http.EDGE_WRITES, http.EDGE_PUBLIC_WRITES)


def _ses(*kinds: str) -> tuple[str, ...]:
    return tuple(names.arn("ses", kind) for kind in kinds)


# The configuration sets that functions make, one for each sending identity; the deployment's own is not among them.
OWN_SETS = f"configuration-set/{names.CONFIGURATION_SET}-sid_*"
SENDING = _ses("identity/*", f"configuration-set/{names.CONFIGURATION_SET}", OWN_SETS, "tenant/*")

# Actions that `calls` may name, and on what. `*` only where the service has no resource for the action.
RESOURCES: dict[str, tuple[str, ...]] = {
    "ses:SendBulkEmail": SENDING,
    "ses:SendEmail": SENDING,
    "ses:GetAccount": ("*",),
    "ses:ListEmailIdentities": ("*",),
    "ses:CreateEmailIdentity": _ses("identity/*", OWN_SETS),
    "ses:GetEmailIdentity": _ses("identity/*"),
    "ses:DeleteEmailIdentity": _ses("identity/*"),
    "ses:PutEmailIdentityMailFromAttributes": _ses("identity/*"),
    # What is made for a tenant is tagged with it; only these two kinds are.
    "ses:TagResource": _ses("identity/*", "tenant/*"),
    "ses:CreateConfigurationSet": _ses(OWN_SETS),
    "ses:CreateConfigurationSetEventDestination": _ses(OWN_SETS),
    "ses:DeleteConfigurationSet": _ses(OWN_SETS),
    "ses:CreateTenant": _ses("tenant/*"),
    "ses:CreateTenantResourceAssociation": _ses("tenant/*", "identity/*", OWN_SETS),
    "ses:DeleteTenantResourceAssociation": _ses("tenant/*", "identity/*", OWN_SETS),
    # Applications of tenants' apps, whose names begin with ours and theirs (drumbeat.channels.push.sns).
    "sns:CreatePlatformEndpoint": (names.arn("sns", f"app/*/{names.PREFIX}-*"),),
    "sns:Publish": (names.arn("sns", f"endpoint/*/{names.PREFIX}-*"),),
    "sns:ConfirmSubscription": tuple(names.topic_arn(topic) for topic in TOPICS),
    "ssm:GetParameter": (names.arn("ssm", f"parameter/{names.PREFIX}/providers/*"),),
    "ssm:PutParameter": (names.arn("ssm", f"parameter/{names.PREFIX}/providers/*"),),
    "ssm:DeleteParameter": (names.arn("ssm", f"parameter/{names.PREFIX}/providers/*"),),
    "events:PutEvents": (names.bus_arn(),),
    "events:DescribeEventBus": (names.bus_arn(),),
    "dynamodb:DescribeTable": (names.table_arn(),),
    "sqs:GetQueueAttributes": (names.queue_arn(names.UNDELIVERED),),
    "states:DescribeStateMachine": (names.arn("states", f"stateMachine:{names.PREFIX}-*"),),
    "states:DescribeExecution": (names.arn("states", f"execution:{names.PREFIX}-*:*"),),
    "states:StopExecution": (names.arn("states", f"execution:{names.PREFIX}-*:*"),),
    "cloudwatch:GetMetricData": ("*",),
}


def allow(actions: Iterable[str], resources: Iterable[str], conditions: dict[str, Any] | None = None) -> Statement:
    """An Allow statement. Resources are texts for `Fn::Sub`."""
    filled = [resource if resource == "*" else sub(resource) for resource in resources]
    statement: Statement = {"Effect": "Allow", "Action": list(actions), "Resource": filled}
    return {**statement, "Condition": conditions} if conditions else statement


def trust(service: str, conditions: dict[str, Any] | None = None) -> dict[str, Any]:
    """The document that lets a service take a role."""
    statement: Statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return document([{**statement, "Condition": conditions} if conditions else statement])


def document(statements: list[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def statements(declared: Declaration, edge: EdgeEntities) -> list[Statement]:
    """All that this function's role may do. Raises Mistake for a call that the table above does not know."""
    parts: list[Callable[[Declaration], list[Statement]]] = [
        lambda declared: _items(declared, edge), _messages, _schedules, _machines, _files, _calls, _source, _runtime,
    ]  # fmt: skip
    return [statement for part in parts for statement in part(declared)]


def _items(declared: Declaration, edge: EdgeEntities) -> list[Statement]:
    reads, writes = set(declared.reads), set(declared.writes)
    if declared.kind in ("http", "url"):
        reads |= set(edge.reads) if declared.scope else set()
        writes |= set(edge.writes if declared.scope else edge.public_writes)
    written = _prefixes(entity.TYPE for entity in writes)
    if declared.publishes:
        written = sorted({*written, f"{OUTBOX}#*"})
    read = sorted({*written, *_prefixes(entity.TYPE for entity in reads)})
    granted = [allow(READ, [names.table_arn()], _leading(read))] if read else []
    granted += [allow(WRITE, [names.table_arn()], _leading(written))] if written else []
    for index in names.INDEXES:
        listed = _prefixes(entity.INDEX_TYPES[index] for entity in reads | writes if index in entity.INDEX_TYPES)
        if listed:
            granted.append(allow(["dynamodb:Query"], [f"{names.table_arn()}/index/{index}"], _leading(listed)))
    return granted


def _prefixes(types: Iterable[str]) -> list[str]:
    return sorted({f"{type_}#*" for type_ in types})


def _leading(prefixes: list[str]) -> dict[str, Any]:
    return {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": prefixes},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }


def _messages(declared: Declaration) -> list[Statement]:
    queues = sorted({names.queue_arn(names.queue(queue.name)) for queue in declared.sends})
    if declared.kind in ("on", "schedule"):  # an asynchronous call that failed twice is kept
        queues.append(names.queue_arn(names.UNDELIVERED))
    return [allow(["sqs:SendMessage"], queues)] if queues else []


def _schedules(declared: Declaration) -> list[Statement]:
    if not declared.schedules:
        return []
    actions = [f"scheduler:{verb}Schedule" for verb in ("Create", "Delete", "Get", "Update")]
    passed = {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    return [
        allow(actions, [names.arn("scheduler", f"schedule/{names.SCHEDULE_GROUP}/*")]),
        allow(["iam:PassRole"], [names.scheduler_role_arn()], passed),
    ]


def _machines(declared: Declaration) -> list[Statement]:
    machines = sorted(names.machine_arn(machine.name) for machine in declared.starts)
    return [allow(["states:StartExecution"], machines)] if machines else []


def _files(declared: Declaration) -> list[Statement]:
    granted = []
    for folder in declared.files:
        actions = ["s3:GetObject"] * folder.read + ["s3:PutObject"] * folder.write
        granted.append(allow(actions, [f"{names.bucket_arn()}/{folder.name}/*"]))
    if any(folder.read for folder in declared.files):
        # For a file that is not there S3 answers 404 only to those who may list the bucket, and 403 to others.
        granted.append(allow(["s3:ListBucket"], [names.bucket_arn()]))
    return granted


def _calls(declared: Declaration) -> list[Statement]:
    unknown = sorted(set(declared.calls) - set(RESOURCES))
    if unknown:
        raise Mistake(
            f"{declared.name}: calls={unknown} are not in infra/grants.py RESOURCES; add each with its resource"
        )
    by_resource: dict[tuple[str, ...], list[str]] = {}
    for action in sorted(set(declared.calls)):
        by_resource.setdefault(RESOURCES[action], []).append(action)
    granted = [allow(actions, resources) for resources, actions in by_resource.items()]
    if hashes(declared):
        key = {"Fn::ImportValue": names.EXPORT_SUPPRESSION_KEY}
        granted.append({"Effect": "Allow", "Action": ["kms:GenerateMac"], "Resource": [key]})
    if declared.signs:
        key = {"Fn::ImportValue": names.EXPORT_SIGNING_KEY}
        granted.append({"Effect": "Allow", "Action": ["kms:Sign", "kms:GetPublicKey"], "Resource": [key]})
    return granted


def hashes(declared: Declaration) -> bool:
    """Whether the function looks suppressions up: erased people's are found by a keyed hash."""
    return any(entity.TYPE == SUPPRESSION for entity in (*declared.reads, *declared.writes))


def _source(declared: Declaration) -> list[Statement]:
    """What Lambda's poller does in the function's name: take from its queue, or read the stream."""
    if declared.queue:
        actions = ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes")
        return [allow([f"sqs:{action}" for action in actions], [names.queue_arn(names.queue(declared.queue.name))])]
    if declared.kind == "stream":
        reading = [
            f"dynamodb:{action}" for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
        ]
        return [
            allow(reading, [f"{names.table_arn()}/stream/*"]),
            allow(["s3:PutObject"], [f"{names.bucket_arn()}/{FAILED_RECORDS}/*"]),
            allow(["s3:ListBucket"], [names.bucket_arn()]),
        ]
    return []


def _runtime(declared: Declaration) -> list[Statement]:
    """What every function does: write its log and its traces (which have no resource to name)."""
    log = names.arn("logs", f"log-group:{names.log_group(declared.context)}:*")
    return [
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log]),
        allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]),
    ]


def length(policy: dict[str, Any]) -> int:
    """Characters of a policy as IAM counts them (no white space), with the pseudo parameters at realistic lengths."""
    return len(_filled(policy))


def _filled(value: Any) -> str:
    import json

    real = {"Partition": "aws", "Region": "ap-southeast-2", "AccountId": "123456789012"}

    def fill(part: Any) -> Any:
        if isinstance(part, dict) and set(part) == {"Fn::Sub"}:
            text = cast(str, part["Fn::Sub"])
            for name, sample in real.items():
                text = text.replace(f"${{AWS::{name}}}", sample)
            return text
        if isinstance(part, dict) and set(part) == {"Fn::ImportValue"}:
            return "arn:aws:kms:ap-southeast-2:123456789012:key/00000000-0000-0000-0000-000000000000"
        if isinstance(part, dict):
            return {key: fill(item) for key, item in part.items()}
        return [fill(item) for item in part] if isinstance(part, list) else part

    return json.dumps(fill(value), separators=(",", ":"))
