"""Functions' log lines, together and in order."""

import itertools
import time

import boto3
from moto import mock_aws

from infra.local import logs


def now() -> int:
    """Milliseconds; CloudWatch refuses lines of long ago and of far ahead."""
    return int(time.time() * 1000)


@mock_aws
def test_lines_of_all_contexts_come_in_the_order_of_time() -> None:
    client, start = boto3.client("logs", region_name="us-east-1"), now()
    for group, texts in (("/drumbeat/contacts", [(1, "one"), (3, "three")]), ("/drumbeat/sends", [(2, "two")])):
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName="s")
        events = [{"timestamp": start + at, "message": f"{text}\n"} for at, text in texts]
        client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    everything = [text for _, _, text in logs.lines(client, since=0)]
    of_one = [text for _, _, text in logs.lines(client, since=0, context="sends")]

    assert everything == ["one", "two", "three"]
    assert of_one == ["two"]


@mock_aws
def test_following_leaves_out_what_is_not_ours() -> None:
    client = boto3.client("logs", region_name="us-east-1")
    client.create_log_group(logGroupName="/drumbeat/contacts")
    client.create_log_stream(logGroupName="/drumbeat/contacts", logStreamName="s")
    texts = ["START RequestId: 1", '{"_aws":{}}', "ours", "REPORT RequestId: 1", "ours too"]
    events = [{"timestamp": now() + 60_000 + number, "message": text} for number, text in enumerate(texts)]
    client.put_log_events(logGroupName="/drumbeat/contacts", logStreamName="s", logEvents=events)

    assert list(itertools.islice(logs.followed(client), 2)) == ["ours", "ours too"]
