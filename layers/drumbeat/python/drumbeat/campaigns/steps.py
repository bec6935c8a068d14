"""One step of a campaign: a conditional transaction, so that of two callers one wins."""

from datetime import datetime
from typing import Any

from drumbeat.activity import frames
from drumbeat.campaigns.model import Campaign, Status, WrongStatus
from drumbeat.events import Outbox, outbox
from drumbeat.sends.model import Send, SendState
from drumbeat.table import Transaction, TransactionRefused


def with_send(
    campaign: Campaign, before: SendState, after: SendState, status: Status, now: datetime, **values: Any
) -> Send:
    """Change campaign and send together. Raises WrongStatus when either has moved on."""
    tenant, send_id = campaign.tenant, campaign.send_id or ""
    reason = values.get("reason")
    transaction = Transaction().update(
        Send,
        *Send.key(tenant, send_id),
        [Send.state.set(after.value), Send.reason.remove() if reason is None else Send.reason.set(reason)],
        Send.state == before.value,
    )
    together(campaign, transaction, status, now, **values)
    send = Send.fetch(*Send.key(tenant, send_id))
    assert send is not None  # noqa: S101 - it was there in the transaction, and sends are never deleted
    return send


def together(campaign: Campaign, transaction: Transaction, status: Status, now: datetime, **values: Any) -> None:
    """Commit with the campaign's change, if nobody changed it since it was read. Raises WrongStatus."""
    attributes = {"status": status.value, "updated_at": now, **values}
    actions = [
        getattr(Campaign, name).remove() if value is None else getattr(Campaign, name).set(value)
        for name, value in attributes.items()
    ]
    transaction.update(Campaign, campaign.pk, campaign.sk, actions, campaign.unchanged())
    try:
        transaction.commit()
    except TransactionRefused as error:
        raise WrongStatus("The campaign has moved on meanwhile. Read it and try again.") from error
    campaign.refresh(consistent_read=True)


def completed(campaign: Campaign, status: Status, size: int, now: datetime, numbers: dict[str, int]) -> Outbox:
    """The event that says how the campaign ended; `numbers` are its counts by name."""
    data = frames.campaign_completed(
        campaign.campaign_id,
        campaign.name,
        campaign.channel,
        segment_id=next(iter((campaign.audience or {}).get("segments", [])), None),
        segment_size=size,
        status=status.value,
        started_at=campaign.launched_at or now,
        completed_at=now,
        counts=numbers,
    )
    return outbox("marketing.campaign.completed", campaign.tenant, campaign.campaign_id, now, data, campaign.created_by)
