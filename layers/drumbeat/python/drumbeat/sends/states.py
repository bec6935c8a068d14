"""The states of a send: sending ⇄ paused → sent or cancelled. Workers read the state with every chunk that they
claim."""

from collections.abc import Mapping
from typing import Any

from drumbeat import clock
from drumbeat.logs import logger
from drumbeat.sends import grouping, senders
from drumbeat.sends.model import Send, SendState
from drumbeat.sends.senders import Sender
from drumbeat.table import ConditionFailed


def pause(tenant: str, send_id: str, reason: str, stopped: Mapping[str, Any] | None = None) -> None:
    """Stop claiming chunks, because the provider refuses the account, figures are too bad (`stopped` says which) or a
    person says so; what is under way is finished."""
    try:
        Send.change_at(
            *Send.key(tenant, send_id),
            Send.state.set(SendState.PAUSED.value),
            Send.reason.set(reason),
            Send.stopped.set(dict(stopped)) if stopped else Send.stopped.remove(),
            condition=Send.state == SendState.SENDING.value,
        )
    except ConditionFailed:
        logger.info("not paused: it is not sending", extra={"send": send_id})


def is_expired(send: Send) -> bool:
    """Whether it is too late for those who were not sent: mails of a send that was paused for long are out of date."""
    return send.expires_at is not None and send.expires_at <= clock.business()


def rests(send: Send) -> bool:
    """Whether nothing of it is to be sent for now: it is paused, and not over."""
    return bool(send.state == SendState.PAUSED) and not is_expired(send)


def wake(send: Send) -> None:
    """Let a governor look at the send again: it was resumed, or cancelled and has to be closed."""
    for account in dict.fromkeys([send.account, *grouping.routes(send)]):
        senders.add_work(account, send.tenant, send.send_id)
    row = Sender.fetch(*Sender.key(send.fallback)) if send.fallback and send.fallback != send.account else None
    if row is not None and f"{send.tenant}#{send.send_id}" in (row.work or ()):
        senders.add_work(row.account, send.tenant, send.send_id)
