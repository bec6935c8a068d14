"""Messages of journeys leave through `sends`: one send a day for each message step of a version.

    pk                              sk
    DAILY#<tenant>#<journey>        <day>#<version>#<step>#<send>    a send that the journey made

The send of a day is made when its first message is handed over, and takes chunks until the day is over; then it is
sealed (drumbeat.sends.daily), and finishes as all sends do. A template that was changed makes another send, so that
what was frozen stays what it was.
"""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat import channels, ids, providers, table
from drumbeat.accounts import settings
from drumbeat.campaigns import content, terms
from drumbeat.campaigns.content import Frozen
from drumbeat.campaigns.model import Campaign
from drumbeat.errors import Refusal
from drumbeat.journeys.model import Journey
from drumbeat.journeys.steps import CallWebhook, MessageStep
from drumbeat.sends import daily, destinations, environment, senders, sweeping, tokens
from drumbeat.sends.audience import Audience
from drumbeat.sends.model import SHARDS, Content, Send, SendKey, SendState
from drumbeat.sends.moment import terms as moments
from drumbeat.sends.tokens import SECRET_BYTES
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, Transaction, TransactionRefused, UnicodeAttribute
from drumbeat.templates import model as templates

# Leaves room in a transaction for the chunks of several messages beside their members' moves.
MOST_RECIPIENTS = 48
# A message of a journey that was not sent within this (its send was paused, say) is out of date.
STALE = timedelta(days=3)
# What making a send writes and reads.
WRITES = (Send, SendKey, Content)


class NotSendable(Exception):
    """A message step cannot be sent as things are, for nobody: `reason` says what is to be done."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"step {step}: {reason}")
        self.reason = str(self)


class DailySend(Entity):
    """A send that a journey made."""

    TYPE = "DAILY"
    LEDGER = True

    send_id = UnicodeAttribute()
    step = UnicodeAttribute()
    version = NumberAttribute()
    channel = UnicodeAttribute()
    made_at = InstantAttribute()

    @staticmethod
    def partition(tenant: str, journey_id: str) -> str:
        return f"DAILY#{tenant}#{journey_id}"


def of_journey(tenant: str, journey_id: str, *, newest_first: bool = True) -> Iterator[DailySend]:
    """The sends of a journey, the latest day first."""
    return table.rows(DailySend, DailySend.partition(tenant, journey_id), newest_first=newest_first)


def of_today(journey: Journey, version: int, step: MessageStep, quiet: str, now: datetime) -> Send:
    """The send that takes a step's messages today (a day of the tenant's zone). Raises NotSendable."""
    try:
        campaign = as_campaign(journey, step, quiet)
        day = now.astimezone(ZoneInfo(settings.of(journey.tenant).time_zone)).date().isoformat()
        of = (journey.tenant, journey.journey_id, str(version), step.id, day, str(campaign.template_version or 0))
        send_id = ids.derived("snd", *of)
        stored = Send.fetch(*Send.key(journey.tenant, send_id))
        return stored or _made(journey, version, step, campaign, day, send_id, now)
    except Refusal as refused:
        details = "; ".join(f"{detail.field}: {detail.message}" for detail in refused.details)
        raise NotSendable(step.id, details or refused.message) from refused


def check(journey: Journey, step: MessageStep, quiet: str) -> str:
    """Raise the refusal that a message step would meet; gives its channel."""
    content.frozen(as_campaign(journey, step, quiet), "snd_check")
    return step.channel


def as_campaign(journey: Journey, step: MessageStep, quiet: str) -> Campaign:
    """What the step's messages say, as a campaign that is stored nowhere. Raises NotFound for an unknown template."""
    said: dict[str, Any] = {}
    if isinstance(step, CallWebhook):
        said = {"html": step.message.html, "text": step.message.text, "said": step.message.said or None}
    else:
        message = step.message
        said = {
            "subject": step.subject or (message and message.subject), "sender_name": step.sender_name,
            "sender_email": step.sender_email, "reply_to": step.reply_to, "html": message and message.html,
            "text": message and message.text, "said": (message and message.said) or None, "purpose": step.purpose,
            "priority": step.priority, "category": step.category, "quiet": step.quiet or quiet,
            "over_cap": step.over_cap,
        }  # fmt: skip
        if step.template is not None:
            template = templates.get(journey.tenant, step.template)
            said |= {"template_id": template.template_id, "template_version": int(template.version)}
    return Campaign(
        *Campaign.key(journey.tenant, journey.journey_id), tenant=journey.tenant, campaign_id=journey.journey_id,
        name=journey.name, slug=journey.slug, channel=step.channel,
        **{name: value for name, value in said.items() if value is not None},
    )  # fmt: skip


def _made(
    journey: Journey, version: int, step: MessageStep, campaign: Campaign, day: str, send_id: str, now: datetime
) -> Send:
    frozen = content.frozen(campaign, send_id)
    if channels.get(step.channel).json:  # programs are told the ids of what a message belongs to
        named = {"campaign_id": None, "journey_id": journey.journey_id, "step": step.id}
        for said in frozen.all:
            said.variables = {**said.variables, **named}
    send = _send(campaign, send_id, frozen, now)
    links = [{"number": number, "url": url} for number, url in enumerate(frozen.links, 1)]
    secret, short = secrets.token_bytes(SECRET_BYTES), channels.get(step.channel).paid_by_length
    row = DailySend(
        DailySend.partition(journey.tenant, journey.journey_id), f"{day}#{version}#{step.id}#{send_id}",
        send_id=send_id, step=step.id, version=version, channel=step.channel, made_at=now,
    )  # fmt: skip
    transaction = Transaction().create(send).create(row)
    for one in (*tokens.keys(send_id, journey.tenant, journey.journey_id, secret, links, short=short), *frozen.all):
        transaction.create(one)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        if not refused.found[0]:
            raise
        return Send.from_raw_data(refused.found[0])  # somebody else has made it
    if campaign.template_id:
        templates.used(journey.tenant, campaign.template_id)
    return send


def _send(campaign: Campaign, send_id: str, frozen: Frozen, now: datetime) -> Send:
    chosen = settings.fresh(campaign.tenant)
    account, fallback = providers.chosen(campaign.tenant, campaign.channel)
    row, provider = senders.of(account), channels.provider(account.channel, account.provider)
    return Send(
        *Send.key(campaign.tenant, send_id),
        gsi2pk=sweeping.partition(ids.shard(send_id, SHARDS)),
        gsi2sk=sweeping.sort_key(now + daily.AGAIN, send_id),
        tenant=campaign.tenant,
        send_id=send_id,
        campaign=campaign.campaign_id,
        channel=campaign.channel,
        origin=daily.JOURNEY,
        purpose=campaign.purpose,
        priority=campaign.priority,
        category=campaign.category,
        quiet=campaign.quiet,
        moment=moments.frozen(chosen, campaign.channel, campaign.purpose, campaign.over_cap),
        account=account.id,
        provider=account.provider,
        fallback=fallback.id if fallback else None,
        identity=frozen.default.identity,
        languages=frozen.default.languages or None,
        state=SendState.SENDING.value,
        audience=Audience().model_dump(),
        plan_shards=SHARDS,
        chunk_size=terms.chunk_size(min(MOST_RECIPIENTS, provider.MOST_RECIPIENTS, int(row.rate)), None),
        launch={
            "name": campaign.name, "recipients": 0, "segment_id": None, "time_zone": chosen.time_zone,
            "budget_minor": 0, "currency": chosen.currency,
            "prices": destinations.agreed(chosen.sms_prices, chosen.currency),
        },
        unknown_policy=chosen.unknown_policy,
        grace_seconds=chosen.grace_seconds,
        publish=chosen.message_events,
        expires_at=now + STALE,
        launched_at=now,
        environment=environment.ours(),
    )  # fmt: skip
