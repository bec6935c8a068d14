"""What starts a function: routes, queues, the clock, events of the bus, the table's stream, its own URL."""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from drumbeat.declare import Declaration, Queue

from infra import names
from infra.discovery import Found, Mistake
from infra.intrinsics import imported, sub

if TYPE_CHECKING:
    from infra.context_stack import ContextStack

STREAM_RETRIES = 8
STREAM_OLDEST = 6 * 3600  # seconds; then the batch goes to the bucket, and the nightly rebuild finds what it missed
EVENT_OLDEST = 6 * 3600
MOST_FILTERS = 5


def build(stack: "ContextStack", found: Found, function: lambda_.CfnFunction) -> None:
    """The trigger of the function's kind. Tasks are started by their machine, operators by people."""
    by_kind: dict[str, Callable[[ContextStack, Found, lambda_.CfnFunction], None]] = {
        "http": _routes, "queue": _queue, "schedule": _schedule, "on": _events, "stream": _stream, "url": _url,
    }  # fmt: skip
    if found.declaration.kind in by_kind:
        by_kind[found.declaration.kind](stack, found, function)


def _routes(stack: "ContextStack", found: Found, function: lambda_.CfnFunction) -> None:
    api, id_ = imported(names.EXPORT_API), function.node.id
    integration = apigateway.CfnIntegration(
        stack,
        f"{id_}Integration",
        api_id=api,
        integration_type="AWS_PROXY",
        integration_uri=function.attr_arn,
        payload_format_version="2.0",
    )
    routes = [*stack.catalogue.routes(found), *stack.catalogue.preflights.get(found.name, [])]
    for number, route in enumerate(routes):
        apigateway.CfnRoute(
            stack,
            f"{id_}Route{number or ''}",
            api_id=api,
            route_key=route,
            authorization_type="NONE",  # http.py verifies keys and tokens: an authorizer would be a second call
            target=f"integrations/{integration.ref}",
        )
    source = f"{names.arn('execute-api', '${Api}')}/*"
    arn = cdk.Token.as_string({"Fn::Sub": [source, {"Api": {"Fn::ImportValue": names.EXPORT_API}}]})
    _permission(stack, function, "apigateway.amazonaws.com", arn)


def _permission(stack: "ContextStack", function: lambda_.CfnFunction, service: str, source: str) -> None:
    lambda_.CfnPermission(
        stack,
        f"{function.node.id}Permission",
        function_name=function.attr_arn,
        action="lambda:InvokeFunction",
        principal=service,
        source_arn=source,
    )


def _queue(stack: "ContextStack", found: Found, function: lambda_.CfnFunction) -> None:
    declared, queue = found.declaration, cast(Queue, found.declaration.queue)
    scaling = lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=declared.concurrency)
    lambda_.CfnEventSourceMapping(
        stack,
        f"{function.node.id}Mapping",
        function_name=function.ref,
        event_source_arn=sub(names.queue_arn(names.queue(queue.name))),
        batch_size=declared.batch,
        maximum_batching_window_in_seconds=declared.window,
        function_response_types=["ReportBatchItemFailures"],
        scaling_config=scaling if declared.concurrency else None,
    )


def _stream(stack: "ContextStack", found: Found, function: lambda_.CfnFunction) -> None:
    declared = found.declaration
    mapping = lambda_.CfnEventSourceMapping
    patterns = [json.dumps(pattern, separators=(",", ":")) for pattern in stream_filters(declared)]
    failed = mapping.OnFailureProperty(destination=sub(names.bucket_arn()))
    mapping(
        stack,
        f"{function.node.id}Mapping",
        function_name=function.ref,
        event_source_arn=imported(names.EXPORT_STREAM),
        starting_position="TRIM_HORIZON",
        batch_size=declared.batch,
        maximum_batching_window_in_seconds=declared.window,
        function_response_types=["ReportBatchItemFailures"],
        bisect_batch_on_function_error=True,
        maximum_retry_attempts=STREAM_RETRIES,
        maximum_record_age_in_seconds=STREAM_OLDEST,
        filter_criteria=mapping.FilterCriteriaProperty(
            filters=[mapping.FilterProperty(pattern=each) for each in patterns]
        ),
        destination_config=mapping.DestinationConfigProperty(on_failure=failed),
    )


def stream_filters(declared: Declaration) -> list[dict[str, Any]]:
    """Which records reach a stream function: those that match one of these patterns.

    One pattern for all types that any change will do for, and one for each different `stream_where`, which is {type:
    [attribute, its DynamoDB type, values…]} of the new image: `{"TIMELINE": ["bus", "N", "1"]}`. Raises Mistake above
    five.
    """
    plain = [type_ for type_ in declared.stream_types if not declared.stream_filters(type_)]
    patterns = [_stream_pattern(declared, plain)] if plain else []
    wanted: dict[tuple[str, ...], list[str]] = {}
    for type_ in declared.stream_where:
        for one in declared.stream_filters(type_):
            wanted.setdefault(one, []).append(type_)
    for (attribute, kind, *values), types in wanted.items():
        patterns.append(_stream_pattern(declared, types, {"NewImage": {attribute: {kind: values}}}))
    if not 1 <= len(patterns) <= MOST_FILTERS:
        raise Mistake(f"{declared.name}: has {len(patterns)} stream filters; Lambda takes 1 to {MOST_FILTERS}")
    return patterns


def _stream_pattern(declared: Declaration, types: list[str], where: dict[str, Any] | None = None) -> dict[str, Any]:
    keys = {"pk": {"S": [{"prefix": f"{type_}#"} for type_ in types]}}
    return {"eventName": list(declared.stream_events), "dynamodb": {"Keys": keys, **(where or {})}}


def _schedule(stack: "ContextStack", found: Found, function: lambda_.CfnFunction) -> None:
    every = scaled(found.declaration.every or "", stack.parts.time_scale)
    _rule(stack, found, function, schedule_expression=every)


def _events(stack: "ContextStack", found: Found, function: lambda_.CfnFunction) -> None:
    _rule(stack, found, function, event_bus_name=names.BUS, event_pattern=event_pattern(found.declaration))


def event_pattern(declared: Declaration) -> dict[str, Any]:
    """Which events reach a listener: ours, or those of the outside that it names. Whoever may put events on the bus can
    give them any type, so a type alone says nothing."""
    sources = [{"prefix": declared.sources}] if declared.sources else [names.EVENT_SOURCE]
    return {"source": sources, "detail-type": list(declared.events)}


def _rule(stack: "ContextStack", found: Found, function: lambda_.CfnFunction, **source: Any) -> None:
    target = events.CfnRule.TargetProperty(
        id="function",
        arn=function.attr_arn,
        dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=sub(names.queue_arn(names.UNDELIVERED))),
        retry_policy=events.CfnRule.RetryPolicyProperty(
            maximum_event_age_in_seconds=EVENT_OLDEST, maximum_retry_attempts=20
        ),
    )
    rule = events.CfnRule(
        stack,
        f"{function.node.id}Rule",
        name=names.function(found.name),
        description=found.declaration.summary[:256],
        targets=[target],
        **source,
    )
    _permission(stack, function, "events.amazonaws.com", rule.attr_arn)


SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


def scaled(every: str, time_scale: float) -> str:
    """The schedule when days pass faster: never more often than each minute, which is EventBridge's finest.

    A cron expression becomes the rate of its day: on the local stack nobody waits for a time of day.
    """
    if time_scale == 1:
        return every
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", every)
    seconds = int(rate[1]) * SECONDS[rate[2]] if rate else SECONDS["day"]
    minutes = max(1, round(seconds / time_scale / 60))
    return f"rate({minutes} minute{'s' if minutes > 1 else ''})"


def _url(stack: "ContextStack", found: Found, function: lambda_.CfnFunction) -> None:
    """A function URL, open to all: the function itself verifies the caller's signature."""
    id_ = function.node.id
    url = lambda_.CfnUrl(stack, f"{id_}Url", target_function_arn=function.attr_arn, auth_type="NONE")
    allowed = [
        lambda_.CfnPermission(
            stack,
            f"{id_}UrlPermission",
            function_name=function.attr_arn,
            action="lambda:InvokeFunctionUrl",
            principal="*",
            function_url_auth_type="NONE",
        ),
        # Since October 2025 a URL's caller needs both.
        lambda_.CfnPermission(
            stack,
            f"{id_}UrlInvokePermission",
            function_name=function.attr_arn,
            action="lambda:InvokeFunction",
            principal="*",
            invoked_via_function_url=True,
        ),
    ]
    cdk.CfnOutput(stack, f"{id_}Address", value=url.attr_function_url)
    for topic in found.declaration.topics:
        subscription = sns.CfnSubscription(
            stack,
            f"{id_}{names.logical(topic)}",
            topic_arn=sub(names.topic_arn(topic)),
            protocol="https",
            endpoint=url.attr_function_url,
            redrive_policy={"deadLetterTargetArn": sub(names.queue_arn(names.undelivered_topic(found.name)))},
        )
        for permission in allowed:
            subscription.add_resource_dependency(permission)
