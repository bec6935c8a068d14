"""Benchmarks: every budget of the design against a measured figure (`make bench`).

The layer reads its environment once, so it is set here, before any of these modules imports it.
"""

import os

for _name, _value in {
    "TABLE": "drumbeat", "BUS": "drumbeat", "BUCKET": "drumbeat-data", "PUBLIC_URL": "https://track.shop.example",
    "SHARED_SENDERS": "shop.example", "ENVIRONMENT_ID": "bench",
    "SCHEDULER_ROLE": "arn:aws:iam::123456789012:role/scheduler", "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench",
    "POWERTOOLS_SERVICE_NAME": "bench", "POWERTOOLS_METRICS_NAMESPACE": "Drumbeat", "POWERTOOLS_LOG_LEVEL": "INFO",
}.items():  # fmt: skip
    os.environ.setdefault(_name, _value)
