"""Launch, schedule, pause, resume and cancel. Each step is one conditional transaction, so that of two callers one
wins, and
whatever is not done after it (a machine to start, a schedule to make) is found by the sweeper.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from drumbeat import counts, ids, schedules
from drumbeat.accounts import settings
from drumbeat.activity import frames
from drumbeat.campaigns import content, model
from drumbeat.campaigns.model import Campaign, Status, WrongStatus
from drumbeat.campaigns.work import LAUNCH
from drumbeat.channels import ses
from drumbeat.contacts import model as contacts
from drumbeat.errors import Detail
from drumbeat.events import Outbox, outbox
from drumbeat.segments import audience as filters
from drumbeat.segments import changes
from drumbeat.segments import model as segments
from drumbeat.segments.views import NewSegment
from drumbeat.sends import planning, senders, states, sweeping
from drumbeat.sends.audience import Audience
from drumbeat.sends.model import SHARDS, Send, SendKey, SendState
from drumbeat.sends.tokens import SECRET_BYTES
from drumbeat.table import Transaction, TransactionRefused
from drumbeat.templates import model as templates

# Below this an audience is planned as one shard, so that its chunks are full.
SMALL = 20_000


def launch(campaign: Campaign, actor: str | None, now: datetime, *, audience: Audience | None = None) -> Campaign:
    """Freeze what is sent to whom, and start sending. Raises WrongStatus, NotReady."""
    campaign.require(Status.DRAFT, Status.SCHEDULED)
    send_id = ids.derived("snd", campaign.tenant, campaign.campaign_id)
    said = content.build(campaign, send_id)
    compiled = content.checked(said)
    send = _send(campaign, send_id, audience or _audience(campaign, now), actor, now)
    key = SendKey(
        *SendKey.key(send_id),
        tenant=campaign.tenant,
        campaign=campaign.campaign_id,
        secret=secrets.token_bytes(SECRET_BYTES),
        links=[{"number": link.number, "url": link.url_template} for link in compiled.links],
    )
    _together(
        campaign,
        Transaction().create(send).create(said).create(key),
        Status.SENDING,
        now,
        launched_at=now,
        send_id=send_id,
        gsi2pk=None,
        gsi2sk=None,
    )
    planning.start(send)
    if campaign.template_id:
        templates.used(campaign.tenant, campaign.template_id)
    return campaign


def _send(campaign: Campaign, send_id: str, audience: Audience, actor: str | None, now: datetime) -> Send:
    chosen = settings.fresh(campaign.tenant)
    account = senders.get()
    size = _size(campaign.tenant, audience)
    return Send(
        *Send.key(campaign.tenant, send_id),
        gsi2pk=sweeping.partition(ids.shard(send_id, SHARDS)),
        gsi2sk=sweeping.sort_key(now + sweeping.AGAIN, send_id),
        tenant=campaign.tenant,
        send_id=send_id,
        campaign=campaign.campaign_id,
        account=account.account,
        state=SendState.SENDING.value,
        audience=audience.model_dump(),
        plan_shards=SHARDS if size > SMALL else 1,
        # A call holds at most one second of the account's rate.
        chunk_size=max(1, min(ses.MOST_RECIPIENTS, int(account.rate))),
        launch={
            "name": campaign.name,
            "segment_id": next(iter(audience.segments), None),
            "time_zone": campaign.time_zone or chosen.time_zone,
            "budget_minor": int(campaign.budget or 0),
            "currency": campaign.currency or chosen.currency,
        },
        unknown_policy=chosen.unknown_policy,
        grace_seconds=chosen.grace_seconds,
        publish=chosen.message_events,
        created_by=actor,
        launched_at=now,
    )


def _audience(campaign: Campaign, now: datetime) -> Audience:
    """The stored audience. Raises NotReady when the campaign names nobody."""
    _require_somebody(campaign)
    stored = dict(campaign.audience or {})
    wanted = stored.pop("filters", None)
    return Audience(**stored, only=_filtered(campaign, wanted, now) if wanted else None)


def _require_somebody(campaign: Campaign) -> None:
    stored = campaign.audience or {}
    if not (stored.get("segments") or stored.get("everyone") or stored.get("filters")):
        raise content.NotReady(
            "The campaign cannot be sent yet; see details.", [Detail("audience", "name a segment, or set everyone")]
        )


def _filtered(campaign: Campaign, wanted: dict[str, Any], now: datetime) -> str:
    """Filters become a hidden list of those who match now; planning waits until it is filled."""
    new = NewSegment.model_validate(
        {
            "name": f"Filters of {campaign.campaign_id}",
            "criteria": filters.audience_filters(wanted),
            "dynamic": False,
        }
    )
    segment_id = ids.derived("seg", campaign.tenant, campaign.campaign_id, "filters")
    actor = campaign.created_by or ""
    return changes.create(
        campaign.tenant, new, segment_id=segment_id, created_by=actor, now=now, hidden=True
    ).segment_id


def _size(tenant: str, audience: Audience) -> int:
    """About how many, rather too many: only the number of shards depends on it."""
    named = segments.resolve(tenant, list(audience.segments))
    if audience.everyone or not named or any(segment.counted_at is None for segment in named):
        return counts.total(tenant, contacts.KIND)
    return sum(segment.member_count for segment in named)


def schedule(campaign: Campaign, at: datetime, now: datetime) -> Campaign:
    """Launch at a time. One that is too long past expires at once, visibly. Raises WrongStatus, NotReady."""
    campaign.require(Status.DRAFT, Status.SCHEDULED)
    if is_too_late(campaign.tenant, at, now):
        return expire(campaign, at, now)
    content.checked(content.build(campaign, "snd_check"))
    _require_somebody(campaign)
    revision = int(campaign.revision or 0) + 1
    campaign = model.change(
        campaign,
        now,
        status=Status.SCHEDULED.value,
        scheduled_at=at,
        revision=revision,
        gsi2pk=Campaign.due_partition(campaign.campaign_id),
        gsi2sk=model.due_sort(at + timedelta(minutes=2), campaign.campaign_id),
    )
    message = {"tenant": campaign.tenant, "campaign": campaign.campaign_id, "revision": revision}
    schedules.at(LAUNCH, f"{campaign.campaign_id}-{revision}", max(at, now + timedelta(seconds=1)), message)
    return campaign


def is_too_late(tenant: str, at: datetime, now: datetime) -> bool:
    return now > at + timedelta(seconds=settings.of(tenant).schedule_expiry_seconds)


def launch_scheduled(tenant: str, campaign_id: str, revision: int, now: datetime) -> None:
    """The time of a schedule has come. It may come twice, late, or after the campaign was changed: only the campaign's
    current schedule counts."""
    campaign = model.get(tenant, campaign_id)
    at = campaign.scheduled_at
    if campaign.status != Status.SCHEDULED or int(campaign.revision) != revision or at is None or now < at:
        return
    try:
        if is_too_late(tenant, at, now):
            expire(campaign, at, now)
        else:
            launch(campaign, campaign.created_by, now)
    except WrongStatus:
        return
    except content.NotReady as error:
        # What was ready when it was scheduled has been taken away since; it must not be silently forgotten.
        reason = "; ".join(f"{detail.field}: {detail.message}" for detail in error.details)
        model.change(
            campaign, now, status=Status.DRAFT.value, reason=f"not launched: {reason}"[:500], gsi2pk=None, gsi2sk=None
        )


def expire(campaign: Campaign, at: datetime, now: datetime) -> Campaign:
    """The schedule came too late: nothing is sent, and everyone can see it."""
    told = _completed(campaign, Status.EXPIRED, 0, now, {})
    _together(
        campaign, Transaction().create(told), Status.EXPIRED, now,
        scheduled_at=at, finished_at=now, reason="schedule_expired", gsi2pk=None, gsi2sk=None,
    )  # fmt: skip
    return campaign


def pause(campaign: Campaign, now: datetime) -> Campaign:
    """Send no further chunk; what is under way is finished. Raises WrongStatus."""
    campaign.require(Status.SENDING)
    _with_send(campaign, SendState.SENDING, SendState.PAUSED, Status.PAUSED, now, reason="paused_by_user")
    return campaign


def resume(campaign: Campaign, now: datetime) -> Campaign:
    """Go on where it was paused: whoever was sent is not sent again. Raises WrongStatus."""
    campaign.require(Status.PAUSED)
    send = _with_send(campaign, SendState.PAUSED, SendState.SENDING, Status.SENDING, now, reason=None)
    states.wake(send)
    return campaign


def cancel(campaign: Campaign, now: datetime) -> Campaign:
    """Send nothing more. Who was not sent is shown with the reason `cancelled`. Raises WrongStatus."""
    campaign.require(Status.DRAFT, Status.SCHEDULED, Status.SENDING, Status.PAUSED)
    if campaign.send_id is None:
        scheduled = campaign.status == Status.SCHEDULED
        model.change(
            campaign,
            now,
            status=Status.CANCELLED.value,
            finished_at=now,
            reason="cancelled_by_user",
            gsi2pk=None,
            gsi2sk=None,
        )
        if scheduled:
            schedules.cancel(f"{campaign.campaign_id}-{int(campaign.revision)}")
        return campaign
    before = SendState.SENDING if campaign.status == Status.SENDING else SendState.PAUSED
    send = _with_send(
        campaign, before, SendState.CANCELLED, Status.CANCELLED, now, reason="cancelled_by_user", finished_at=now
    )
    states.wake(send)
    return campaign


def finish(campaign: Campaign, send: Send, numbers: dict[str, int], now: datetime) -> bool:
    """No chunk is open any more: the campaign is sent. False when somebody else has said so."""
    told = _completed(campaign, Status.SENT, int(send.audience_size), now, numbers)
    transaction = Transaction().create(told)
    transaction.update(
        Send, send.pk, send.sk,
        [Send.state.set(SendState.SENT.value), Send.finished_at.set(now)],
        Send.state == SendState.SENDING.value,
    )  # fmt: skip
    try:
        _together(campaign, transaction, Status.SENT, now, finished_at=now)
    except WrongStatus:
        return False
    return True


def close_cancelled(campaign: Campaign, send: Send, numbers: dict[str, int], now: datetime) -> bool:
    """The last chunk of a cancelled send is closed: say so once. False when it had been said."""
    told = _completed(campaign, Status.CANCELLED, int(send.audience_size), now, numbers)
    transaction = Transaction().create(told)
    transaction.update(
        Send, send.pk, send.sk, [Send.finished_at.set(now)], Send.pk.exists() & Send.finished_at.does_not_exist()
    )
    try:
        transaction.commit()
    except TransactionRefused:
        return False
    return True


def follow(campaign: Campaign, send: Send, now: datetime) -> None:
    """The worker paused the send because the provider refuses the account; the campaign shows it."""
    if send.state == SendState.PAUSED and campaign.status == Status.SENDING:
        model.change(campaign, now, status=Status.PAUSED.value, reason=send.reason)


def _with_send(
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
    _together(campaign, transaction, status, now, **values)
    send = Send.fetch(*Send.key(tenant, send_id))
    assert send is not None  # noqa: S101 - it was there in the transaction, and sends are never deleted
    return send


def _together(campaign: Campaign, transaction: Transaction, status: Status, now: datetime, **values: Any) -> None:
    """Commit with the campaign's change, if nobody changed it since it was read. Raises WrongStatus."""
    attributes = {"status": status.value, "updated_at": now, **values}
    actions = [
        getattr(Campaign, name).remove() if value is None else getattr(Campaign, name).set(value)
        for name, value in attributes.items()
    ]
    unchanged = Campaign.attempt == campaign.attempt if campaign.attempt else Campaign.attempt.does_not_exist()
    transaction.update(Campaign, campaign.pk, campaign.sk, actions, Campaign.pk.exists() & unchanged)
    try:
        transaction.commit()
    except TransactionRefused as error:
        raise WrongStatus("The campaign has moved on meanwhile. Read it and try again.") from error
    campaign.refresh(consistent_read=True)


def _completed(campaign: Campaign, status: Status, size: int, now: datetime, numbers: dict[str, int]) -> Outbox:
    data = frames.campaign_completed(
        campaign.campaign_id,
        campaign.name,
        "email",
        segment_id=next(iter((campaign.audience or {}).get("segments", [])), None),
        segment_size=size,
        status=status.value,
        started_at=campaign.launched_at or now,
        completed_at=now,
        counts=numbers,
    )
    return outbox("marketing.campaign.completed", campaign.tenant, campaign.campaign_id, now, data, campaign.created_by)
