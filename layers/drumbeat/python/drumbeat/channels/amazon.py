"""What the failures of Amazon's services have in common, for providers that are among them."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)

from drumbeat.channels.outcomes import CallResult, CallState, asked_to_wait

# Credentials that were changed under us: the next try has new ones.
CREDENTIALS = frozenset({"ExpiredTokenException", "ExpiredToken", "RequestExpired", "RequestTimeTooSkewed"})
_THROTTLED = frozenset({"TooManyRequestsException", "RequestLimitExceeded"})


def asked(call: Callable[[], Any], refused: Callable[[ClientError], CallResult]) -> Any:
    """The answer of a call of the SDK's, or, as a CallResult, what it means that there is none. `refused` reads what
    the service said."""
    try:
        return call()
    except ClientError as error:
        return refused(error)
    except (EndpointConnectionError, ConnectTimeoutError) as error:
        return CallResult(CallState.UNREACHABLE, reason=type(error).__name__)
    except (ReadTimeoutError, ConnectionClosedError, SSLError, HTTPClientError) as error:
        # The request may have arrived. Only its events, or the end of the grace, can tell.
        return CallResult(CallState.UNKNOWN, reason=type(error).__name__)


def usual(error: ClientError) -> CallResult | None:
    """What an error means that any service may answer with; None for one of its own."""
    code, told = error.response["Error"]["Code"], error.response.get("ResponseMetadata", {})
    status = told.get("HTTPStatusCode", 0)
    if status >= 500:
        return CallResult(CallState.UNKNOWN, reason=code)
    if status == 429 or "Throttl" in code or code in _THROTTLED:
        wait = asked_to_wait(told.get("HTTPHeaders", {}))
        return CallResult(CallState.THROTTLED, reason=code, wait=wait, throttled=True)
    return CallResult(CallState.NOT_SENT, reason=code) if code in CREDENTIALS else None
