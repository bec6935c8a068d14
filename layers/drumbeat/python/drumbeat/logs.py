"""Logs (JSON, one line at least an invocation) and metrics (EMF; their `service` is the context). No personal data
goes into either."""

import os

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service=os.environ.get("POWERTOOLS_SERVICE_NAME", "drumbeat"), utc=True, log_uncaught_exceptions=False)
metrics = Metrics(
    namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Drumbeat"),
    service=os.environ.get("POWERTOOLS_SERVICE_NAME", "drumbeat"),
)


def counted(name: str, value: float = 1) -> None:
    """Add to a metric of this context: requests, sends, deliveries, …"""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def flush() -> None:
    """Write this invocation's metrics, if it has any: each name is paid for by the hour in which it comes up."""
    if metrics.provider.metric_set:
        metrics.flush_metrics()


def timed(name: str, milliseconds: float) -> None:
    metrics.add_metric(name=name, unit=MetricUnit.Milliseconds, value=milliseconds)
