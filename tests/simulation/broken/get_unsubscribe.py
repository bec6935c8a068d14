"""Broken on purpose: unsubscribes whoever's link is fetched. Programs that check mails fetch every link."""

from typing import Any

from drumbeat import clock
from drumbeat.feedback import opt_outs, tracking
from drumbeat.table import tenancy


def visit(token: str) -> None:
    """`GET /u/{token}`."""
    target = tracking.message_of(token)
    if target is not None:
        opt_outs.unsubscribe(target, method="link", reason=None, now=clock.business())


def handler(event: dict[str, Any]) -> dict[str, Any]:
    """The function behind the route."""
    with tenancy.only(""):  # as around every request
        visit(event["pathParameters"]["token"])
    return {"statusCode": 200, "headers": {}, "body": "", "isBase64Encoded": False}
