"""List prices of AWS in us-east-1, US dollars each, without free tiers and discounts (the services' pricing pages,
November 2026), and what they make of a metered run."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MILLION = 1e-6
GB = 1e-9
HOURS = 730  # of a month, as AWS counts


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of a kind costs, and the line of the table that it is shown in."""

    line: str
    dollars: float
    source: str


PRICES: dict[str, Price] = {
    "table writes": Price("DynamoDB writes", 0.625 * MILLION, "dynamodb/pricing/on-demand: write request units"),
    "index writes": Price("DynamoDB index writes", 0.625 * MILLION, "dynamodb/pricing/on-demand: write request units"),
    "reads": Price("DynamoDB reads, consistent", 0.125 * MILLION, "dynamodb/pricing/on-demand: read request units"),
    "stale reads": Price("DynamoDB reads, eventual", 0.125 * MILLION, "dynamodb/pricing/on-demand: half a unit each"),
    "sqs requests": Price("SQS requests", 0.40 * MILLION, "sqs/pricing: standard queues, 64 KB a request"),
    "sns publishes": Price("SNS publishes by SES", 0.50 * MILLION, "sns/pricing: publishes, 64 KB each; to SQS free"),
    "sns posts": Price("SNS posts to the URL", 0.60 * MILLION, "sns/pricing: HTTP/S deliveries"),
    "api requests": Price("HTTP API requests", 1.00 * MILLION, "api-gateway/pricing: HTTP APIs, 512 KB each"),
    "invocations": Price("Lambda requests", 0.20 * MILLION, "lambda/pricing"),
    "GB-seconds": Price("Lambda time", 13.3334 * MILLION, "lambda/pricing: arm64, initialisation included"),
    "transitions": Price("Step Functions transitions", 25.0 * MILLION, "step-functions/pricing: standard workflows"),
    "bus events": Price("EventBridge events", 1.00 * MILLION, "eventbridge/pricing: custom events, 64 KB each"),
    "log bytes": Price("logs of functions", 0.50 * GB, "cloudwatch/pricing: collected, standard class"),
    "access log bytes": Price("access log", 0.50 * GB, "cloudwatch/pricing: vended logs"),
    "traces": Price("X-Ray traces", 5.00 * MILLION, "xray/pricing: traces recorded"),
}
# Not billed by themselves: they explain the others.
EXPLAINING = frozenset({"processor seconds", "cold starts", "requests"})
METRIC_MONTH = 0.30  # cloudwatch/pricing: a custom metric, by the hour in which it is written
STORED_GB_MONTH = 0.25 + 0.20  # dynamodb/pricing: storage, and point-in-time recovery

Used = Iterable[tuple[str, str, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: how many of what a recipient takes, and what a million recipients cost."""

    name: str
    each: float
    dollars: float


def per_million(used: Used, recipients: int, traced: Mapping[str, bool] | None = None) -> list[Line]:
    """The lines, dearest first. `traced` says which functions the templates trace (those it does not name: yes)."""
    counts: defaultdict[str, float] = defaultdict(float)
    cost: defaultdict[str, float] = defaultdict(float)
    for function, kind, number in used:
        if kind in EXPLAINING or (kind == "traces" and not (traced or {}).get(function, True)):
            continue
        price = PRICES[kind]
        counts[price.line] += number
        cost[price.line] += number * price.dollars
    lines = [Line(name, counts[name] / recipients, cost[name] / recipients / MILLION) for name in cost]
    return sorted(lines, key=lambda line: -line.dollars)


def by_function(used: Used, recipients: int, traced: Mapping[str, bool] | None = None) -> dict[str, float]:
    """Dollars a million recipients, by whose doing they are; `traced` as above."""
    cost: defaultdict[str, float] = defaultdict(float)
    for function, kind, number in used:
        if kind in EXPLAINING or (kind == "traces" and not (traced or {}).get(function, True)):
            continue
        cost[function] += number * PRICES[kind].dollars / recipients / MILLION
    return dict(sorted(cost.items(), key=lambda item: -item[1]))


def metrics(names: Iterable[str], hours: float) -> float:
    """Dollars for custom metrics that are written during so many hours."""
    return len(list(names)) * METRIC_MONTH * hours / HOURS


def total(lines: Iterable[Line]) -> float:
    return sum(line.dollars for line in lines)


def stored(found: Mapping[str, Any]) -> float:
    """Dollars a month that a million recipients' rows cost while they are kept."""
    return float(found["stored_bytes"]) / float(found["recipients"]) * 1e6 * GB * STORED_GB_MONTH
