"""State machines: one task in rounds, as `drumbeat.declare.Machine` says."""

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as stepfunctions
from drumbeat.declare import Machine

from infra import grants, names

if TYPE_CHECKING:
    from infra.context_stack import ContextStack

# Trouble of Lambda itself, which says nothing about the task: tried for about ten minutes.
SERVICE_ERRORS = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
]


def definition(function_arn: str, partition: str = "aws", *, waits_first: bool = False) -> dict[str, Any]:
    """The loop. It starts at the decision, so that a state with `wait_seconds` waits before its first round; one that
    waits first whatever its state is needs no decision for that."""
    return {
        "StartAt": "Pause" if waits_first else "Decide",
        "States": {
            "Decide": {
                "Type": "Choice",
                "Choices": [
                    {
                        "And": [
                            {"Variable": "$.done", "IsPresent": True},
                            {"Variable": "$.done", "BooleanEquals": True},
                        ],
                        "Next": "Done",
                    },
                    {
                        "And": [
                            {"Variable": "$.wait_seconds", "IsPresent": True},
                            {"Variable": "$.wait_seconds", "NumericGreaterThan": 0},
                        ],
                        "Next": "Pause",
                    },
                ],
                "Default": "Work",
            },
            "Pause": {"Type": "Wait", "SecondsPath": "$.wait_seconds", "Next": "Work"},
            "Work": {
                "Type": "Task",
                "Resource": f"arn:{partition}:states:::lambda:invoke",
                "Parameters": {"FunctionName": function_arn, "Payload.$": "$"},
                "OutputPath": "$.Payload",
                "Retry": [_retry(SERVICE_ERRORS, attempts=12), _retry(["States.ALL"], attempts=6)],
                "Next": "Decide",
            },
            "Done": {"Type": "Succeed"},
        },
    }


def _retry(errors: list[str], *, attempts: int) -> dict[str, Any]:
    return {
        "ErrorEquals": errors,
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
        "MaxAttempts": attempts,
    }


def build(stack: "ContextStack", machine: Machine, function: lambda_.CfnFunction) -> None:
    """The machine, its role and its log (failures only: at level ALL a wake's log would cost more than the wake)."""
    id_ = f"{names.logical(machine.name)}Machine"
    log = logs.CfnLogGroup(
        stack, f"{id_}Log", log_group_name=f"/aws/vendedlogs/states/{names.machine(machine.name)}", retention_in_days=30
    )
    role = iam.CfnRole(
        stack,
        f"{id_}Role",
        assume_role_policy_document=grants.trust("states.amazonaws.com"),
        policies=[iam.CfnRole.PolicyProperty(policy_name="run", policy_document=_policy(function))],
    )
    destination = stepfunctions.CfnStateMachine.LogDestinationProperty(
        cloud_watch_logs_log_group=stepfunctions.CfnStateMachine.CloudWatchLogsLogGroupProperty(
            log_group_arn=log.attr_arn
        )
    )
    stepfunctions.CfnStateMachine(
        stack,
        id_,
        state_machine_name=names.machine(machine.name),
        state_machine_type="STANDARD",
        role_arn=role.attr_arn,
        definition_string=stack.to_json_string(
            definition(function.attr_arn, stack.partition, waits_first=machine.waits_first)
        ),
        logging_configuration=stepfunctions.CfnStateMachine.LoggingConfigurationProperty(
            level="ERROR", include_execution_data=False, destinations=[destination]
        ),
        tracing_configuration=stepfunctions.CfnStateMachine.TracingConfigurationProperty(enabled=True),
    )


LOG_DELIVERY = (
    "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
    "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
)  # fmt: skip


def _policy(function: lambda_.CfnFunction) -> dict[str, Any]:
    invoke = {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [function.attr_arn]}
    return grants.document(
        [
            invoke,
            grants.allow([f"logs:{action}" for action in LOG_DELIVERY], ["*"]),
            grants.allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]),
        ]
    )
