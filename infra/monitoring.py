"""Alarms by queue and kind of trouble, never by function: each costs $0.10 a month.

Errors are counted from the contexts' log groups, into metrics that are there, and paid for, only if there are: one for
all, which has the alarm, and one for each context, which the dashboard shows.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from infra import names
from infra.discovery import Found
from infra.intrinsics import imported, sub, text

NAMESPACE = "Drumbeat/Trouble"
TROUBLE_OF_ALL = ("Drumbeat/TroubleOfAll", "errors")  # a namespace of its own: the dashboard searches the other one
BACKLOG = 900  # seconds that a message may wait for its turn
STREAM_LAG = 300_000  # milliseconds
ERRORS = 5  # in five minutes; a message that keeps failing reaches its dead-letter queue, which has its own alarm

# A line of ours at level ERROR, or Lambda's report of a call that timed out, crashed or raised.
TROUBLE = (
    '{ ($.level = "ERROR") || ($.level = "CRITICAL") || '
    '(($.type = "platform.report") && ($.record.status != "success")) }'
)

Metric = tuple[str, str, dict[str, str]]  # namespace, name, dimensions


def watch_context(
    stack: cdk.Stack,
    context: str,
    functions: Sequence[Found],
    log_group: logs.CfnLogGroup,
    made: Mapping[str, lambda_.CfnFunction],
) -> None:
    """Errors in the log, dead letters, messages that wait too long, a stream that lags."""
    _count_trouble(stack, "Trouble", log_group, NAMESPACE, context)
    _count_trouble(stack, "TroubleOfAll", log_group, *TROUBLE_OF_ALL)
    queues = [found.declaration.queue.name for found in functions if found.declaration.queue]
    dead = [names.dead_letters(name) for name in queues]
    dead += [
        names.undelivered_topic(found.declaration.queue.name if found.declaration.queue else found.name)
        for found in functions
        if found.declaration.topics
    ]
    alarm(stack, "DeadLetters", f"{context}: messages were given up in", depths(dead), "Maximum", above=0)
    ages = [_sqs("ApproximateAgeOfOldestMessage", names.queue(name)) for name in queues]
    alarm(stack, "Backlog", f"{context}: messages wait for over {BACKLOG} s in", ages, "Maximum", above=BACKLOG)
    lags: list[Metric] = [
        ("AWS/Lambda", "IteratorAge", {"FunctionName": names.function(found.name)})
        for found in functions
        if found.declaration.kind == "stream"
    ]
    alarm(stack, "StreamLag", f"{context}: the stream is read late by", lags, "Maximum", above=STREAM_LAG)


def _count_trouble(stack: cdk.Stack, id_: str, log_group: logs.CfnLogGroup, namespace: str, name: str) -> None:
    transformation = logs.CfnMetricFilter.MetricTransformationProperty(
        metric_namespace=namespace, metric_name=name, metric_value="1"
    )
    logs.CfnMetricFilter(
        stack,
        id_,
        log_group_name=log_group.ref,
        filter_pattern=TROUBLE,
        metric_transformations=[transformation],
    )


def watch_edge(stack: cdk.Stack) -> None:
    """What belongs to no context: errors of all, the API, calls and schedules that found no one, and the account's
    concurrency."""
    failing: Metric = (*TROUBLE_OF_ALL, {})
    alarm(stack, "Errors", "functions fail; the dashboard says of which context", [failing], "Sum", above=ERRORS - 1)
    api: Metric = ("AWS/ApiGateway", "5xx", {"ApiId": imported(names.EXPORT_API)})
    alarm(stack, "ApiErrors", "the API answers 5xx", [api], "Sum", above=ERRORS - 1)
    alarm(stack, "Undelivered", "events or schedules found no one", depths([names.UNDELIVERED]), "Maximum", above=0)
    throttles: Metric = ("AWS/Lambda", "Throttles", {})  # without dimensions: concurrency is the account's, too
    alarm(stack, "Throttles", "Lambda refuses calls in this account and region", [throttles], "Sum", above=0)


def depths(queues: Iterable[str]) -> list[Metric]:
    return [_sqs("ApproximateNumberOfMessagesVisible", queue) for queue in queues]


def _sqs(name: str, queue: str) -> Metric:
    return "AWS/SQS", name, {"QueueName": queue}


def alarm(
    stack: cdk.Stack, name: str, description: str, metrics: Sequence[Metric], statistic: str, *, above: float
) -> None:
    """Alarms when a metric is above a number in five minutes; no data is no trouble.

    One alarm a metric: an expression over several is billed for each of them all the same, and says less.
    """
    action = sub(names.arn("sns", names.ALARMS))
    for namespace, metric, dimensions in metrics:
        about = dimensions.get("QueueName", dimensions.get("FunctionName", "")).removeprefix(f"{names.PREFIX}-")
        cloudwatch.CfnAlarm(
            stack,
            f"{name}Alarm{names.logical(about)}",
            alarm_name=f"{stack.stack_name} {name} {about}".strip(),
            alarm_description=f"{description} {about}".strip(),
            namespace=namespace,
            metric_name=metric,
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name=key, value=at) for key, at in dimensions.items()],
            statistic=statistic,
            period=300,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=above,
            treat_missing_data="notBreaching",
            alarm_actions=[action],
            ok_actions=[action],
        )


def dashboard(stack: cdk.Stack, queues: Sequence[str]) -> None:
    """One page: requests, latency, sends, what became of them, errors, and how long queues let messages wait."""
    api = ["ApiId", imported(names.EXPORT_API)]

    def lines(namespace: str, metrics: Iterable[str], *dimensions: str) -> list[list[Any]]:
        return [[namespace, metric, *dimensions] for metric in metrics]

    def each_queue(metric: str, ending: str = "") -> list[list[Any]]:
        return [["AWS/SQS", metric, "QueueName", queue + ending] for queue in queues]

    of_lambda = ("Invocations", "Errors", "Throttles", "ConcurrentExecutions")
    pages: list[tuple[str, list[list[Any]], str]] = [
        ("Requests", lines("AWS/ApiGateway", ("Count", "4xx", "5xx"), *api), "Sum"),
        ("Latency (ms)", lines("AWS/ApiGateway", ("Latency", "IntegrationLatency"), *api), "p95"),
        ("Mail", lines("AWS/SES", ("Send", "Delivery", "Bounce", "Complaint", "Reject")), "Sum"),
        ("What the contexts count", [_search("{Drumbeat,service}", "Sum")], "Sum"),
        ("Errors by context", [_search(f"{{{NAMESPACE}}}", "Sum")], "Sum"),
        ("Functions", lines("AWS/Lambda", of_lambda), "Sum"),
        ("Longest wait in a queue (s)", each_queue("ApproximateAgeOfOldestMessage"), "Maximum"),
        ("Dead letters", each_queue("ApproximateNumberOfMessagesVisible", "-dead"), "Maximum"),
    ]
    region = text({"Ref": "AWS::Region"})
    shown = [page for page in pages if page[1]]
    widgets = [
        {
            "type": "metric",
            "width": 12,
            "height": 6,
            "x": 12 * (number % 2),
            "y": 6 * (number // 2),
            "properties": {"title": title, "metrics": metrics, "stat": statistic, "period": 300, "region": region},
        }
        for number, (title, metrics, statistic) in enumerate(shown)
    ]
    body = stack.to_json_string({"widgets": widgets})
    cloudwatch.CfnDashboard(stack, "Dashboard", dashboard_name=names.PREFIX, dashboard_body=body)


def _search(scope: str, statistic: str) -> list[Any]:
    """A line for every metric that there is under these dimensions, without a list of their names."""
    return [{"expression": f"SEARCH('{scope}', '{statistic}', 300)"}]
