"""Sends of mail stop when too much of what was sent bounces or is complained of. The figures are brought up to date as
their numbers come in: with each roll-up, so nothing runs while nothing is sent.

Three figures are looked at, by the same limits (drumbeat.deliverability.reputation): the sending identity's of a
week, or, for senders that the operator shares, the tenant's own from all of those, so that one tenant's bad list stops
nobody else; and the send's. A person who resumes answers for what is known by then: what comes later is judged by
itself. Sends on channels where nobody judges the sender so (Channel.judged) neither count nor stop: a bad list of
addresses says nothing about telephones.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drumbeat import channels, clock
from drumbeat.deliverability import identities, reputation, steering
from drumbeat.deliverability import model as identity_model
from drumbeat.deliverability.model import Identity
from drumbeat.deliverability.reputation import Figure
from drumbeat.logs import counted, logger
from drumbeat.sends import rollups, states
from drumbeat.sends.model import Send, SendState

# Why a send is paused; its campaign shows it.
REASON, OF_SEND, OF_TENANT = "reputation", "reputation_of_send", "reputation_of_tenant"
REASONS = frozenset({REASON, OF_SEND, OF_TENANT})
# Those that a person must answer for to resume; for an identity's figure, the identity is resumed first.
ANSWERED_FOR = frozenset({OF_SEND, OF_TENANT})
# In the place of an identity: whatever a tenant sends from shared senders.
SHARED = "shared"
_COUNTS = ("sent", "delivered", "bounced", "soft_bounced", "complained")
_LIMITS = {"bounce_rate": reputation.MOST_BOUNCES, "complaint_rate": reputation.MOST_COMPLAINTS}


def after_roll_up(send: Send, numbers: Mapping[str, Any], now: datetime) -> Send:
    """Keep what the roll-up found, and pause whatever a critical figure is about. Gives the send as it is then."""
    if not channels.get(send.channel).judged:
        return send
    identity = identity_model.find(send.tenant, send.identity) if send.identity else None
    whose = identity.identity_id if identity else SHARED
    reputation.record(send.tenant, whose, send.send_id, send.campaign, send.launched_at, send.finished_at, now, numbers)
    rows = reputation.rows(send.tenant, whose, now)
    figure = reputation.summed(rows)
    if identity is not None and _judged(identity, figure, now):
        open_ones = [row.send_id for row in rows if row.ended_at is None]
        _pause(send.tenant, [other for other in open_ones if other != send.send_id], figure, now)
        return _stopped(send, REASON, "identity", figure, now)
    of_send = since(reputation.counted(numbers), (send.answered or {}).get("send"))
    if of_send.level == "critical":
        return _stopped(send, OF_SEND, "send", of_send, now)
    of_tenant = since(_counts(figure), (send.answered or {}).get("tenant"))
    if identity is None and of_tenant.level == "critical":
        return _stopped(send, OF_TENANT, "tenant", of_tenant, now)
    return send


def before_planning(send: Send, now: datetime) -> bool:
    """Pause a send from a shared sender before anything of it leaves, when the tenant's figure is critical; whether it
    was. Reads SendFigures."""
    if send.identity is not None or not channels.get(send.channel).judged:
        return False
    of_tenant = reputation.figure(send.tenant, SHARED, now)
    if of_tenant.level == "critical" and not send.answered:
        _stopped(send, OF_TENANT, "tenant", of_tenant, now)
        return True
    return False


def since(counts: Mapping[str, int], known: Mapping[str, int] | None) -> Figure:
    """What has come since a person answered for what was known."""
    return reputation.judged(**{name: max(0, counts[name] - int((known or {}).get(name, 0))) for name in _COUNTS})


def answer(send: Send, now: datetime) -> None:
    """A person resumes a send that was paused for its figures, and answers for them as they are now. Reads Totals,
    SendFigures; writes Send."""
    totals = rollups.latest(send.tenant, send.send_id)
    known = {"send": reputation.counted(totals.numbers) if totals else {}}
    if send.identity is None:
        known["tenant"] = _counts(reputation.figure(send.tenant, SHARED, now))
    send.change(Send.answered.set(known))


def described(stopped: Mapping[str, Any]) -> str:
    """Why, in a sentence: what passed which limit."""
    names = {"bounce_rate": "hard bounces", "complaint_rate": "complaints"}
    passed = [
        f"{names[name]} are {100 * stopped[name]:.2f} %, above {100 * stopped['limits'][name]:g} %"
        for name in stopped["reasons"]
    ]
    whose = {"tenant": "of all that you send from shared senders"}.get(stopped["scope"], "of this send")
    return f"{', '.join(passed)} {whose} ({stopped['sent']} mails)"


def _counts(figure: Figure) -> dict[str, int]:
    return {name: getattr(figure, name) for name in _COUNTS}


def _judged(identity: Identity, figure: Figure, now: datetime) -> bool:
    """Whether the identity is held now."""
    was_held = steering.is_held(identity)
    if not steering.judge(identity, figure, now):
        return False
    if not was_held:
        logger.warning("reputation is critical, sending is paused", extra={"identity": identity.identity_id})
        counted("ReputationPauses")
    return True


def _stopped(send: Send, reason: str, scope: str, figure: Figure, now: datetime) -> Send:
    if send.state == SendState.SENDING:
        if scope != "identity":
            logger.warning("reputation is critical, a send is paused", extra={"send": send.send_id, "scope": scope})
            counted("ReputationPauses")
        states.pause(send.tenant, send.send_id, reason, _told(scope, figure, now))
        send.refresh(consistent_read=True)
    return send


def _told(scope: str, figure: Figure, now: datetime) -> dict[str, Any]:
    return {"at": clock.iso(now), "scope": scope, "limits": _LIMITS, **figure.as_json()}


def _pause(tenant: str, send_ids: list[str], figure: Figure, now: datetime) -> None:
    """Pause the identity's other sends; their own roll-ups, at least one a minute, then pause their campaigns."""
    for other in Send.many(Send.key(tenant, send_id) for send_id in send_ids):
        if other.state == SendState.SENDING:
            states.pause(tenant, other.send_id, REASON, _told("identity", figure, now))


def require_free(send: Send | None) -> None:
    """Raise ReputationPaused while the identity of a send is held. Needs `reads=(Identity,)`."""
    identity: Identity | None = identity_model.find(send.tenant, send.identity) if send and send.identity else None
    if identity is not None:
        identities.require_sending(identity)
