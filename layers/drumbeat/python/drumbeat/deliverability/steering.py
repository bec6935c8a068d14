"""What slows an identity down: its warm-up, and the pause that a bad reputation brings.

A pause and its event are one transaction, so that what is told has happened, and once.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from drumbeat import clock
from drumbeat.deliverability import warmup
from drumbeat.deliverability.model import Identity, Sending
from drumbeat.deliverability.reputation import Figure
from drumbeat.errors import Conflict
from drumbeat.events import outbox
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

if TYPE_CHECKING:  # roll-ups steer, too, and have no request
    from drumbeat.deliverability.views import Resumption, WarmUpChange

# Recipients an hour of an identity whose figure warns.
SLOWLY = 1_000
PAUSED, RESUMED = "sending_identity.paused", "sending_identity.resumed"


class NotPaused(Conflict):
    code = "IDENTITY_NOT_PAUSED"


class StillCritical(Conflict):
    """The figures are what they were when sending was paused."""

    code = "REPUTATION_CRITICAL"


class NoPlan(Conflict):
    code = "NO_WARM_UP"


def is_held(row: Identity) -> bool:
    """Whether nothing may be sent from the identity now."""
    return bool(row.sending == Sending.PAUSED)


def is_doubtful(row: Identity) -> bool:
    """Whether the identity's mail is held to `SLOWLY` an hour, so that a pause comes before most of it has left."""
    return row.level in ("warning", "critical")


def judge(row: Identity, figure: Figure, now: datetime) -> bool:
    """Pause the identity when its figure is critical, unless a person has answered for it; whether it is held now.
    The figure's level is kept on the identity, for `is_doubtful`."""
    if row.level != figure.level:
        row.change(Identity.level.set(figure.level))
    if is_held(row):
        return True
    if figure.level != "critical" or (row.override_until is not None and now < row.override_until):
        return False
    cls = Identity
    actions = [
        cls.sending.set(Sending.PAUSED.value), cls.paused_at.set(now), cls.paused.set(figure.as_json()),
        cls.override_until.remove(),
    ]  # fmt: skip
    told = outbox(PAUSED, row.tenant, f"{row.identity_id}#{clock.iso(now)}", now, _told(row, figure.as_json()))
    same = (cls.override_until == row.override_until) if row.override_until else cls.override_until.does_not_exist()
    transaction = Transaction().create(told)
    transaction.update(cls, row.pk, row.sk, actions, (cls.sending == Sending.ACTIVE.value) & same)
    try:
        transaction.commit()
    except TransactionRefused:
        # Somebody else has paused it, or a person has just answered for it.
        row.refresh(consistent_read=True)
        return is_held(row)
    row.refresh(consistent_read=True)
    return True


def resume(row: Identity, asked: "Resumption", figure: Figure, actor: str, now: datetime) -> Identity:
    """Let the identity send again. Raises NotPaused, and StillCritical unless `override` is said."""
    if not is_held(row):
        raise NotPaused(f"{row.name} is not paused.")
    critical = figure.level == "critical"
    if critical and not asked.override:
        raise StillCritical(
            f"{', '.join(figure.reasons)} is still above the limit. Wait until the figure of the last seven days is "
            'better, or send {"override": true} and answer for it.'
        )
    cls = Identity
    actions: list[Any] = [cls.sending.set(Sending.ACTIVE.value), cls.paused.remove(), cls.paused_at.remove()]
    if asked.override:
        actions.append(cls.override_until.set(now + timedelta(hours=asked.hours)))
    data = {**_told(row, figure.as_json()), "override": asked.override}
    transaction = Transaction().create(
        outbox(RESUMED, row.tenant, f"{row.identity_id}#{clock.iso(now)}", now, data, actor)
    )
    transaction.update(cls, row.pk, row.sk, actions, cls.sending == Sending.PAUSED.value)
    try:
        transaction.commit()
    except TransactionRefused as error:
        raise NotPaused(f"{row.name} is not paused any more.") from error
    row.refresh(consistent_read=True)
    return row


def _told(row: Identity, figure: dict[str, Any]) -> dict[str, Any]:
    return {"identity_id": row.identity_id, "name": row.name, **figure}


def warm(row: Identity, asked: "WarmUpChange", now: datetime) -> Identity:
    """Change the warm-up. Raises NoPlan for one that was not started or was stopped, Conflict when somebody else
    changed it."""
    plan = warmup.plan_of(row.warmup)
    if asked.action == "start":
        after = warmup.start(asked.target, now)
    elif plan is None or (plan.state == "done" and asked.action != "stop"):
        raise NoPlan('There is no warm-up of this identity. Start one: {"action": "start"}.')
    else:
        steps = {"pause": warmup.pause, "resume": warmup.go_on, "skip": warmup.skip}
        after = warmup.stop(plan) if asked.action == "stop" else steps[asked.action](plan, now)
    try:
        row.change(Identity.warmup.set(after.as_json()), unchanged=True)
    except ConditionFailed as error:
        raise Conflict("The identity was changed by somebody else at the same time. Try again.") from error
    return row
