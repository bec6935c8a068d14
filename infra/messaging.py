"""Queues with their dead-letter queues, and the topics that SES reports to. All in `drumbeat-base`.

A dead-letter queue keeps messages for 14 days from when they were first sent, so the queue before it keeps them for 4.
"""

from collections.abc import Iterable
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from infra import grants, names
from infra.catalogue import TOPICS, Catalogue
from infra.discovery import Found
from infra.intrinsics import sub, text

DAY = 86_400
TRIES = 5  # a provider's outage is not poison: workers give such messages back without spending a try
LONGEST_VISIBILITY = 43_200


def build(stack: cdk.Stack, catalogue: Catalogue) -> None:
    _queue(stack, names.UNDELIVERED, senders=[_from_service("events.amazonaws.com", names.UNDELIVERED)])
    alarms = sns.CfnTopic(stack, "Alarms", topic_name=names.ALARMS)
    _topic_policy(stack, alarms, "Alarms", "cloudwatch.amazonaws.com")
    for name, consumer in sorted(catalogue.consumers.items()):
        _work_queue(stack, name, consumer)
    for name in catalogue.topics:
        topic = sns.CfnTopic(stack, f"{names.logical(name)}Topic", topic_name=names.topic(name), signature_version="2")
        _topic_policy(stack, topic, name, "ses.amazonaws.com")
    for found in catalogue.functions:
        _subscriptions(stack, found)
    _ses(stack, catalogue.topics)


def encrypted_only(actions: str, resources: list[str]) -> dict[str, Any]:
    """Nobody may come without TLS."""
    refused = {"Bool": {"aws:SecureTransport": "false"}}
    return {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": resources, "Condition": refused}


def _from_service(service: str, queue: str, topics: Iterable[str] = ()) -> dict[str, Any]:
    """A service of this account (or only these topics of it) may put messages on the queue."""
    source: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": text({"Ref": "AWS::AccountId"})}}
    arns = [sub(names.topic_arn(topic)) for topic in topics]
    if arns:
        source = {"ArnEquals": {"aws:SourceArn": arns}}
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": sub(names.queue_arn(queue)),
        "Condition": source,
    }


def visibility(found: Found) -> int:
    """Seconds: six times what the consumer may take, plus its batching window, as Lambda's documentation asks."""
    declared = found.declaration
    return min(LONGEST_VISIBILITY, 6 * declared.timeout + declared.window)


def _work_queue(stack: cdk.Stack, name: str, consumer: Found) -> None:
    dead = _queue(stack, names.dead_letters(name))
    topics = consumer.declaration.topics
    full_name = names.queue(name)
    _queue(
        stack,
        full_name,
        retention=4 * DAY,
        visibility_timeout=visibility(consumer),
        redrive_policy={"deadLetterTargetArn": dead.attr_arn, "maxReceiveCount": TRIES},
        senders=[_from_service("sns.amazonaws.com", full_name, topics)] if topics else [],
    )


def _queue(
    stack: cdk.Stack,
    full_name: str,
    *,
    senders: Iterable[dict[str, Any]] = (),
    retention: int = 14 * DAY,
    visibility_timeout: int | None = None,
    redrive_policy: dict[str, Any] | None = None,
) -> sqs.CfnQueue:
    queue = sqs.CfnQueue(
        stack,
        f"{names.logical(full_name.removeprefix(names.PREFIX))}Queue",
        queue_name=full_name,
        sqs_managed_sse_enabled=True,
        message_retention_period=retention,
        visibility_timeout=visibility_timeout,
        redrive_policy=redrive_policy,
    )
    statements = [encrypted_only("sqs:*", [queue.attr_arn]), *senders]
    sqs.CfnQueuePolicy(stack, f"{queue.node.id}Policy", queues=[queue.ref], policy_document=grants.document(statements))
    return queue


def _topic_policy(stack: cdk.Stack, topic: sns.CfnTopic, name: str, publisher: str) -> None:
    account = {"StringEquals": {"aws:SourceAccount": text({"Ref": "AWS::AccountId"})}}
    publish = {
        "Effect": "Allow", "Principal": {"Service": publisher}, "Action": "sns:Publish", "Resource": topic.ref,
        "Condition": account,
    }  # fmt: skip
    document = grants.document([publish, encrypted_only("sns:Publish", [topic.ref])])
    sns.CfnTopicPolicy(stack, f"{names.logical(name)}TopicPolicy", topics=[topic.ref], policy_document=document)


def _subscriptions(stack: cdk.Stack, found: Found) -> None:
    """A queue's subscriptions are made here; a URL's with the URL, in its context. Both give up into a queue here."""
    declared = found.declaration
    if not declared.topics:
        return
    dead = names.undelivered_topic(declared.queue.name if declared.queue else found.name)
    dead_queue = _queue(stack, dead, senders=[_from_service("sns.amazonaws.com", dead, declared.topics)])
    if not declared.queue:
        return
    for topic in declared.topics:
        subscription = sns.CfnSubscription(
            stack,
            f"{names.logical(topic)}To{names.logical(declared.queue.name)}",
            topic_arn=sub(names.topic_arn(topic)),
            protocol="sqs",
            endpoint=sub(names.queue_arn(names.queue(declared.queue.name))),
            raw_message_delivery=True,
            redrive_policy={"deadLetterTargetArn": dead_queue.attr_arn},
        )
        for needed in (f"{names.logical(topic)}Topic", f"{names.logical(declared.queue.name)}QueuePolicy"):
            subscription.add_resource_dependency(_resource(stack, needed))


def _resource(stack: cdk.Stack, id_: str) -> cdk.CfnResource:
    return cast(cdk.CfnResource, stack.node.find_child(id_))


def _ses(stack: cdk.Stack, topics: list[str]) -> None:
    """The configuration set that every mail names: what SES saw of it goes to the topics."""
    configuration = ses.CfnConfigurationSet(
        stack,
        "Mail",
        name=names.CONFIGURATION_SET,
        reputation_options=ses.CfnConfigurationSet.ReputationOptionsProperty(reputation_metrics_enabled=True),
        sending_options=ses.CfnConfigurationSet.SendingOptionsProperty(sending_enabled=True),
        # No reasons: SES neither asks nor fills the account's list, by which one tenant's bounce would be everybody's.
        suppression_options=ses.CfnConfigurationSet.SuppressionOptionsProperty(suppressed_reasons=[]),
    )
    for name in topics:
        destination = ses.CfnConfigurationSetEventDestination(
            stack,
            f"Mail{names.logical(name)}",
            configuration_set_name=configuration.ref,
            event_destination=ses.CfnConfigurationSetEventDestination.EventDestinationProperty(
                name=name,
                enabled=True,
                matching_event_types=list(TOPICS[name]),
                sns_destination=ses.CfnConfigurationSetEventDestination.SnsDestinationProperty(
                    topic_arn=sub(names.topic_arn(name))
                ),
            ),
        )
        destination.add_resource_dependency(_resource(stack, f"{names.logical(name)}TopicPolicy"))
