"""What the functions write, as it is written."""

import time
from collections.abc import Iterator
from typing import Any

from infra import names

# Lambda's own lines, and metrics in their embedded format.
OTHERS = ("START ", "END ", "REPORT ", "INIT_START ", '{"_aws":')


def lines(logs: Any, since: float, context: str = "") -> Iterator[tuple[float, str, str]]:
    """(seconds since 1970, log group, text) of each line since then, by time; `logs` is a CloudWatch Logs client."""
    found = []
    for group in logs.describe_log_groups(logGroupNamePrefix=names.log_group(context))["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group["logGroupName"], startTime=int(since * 1000)
        )
        found += [
            (event["timestamp"] / 1000, group["logGroupName"], event) for page in pages for event in page["events"]
        ]
    for at, group, event in sorted(found, key=lambda line: line[0]):
        yield at, group, event["message"].rstrip()


def followed(logs: Any, context: str = "") -> Iterator[str]:
    """Every line from now on, without Lambda's own lines and metrics. Ends never."""
    since, shown = time.time(), set[tuple[float, str, str]]()
    while True:
        for line in lines(logs, since, context):
            if line not in shown and not line[2].startswith(OTHERS):
                yield line[2]
            shown.add(line)
            since = max(since, line[0])
        shown = {line for line in shown if line[0] >= since}
        time.sleep(1)
