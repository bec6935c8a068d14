"""A declaration becomes a Lambda function with its own role."""

import json
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as assets
from drumbeat.declare import Declaration

from infra import grants, layers, names
from infra.discovery import Found, Mistake
from infra.intrinsics import imported, sub

if TYPE_CHECKING:
    from infra.context_stack import ContextStack

ENVIRONMENT = "ENVIRONMENT"  # the row that says which table the data was written in
MOST_ENVIRONMENT = 3_000  # of Lambda's 4,096 characters; addresses and keys need the rest


def build(stack: "ContextStack", found: Found) -> lambda_.CfnFunction:
    """The function and its role. Raises Mistake when its environment would not fit."""
    declared, id_ = found.declaration, names.logical(found.name)
    asset = assets.Asset(stack, f"{id_}Asset", path=str(layers.function(found.path)))
    function = lambda_.CfnFunction(
        stack,
        id_,
        function_name=names.function(found.name),
        description=declared.summary[:256],
        runtime=layers.RUNTIME,
        architectures=[layers.ARCHITECTURE],
        handler=f"{found.path.stem}.handler",
        code=lambda_.CfnFunction.CodeProperty(s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key),
        layers=stack.layers,
        role=_role(stack, found).attr_arn,
        memory_size=declared.memory,
        timeout=declared.timeout,
        environment=lambda_.CfnFunction.EnvironmentProperty(variables=environment(stack, found)),
        tracing_config=lambda_.CfnFunction.TracingConfigProperty(mode=tracing(declared)),
        # Lambda's own lines only when something went wrong: the function writes one line of its own for each call.
        logging_config=lambda_.CfnFunction.LoggingConfigProperty(
            log_format="JSON", application_log_level="INFO", system_log_level="WARN", log_group=stack.log_group.ref
        ),
    )
    if declared.kind in ("on", "schedule"):
        function.dead_letter_config = lambda_.CfnFunction.DeadLetterConfigProperty(
            target_arn=sub(names.queue_arn(names.UNDELIVERED))
        )
    return function


def tracing(declared: Declaration) -> str:
    """Whether X-Ray takes a function's calls: those that somebody with a credential waits for, and `PassThrough` what
    belongs to a trace that has begun (the rounds of a state machine).

    Lambda takes the first call of each second and 5 % of the others, and no other rate can be set; a trace costs as
    much as 25 calls. Of opens, messages and the clock it made a sixth of a send's costs, and it shows one call there,
    which the log line shows as well.
    """
    return "Active" if declared.kind == "http" and declared.scope else "PassThrough"


def _role(stack: "ContextStack", found: Found) -> iam.CfnRole:
    policy = grants.document(grants.statements(found.declaration, stack.parts.edge))
    return iam.CfnRole(
        stack,
        f"{names.logical(found.name)}Role",
        assume_role_policy_document=grants.trust("lambda.amazonaws.com"),
        policies=[iam.CfnRole.PolicyProperty(policy_name="declared", policy_document=policy)],
    )


def environment(stack: "ContextStack", found: Found) -> dict[str, str]:
    """What a function is told at deployment: where things are, and never a secret."""
    declared = found.declaration
    variables = {
        "TABLE": names.TABLE,
        "BUS": names.BUS,
        "BUCKET": sub(names.BUCKET),
        "FUNCTION": found.name,
        "PUBLIC_URL": stack.public_url,
        "SHARED_SENDERS": stack.shared_senders,
        "POWERTOOLS_SERVICE_NAME": declared.context,
        "POWERTOOLS_METRICS_NAMESPACE": "Drumbeat",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        # Or the first model looks through all packages for plugins, as long as a fifth of an endpoint's import takes.
        "PYDANTIC_DISABLE_PLUGINS": "__all__",
    }
    own = [declared.queue] if declared.queue else []
    for queue in (*declared.sends, *declared.schedules, *own):
        variables[queue.variable] = sub(names.queue_url(names.queue(queue.name)))
    for machine in declared.starts:
        variables[machine.variable] = sub(names.machine_arn(machine.name))
    if any(action.startswith("ses:") for action in declared.calls):
        variables["SES_ARNS"] = sub("arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}")
    if any(entity.TYPE == ENVIRONMENT for entity in (*declared.reads, *declared.writes)):
        variables["ENVIRONMENT_ID"] = stack.table_label
    if stack.tracking_targets:
        variables["TRACKING_DOMAINS"] = stack.to_json_string(stack.tracking_targets)
    if declared.schedules:
        variables["SCHEDULER_ROLE"] = sub(names.scheduler_role_arn())
    if declared.kind == "http":
        variables["JWT_KEYS"] = stack.jwt_keys
        variables["DIALECTS"] = json.dumps(stack.catalogue.dialects(found), separators=(",", ":"))
        if len(variables["DIALECTS"]) > MOST_ENVIRONMENT:
            raise Mistake(f"{found.name}: has more documented routes than fit into its environment")
    if "sqs:GetQueueAttributes" in declared.calls:
        variables["HEALTH_QUEUE"] = sub(names.queue_url(names.UNDELIVERED))  # a queue that every deployment has
    if grants.hashes(declared):
        variables["SUPPRESSION_KEY"] = imported(names.EXPORT_SUPPRESSION_KEY)
    if declared.signs:
        variables["SIGNING_KEY"] = imported(names.EXPORT_SIGNING_KEY)
    return variables
