"""Broken on purpose: unsubscribes whoever's link is fetched. Programs that check mails fetch every link."""

from drumbeat import clock
from drumbeat.feedback import opt_outs, tracking


def visit(token: str) -> None:
    """`GET /u/{token}`."""
    target = tracking.message_of(token)
    if target is not None:
        opt_outs.unsubscribe(target, method="link", reason=None, now=clock.business())
