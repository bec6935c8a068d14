"""One client per AWS service and configuration, made when first needed and kept for the life of the instance."""

import functools
from typing import Any

import botocore.session
from botocore.config import Config

# Said by us, because botocore would put its own together anew for each request: a fifth of the request's time.
USER_AGENT = "drumbeat"


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@functools.cache
def client(service: str, *, tries: int = 4, read_timeout: float = 8) -> Any:
    """A botocore client. `tries=1` for calls that must not be repeated by the SDK (those that send)."""
    config = Config(
        connect_timeout=3,
        read_timeout=read_timeout,
        retries={"total_max_attempts": tries, "mode": "standard"},
        parameter_validation=False,
        user_agent=USER_AGENT,
    )
    if service == "s3":
        config = config.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    return _session().create_client(service, config=config)
