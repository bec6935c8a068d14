"""Launch, schedule, pause, resume and cancel. Each step is one conditional transaction, so that of two callers one
wins, and whatever is not done after it (a machine to start, a schedule to make) is found by the sweeper.
"""

import secrets
from datetime import datetime, timedelta

from drumbeat import channels, ids, providers, schedules
from drumbeat.accounts import settings
from drumbeat.campaigns import answers, budgets, carriers, content, model, routes, steps, terms
from drumbeat.campaigns import audience as whom
from drumbeat.campaigns.model import Campaign, Status, WrongStatus
from drumbeat.campaigns.work import LAUNCH
from drumbeat.errors import Conflict, Invalid, NotFound
from drumbeat.marketing import model as marketing
from drumbeat.marketing import rules
from drumbeat.marketing.model import MarketingCampaign, State
from drumbeat.providers import NoAccount
from drumbeat.sends import environment, planning, reputation, senders, states, sweeping, tokens
from drumbeat.sends.audience import Audience
from drumbeat.sends.model import SHARDS, Send, SendState
from drumbeat.sends.moment import terms as moments
from drumbeat.sends.tokens import SECRET_BYTES
from drumbeat.table import Transaction, TransactionRefused
from drumbeat.templates import model as templates

# Below this an audience is planned as one shard, so that its chunks are full.
SMALL = 20_000


def launch(campaign: Campaign, actor: str | None, now: datetime, *, audience: Audience | None = None) -> Campaign:
    """Freeze what is sent to whom, and start sending. One whose schedule expired may be launched by hand. Raises
    WrongStatus, NotReady; NotRunning or BudgetExceeded as its marketing campaign stands; RestoredCopy."""
    _require_unsent(campaign)
    environment.require_home()
    umbrella = _umbrella(campaign, now)
    send_id = ids.derived("snd", campaign.tenant, campaign.campaign_id)
    said = content.frozen(campaign, send_id)
    audience = audience or whom.of(campaign, now)
    if umbrella is not None:
        # How many a filter leaves is not known yet; then only a budget that is used up already stops the launch.
        budgets.require(umbrella, campaign.channel, whom.known_size(campaign.tenant, audience), said.parts)
    send = _send(campaign, send_id, audience, actor, now)
    send.identity, send.languages = said.default.identity, said.default.languages or None
    send.launch["parts"] = said.parts
    steps.together(
        campaign, _made(send, said, umbrella), Status.SENDING, now,
        launched_at=now, send_id=send_id, template_version=said.template_version, gsi2pk=None, gsi2sk=None,
    )  # fmt: skip
    planning.start(send)
    if campaign.template_id:
        templates.used(campaign.tenant, campaign.template_id)
    return campaign


def _made(send: Send, said: content.Frozen, umbrella: MarketingCampaign | None) -> Transaction:
    """All that a launch writes besides the campaign. Of two launches under a marketing campaign that would both find
    room in its budget, one is refused."""
    links = [{"number": number, "url": url} for number, url in enumerate(said.links, 1)]
    secret, short = secrets.token_bytes(SECRET_BYTES), channels.get(send.channel).paid_by_length
    transaction = Transaction().create(send)
    for one in (*tokens.keys(send.send_id, send.tenant, send.campaign, secret, links, short=short), *said.all):
        transaction.create(one)
    if umbrella is not None:
        alone = (MarketingCampaign.state == State.APPROVED.value) & (MarketingCampaign.launches == umbrella.launches)
        another = MarketingCampaign.launches.set(int(umbrella.launches) + 1)
        transaction.update(MarketingCampaign, umbrella.pk, umbrella.sk, [another], alone)
    return transaction


def _require_unsent(campaign: Campaign) -> None:
    campaign.require(Status.DRAFT, Status.SCHEDULED, Status.EXPIRED)
    if campaign.send_id is not None:
        raise WrongStatus("The campaign was launched, and what was not sent in time expired. Duplicate or resend it.")


def _umbrella(campaign: Campaign, now: datetime) -> MarketingCampaign | None:
    """The marketing campaign that this one belongs to, which must run. Raises NotRunning."""
    if campaign.marketing_campaign_id is None:
        return None
    umbrella = marketing.get(campaign.tenant, campaign.marketing_campaign_id)
    rules.require_running(umbrella, now)
    return umbrella


def _send(campaign: Campaign, send_id: str, audience: Audience, actor: str | None, now: datetime) -> Send:
    chosen = settings.fresh(campaign.tenant)
    account, fallback = providers.chosen(campaign.tenant, campaign.channel)
    reserve = carriers.reserve(campaign, fallback)
    row, provider = senders.of(account), channels.provider(account.channel, account.provider)
    prices = routes.agreed(campaign, chosen, account)
    for route in prices.get("routes", ())[1:]:
        senders.of(providers.account(campaign.tenant, campaign.channel, route["account"]))
    size = whom.size(campaign.tenant, audience)
    limits = terms.limits(campaign, chosen)
    return Send(
        *Send.key(campaign.tenant, send_id),
        gsi2pk=sweeping.partition(ids.shard(send_id, SHARDS)),
        gsi2sk=sweeping.sort_key(now + sweeping.AGAIN, send_id),
        tenant=campaign.tenant,
        send_id=send_id,
        campaign=campaign.campaign_id,
        channel=campaign.channel,
        purpose=campaign.purpose,
        priority=campaign.priority,
        category=campaign.category,
        quiet=campaign.quiet,
        moment=moments.frozen(chosen, campaign.channel, campaign.purpose, campaign.over_cap),
        account=account.id,
        provider=account.provider,
        fallback=reserve.id if reserve else None,
        state=SendState.SENDING.value,
        audience=audience.model_dump(),
        plan_shards=(audience.earlier and audience.earlier.plan_shards) or (SHARDS if size > SMALL else 1),
        # A call holds at most one second of the account's rate.
        chunk_size=terms.chunk_size(min(provider.MOST_RECIPIENTS, int(row.rate)), limits),
        launch={
            "name": campaign.name,
            "recipients": whom.known_size(campaign.tenant, audience),
            "segment_id": next(iter(audience.segments), None),
            "time_zone": campaign.time_zone or chosen.time_zone,
            "budget_minor": int(campaign.budget or 0),
            "currency": campaign.currency or chosen.currency,
            "prices": prices,
        },
        unknown_policy=chosen.unknown_policy,
        grace_seconds=chosen.grace_seconds,
        publish=chosen.message_events,
        limits=limits,
        local=terms.local(campaign, chosen),
        expires_at=terms.expires_at(campaign, chosen, size, now),
        created_by=actor,
        launched_at=now,
        environment=environment.ours(),
    )


def schedule(campaign: Campaign, at: datetime | None, now: datetime, *, local: datetime | None = None) -> Campaign:
    """Launch at a time, or, for a campaign that is sent in recipients' time zones, in time for the first of them. One
    that is too long past expires at once, visibly. Raises WrongStatus, NotReady."""
    campaign.require(Status.DRAFT, Status.SCHEDULED)
    if local is not None:
        campaign.send_in_recipient_zone, campaign.local_send_at = True, local.isoformat()
    at = terms.starts_at(campaign, at)
    if is_too_late(campaign, at, now):
        return expire(campaign, at, now)
    content.frozen(campaign, "snd_check")
    providers.chosen(campaign.tenant, campaign.channel)
    whom.require_somebody(campaign)
    revision = int(campaign.revision or 0) + 1
    campaign = model.change(
        campaign,
        now,
        status=Status.SCHEDULED.value,
        scheduled_at=at,
        send_in_recipient_zone=campaign.send_in_recipient_zone,
        local_send_at=campaign.local_send_at,
        revision=revision,
        gsi2pk=Campaign.due_partition(campaign.campaign_id),
        gsi2sk=model.due_sort(at + timedelta(minutes=2), campaign.campaign_id),
    )
    message = {"tenant": campaign.tenant, "campaign": campaign.campaign_id, "revision": revision}
    schedules.at(LAUNCH, f"{campaign.campaign_id}-{revision}", max(at, now + timedelta(seconds=1)), message)
    return campaign


def is_too_late(campaign: Campaign, at: datetime, now: datetime) -> bool:
    """Whether a schedule must not start any more: the campaign or the schedule has expired."""
    late = timedelta(seconds=settings.of(campaign.tenant).schedule_expiry_seconds)
    return now > terms.last_start(campaign, at) + late or bool(campaign.expires_at and campaign.expires_at <= now)


def launch_scheduled(tenant: str, campaign_id: str, revision: int, now: datetime) -> None:
    """The time of a schedule has come. It may come twice, late, or after the campaign was changed: only the campaign's
    current schedule counts."""
    if not environment.is_home():
        return  # it stays scheduled
    campaign = model.get(tenant, campaign_id)
    at = campaign.scheduled_at
    if campaign.status != Status.SCHEDULED or int(campaign.revision) != revision or at is None or now < at:
        return
    try:
        if is_too_late(campaign, at, now):
            expire(campaign, at, now)
        else:
            launch(campaign, campaign.created_by, now)
    except WrongStatus:
        return
    except (Invalid, NotFound, Conflict, NoAccount) as error:
        # What was ready when it was scheduled has been taken away since; it must not be silently forgotten.
        reason = "; ".join(f"{detail.field}: {detail.message}" for detail in error.details) or error.message
        model.change(
            campaign, now, status=Status.DRAFT.value, reason=f"not launched: {reason}"[:500], gsi2pk=None, gsi2sk=None
        )


def expire(campaign: Campaign, at: datetime, now: datetime) -> Campaign:
    """The schedule came too late: nothing is sent, and everyone can see it."""
    told = steps.completed(campaign, Status.EXPIRED, 0, now, {})
    steps.together(
        campaign, Transaction().create(told), Status.EXPIRED, now,
        scheduled_at=at, finished_at=now, reason="schedule_expired", gsi2pk=None, gsi2sk=None,
    )  # fmt: skip
    return campaign


def pause(campaign: Campaign, now: datetime, *, reason: str = "paused_by_user") -> Campaign:
    """Send no further chunk; what is under way is finished. Raises WrongStatus."""
    campaign.require(Status.SENDING)
    steps.with_send(campaign, SendState.SENDING, SendState.PAUSED, Status.PAUSED, now, reason=reason)
    return campaign


def resume(campaign: Campaign, now: datetime, *, override: bool = False) -> Campaign:
    """Go on where it was paused: whoever was sent is not sent again. Raises WrongStatus, RestoredCopy; ReputationPaused
    while its sending identity is held; NeedsAnswer for one that was paused by itself, unless somebody answers for it
    (`override`)."""
    campaign.require(Status.PAUSED)
    environment.require_home()
    before = Send.fetch(*Send.key(campaign.tenant, campaign.send_id or ""))
    reputation.require_free(before)
    if before is not None and not override:
        answers.require_none(before)
    if before is not None and before.reason in reputation.REASONS:
        reputation.answer(before, now)
    send = steps.with_send(campaign, SendState.PAUSED, SendState.SENDING, Status.SENDING, now, reason=None)
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
    # A worker may have paused it, and no roll-up has seen that yet.
    found = Send.fetch(*Send.key(campaign.tenant, campaign.send_id))
    before = SendState.PAUSED if found and found.state == SendState.PAUSED else SendState.SENDING
    send = steps.with_send(
        campaign, before, SendState.CANCELLED, Status.CANCELLED, now, reason="cancelled_by_user", finished_at=now
    )
    states.wake(send)
    return campaign


def finish(campaign: Campaign, send: Send, numbers: dict[str, int], now: datetime, *, expired: int = 0) -> bool:
    """No chunk is open any more: the campaign is sent, or has expired when all that became of it is that some did.
    False when somebody else has said so."""
    status = Status.EXPIRED if expired and not numbers["sent"] else Status.SENT
    told = steps.completed(campaign, status, int(send.audience_size), now, numbers)
    transaction = Transaction().create(told)
    transaction.update(
        Send, send.pk, send.sk,
        [Send.state.set(SendState.SENT.value), Send.finished_at.set(now)],
        Send.state.is_in(SendState.SENDING.value, SendState.PAUSED.value),
    )  # fmt: skip
    try:
        steps.together(
            campaign, transaction, status, now, finished_at=now, reason="send_expired" if expired else campaign.reason
        )
    except WrongStatus:
        return False
    return True


def close_cancelled(campaign: Campaign, send: Send, numbers: dict[str, int], now: datetime) -> bool:
    """The last chunk of a cancelled send is closed: say so once. False when it had been said."""
    told = steps.completed(campaign, Status.CANCELLED, int(send.audience_size), now, numbers)
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
