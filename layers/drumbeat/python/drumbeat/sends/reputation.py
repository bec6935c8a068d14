"""Sends stop when the reputation of their sending identity is too bad, and the figure is brought up to date as their
numbers come in: with each roll-up, so nothing runs while nothing is sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drumbeat.deliverability import identities, reputation, steering
from drumbeat.deliverability import model as identity_model
from drumbeat.deliverability.model import Identity
from drumbeat.logs import counted, logger
from drumbeat.sends import states
from drumbeat.sends.model import Send, SendState

# Why a send is paused; its campaign shows it.
REASON = "reputation"


def after_roll_up(send: Send, numbers: Mapping[str, Any], now: datetime) -> Send:
    """Keep what the roll-up found, and pause whatever is sent from an identity whose figure has become critical. Gives
    the send as it is then."""
    identity = identity_model.find(send.tenant, send.identity) if send.identity else None
    if identity is None:
        return send
    reputation.record(
        send.tenant, identity.identity_id, send.send_id, send.campaign, send.launched_at, send.finished_at, now, numbers
    )
    rows = reputation.rows(send.tenant, identity.identity_id, now)
    was_held = steering.is_held(identity)
    if not steering.judge(identity, reputation.summed(rows), now):
        return send
    if not was_held:
        logger.warning("reputation is critical, sending is paused", extra={"identity": identity.identity_id})
        counted("ReputationPauses")
    open_ones = [row.send_id for row in rows if row.ended_at is None]
    _pause(send.tenant, [other for other in open_ones if other != send.send_id])
    if send.state == SendState.SENDING:
        states.pause(send.tenant, send.send_id, REASON)
        send.refresh(consistent_read=True)
    return send


def _pause(tenant: str, send_ids: list[str]) -> None:
    """Pause the identity's other sends; their own roll-ups, at least one a minute, then pause their campaigns."""
    for other in Send.many(Send.key(tenant, send_id) for send_id in send_ids):
        if other.state == SendState.SENDING:
            states.pause(tenant, other.send_id, REASON)


def require_free(tenant: str, send_id: str) -> None:
    """Raise ReputationPaused while the identity of a send is held. Needs `reads=(Send, Identity)`."""
    send = Send.fetch(*Send.key(tenant, send_id))
    identity: Identity | None = identity_model.find(tenant, send.identity) if send and send.identity else None
    if identity is not None:
        identities.require_sending(identity)
