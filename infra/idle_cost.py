"""What a deployment costs in a month in which nothing happens, from its templates. US dollars, us-east-1.

Free tiers are not counted, but for the dashboard: an account's first three are free.

`python -m infra.idle_cost [folder of templates]` prints the table. Prices: the services' pricing pages, November 2026.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from infra.discovery import REPOSITORY

MINUTES = 43_200  # of a month

ALARM = 0.10
KMS_KEY = 1.00
# Lambda keeps five long polls (20 s each) open for a queue with nothing in it; a request is $0.40 a million.
QUEUE_POLLING = 5 * 3 * MINUTES * 0.40e-6

# A run of a scheduled function that finds nothing: request, 200 ms on arm64, its event, a log line of 400 bytes,
# sixteen empty index queries, and its trace where X-Ray takes one.
LAMBDA_REQUEST, LAMBDA_GB_SECOND = 0.20e-6, 13.3334e-6
EVENT, TRACE, LOG_BYTE, EMPTY_QUERY = 1.00e-6, 5.00e-6, 0.50e-9, 0.5 * 0.125e-6
IDLE_SECONDS, LOG_LINE, QUERIES = 0.2, 400, 16

PERIOD = {"minute": 1, "hour": 60, "day": 1440}


def monthly(templates: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """{what: dollars a month}."""
    cost: defaultdict[str, float] = defaultdict(float)
    for template in templates:
        resources = template["Resources"]
        for resource in resources.values():
            what, dollars = _resource(resource, resources)
            if dollars:
                cost[what] += dollars
    return dict(cost)


def _resource(resource: Mapping[str, Any], all_: Mapping[str, Any]) -> tuple[str, float]:
    properties = resource.get("Properties", {})
    match resource["Type"]:
        case "AWS::CloudWatch::Alarm":
            return "alarms", ALARM
        case "AWS::KMS::Key":
            return "keys", KMS_KEY
        case "AWS::Lambda::EventSourceMapping" if "StartingPosition" not in properties:
            return "polling of queues", QUEUE_POLLING
        case "AWS::Events::Rule" if "ScheduleExpression" in properties:
            function = properties["Targets"][0]["Arn"]["Fn::GetAtt"][0]
            return "schedules", runs(properties["ScheduleExpression"]) * _run(all_[function]["Properties"])
    return "", 0.0


def runs(every: str) -> float:
    """Runs a month of a schedule; a cron expression counts as one a day."""
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", every)
    return MINUTES / (int(rate[1]) * PERIOD[rate[2]]) if rate else MINUTES / PERIOD["day"]


def _run(function: Mapping[str, Any]) -> float:
    processing = LAMBDA_REQUEST + int(function["MemorySize"]) / 1024 * IDLE_SECONDS * LAMBDA_GB_SECOND
    trace = TRACE if function["TracingConfig"]["Mode"] == "Active" else 0.0
    return processing + EVENT + trace + LOG_LINE * LOG_BYTE + QUERIES * EMPTY_QUERY


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "cdk.out"
    cost = monthly(json.loads(path.read_text()) for path in sorted(folder.glob("drumbeat-*.template.json")))
    for what, dollars in sorted(cost.items(), key=lambda item: -item[1]):
        print(f"{what:20} ${dollars:6.2f}")
    print(f"{'a month':20} ${sum(cost.values()):6.2f}")


if __name__ == "__main__":
    main()
