"""Tests run without the network: what they need of AWS is moto or the local stack."""

import gc
import os

# Before the layer is imported: it reads its environment once.
os.environ.update(
    TABLE="drumbeat-test",
    BUS="drumbeat",
    BUCKET="drumbeat-data",
    PUBLIC_URL="https://track.example",
    SCHEDULER_ROLE="arn:aws:iam::123456789012:role/scheduler",
    ENVIRONMENT_ID="2026-03-02T09:00:00.000",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_REGION="us-east-1",
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    POWERTOOLS_SERVICE_NAME="test",
    POWERTOOLS_METRICS_NAMESPACE="Drumbeat",
    POWERTOOLS_LOG_LEVEL="INFO",
)
os.environ.pop("AWS_ENDPOINT_URL", None)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look at it again after every few hundred objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
