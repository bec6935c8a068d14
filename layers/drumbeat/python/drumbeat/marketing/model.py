"""Marketing campaigns: the plan above e-mail campaigns, with its budget, its goals, its approval and what was spent.

pk                                     sk                    gsi1pk                   gsi1sk
MARKETING#<tenant>#<campaign>          MARKETING             MARKETINGS#<tenant>      <campaign>
SPEND#<tenant>#<campaign>              <spend id>            -                        -
CHANNELRESULT#<tenant>#<campaign>      <channel>#<date>      -                        -

A marketing campaign runs from its start to its end, so its status follows from the time; what people decide (draft,
approved, paused, cancelled) is its stored state. The e-mail campaigns under it name it (`Campaign.marketing_campaign`).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pynamodb.attributes import BooleanAttribute, JSONAttribute

from drumbeat import counts, slugs, table
from drumbeat.errors import Conflict, NotFound
from drumbeat.table import (
    ConditionFailed,
    Entity,
    InstantAttribute,
    NumberAttribute,
    Transaction,
    TransactionRefused,
    UnicodeAttribute,
    index,
)

KIND = "marketing_campaign"
LIST = "marketing_campaigns"
PREFIX = "mkt"


class State(StrEnum):
    """What people decided."""

    DRAFT = "draft"
    APPROVED = "approved"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class Status(StrEnum):
    """What a marketing campaign is now."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class MarketingCampaign(Entity):
    """A marketing campaign; money in minor units of `currency`. `needs_approval` is the tenant's rule when it was made,
    `changed_by` who changed what is to be approved since it was last. `launches` counts those under it that were
    launched: of two at once the second must look at the budget again.

    `figures` is what its campaigns had brought at `figures_at`: lists show it, and it can be computed again.
    """

    TYPE = "MARKETING"
    INDEX_TYPES = {"gsi1": "MARKETINGS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    tenant = UnicodeAttribute()
    campaign_id = UnicodeAttribute()
    name = UnicodeAttribute()
    names = JSONAttribute(default=dict)
    slug = UnicodeAttribute(null=True)
    description = UnicodeAttribute(null=True)
    campaign_type = UnicodeAttribute()
    objective = UnicodeAttribute()
    state = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    vendor_id = UnicodeAttribute(null=True)
    budget = NumberAttribute(null=True)
    currency = UnicodeAttribute()
    starts_at = InstantAttribute()
    ends_at = InstantAttribute()
    channels = JSONAttribute()
    target_audience = JSONAttribute(default=dict)
    performance_goals = JSONAttribute(default=dict)
    content_settings = JSONAttribute(default=dict)
    automation_rules = JSONAttribute(default=dict)
    ab_test_config = JSONAttribute(default=dict)
    needs_approval = BooleanAttribute(default=False)
    approved_by = UnicodeAttribute(null=True)
    approved_at = InstantAttribute(null=True)
    changed_by = JSONAttribute(null=True)
    launches = NumberAttribute(default=0)
    figures = JSONAttribute(null=True)
    figures_at = InstantAttribute(null=True)
    created_by = UnicodeAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()

    @staticmethod
    def key(tenant: str, campaign_id: str) -> tuple[str, str]:
        return f"MARKETING#{tenant}#{campaign_id}", "MARKETING"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"MARKETINGS#{tenant}"


class Spend(Entity):
    """Money spent on a marketing campaign that we did not spend ourselves: ads, an agency, print."""

    TYPE = "SPEND"
    LEDGER = True

    spend_id = UnicodeAttribute()
    amount = NumberAttribute()
    category = UnicodeAttribute()
    channel = UnicodeAttribute(null=True)
    vendor_id = UnicodeAttribute(null=True)
    note = UnicodeAttribute(null=True)
    at = InstantAttribute()
    recorded_at = InstantAttribute()
    recorded_by = UnicodeAttribute()

    @staticmethod
    def partition(tenant: str, campaign_id: str) -> str:
        return f"SPEND#{tenant}#{campaign_id}"


class ChannelResult(Entity):
    """What a channel that we do not run (social media, ads) brought on a day, as somebody reported it last."""

    TYPE = "CHANNELRESULT"

    channel = UnicodeAttribute()
    date = UnicodeAttribute()
    reach = NumberAttribute(default=0)
    clicks = NumberAttribute(default=0)
    conversions = NumberAttribute(default=0)
    revenue = NumberAttribute(default=0)
    recorded_by = UnicodeAttribute()
    recorded_at = InstantAttribute()

    @staticmethod
    def partition(tenant: str, campaign_id: str) -> str:
        return f"CHANNELRESULT#{tenant}#{campaign_id}"

    @staticmethod
    def sort(channel: str, date: str) -> str:
        return f"{channel}#{date}"


def add(campaign: MarketingCampaign) -> MarketingCampaign:
    """Store a new one. Its id made again (by an Idempotency-Key) gives the stored one."""
    campaign.slug = slugs.claim(campaign.tenant, KIND, campaign.name, campaign.campaign_id)
    transaction = Transaction().create(campaign)
    counts.into(transaction, campaign.tenant, LIST, campaign.campaign_id, 1)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        return MarketingCampaign.from_raw_data(refused.found[0] or {})
    return campaign


def get(tenant: str, reference: str) -> MarketingCampaign:
    """By id or slug. Raises NotFound, also for one of another tenant."""
    campaign_id = slugs.resolve(tenant, KIND, PREFIX, reference, "marketing_campaign_id")
    found = MarketingCampaign.fetch(*MarketingCampaign.key(tenant, campaign_id))
    if found is None:
        raise NotFound("There is no such marketing campaign. List marketing campaigns to see their ids.")
    return found


def change(campaign: MarketingCampaign, now: datetime, **values: Any) -> MarketingCampaign:
    """Set attributes (None removes one) if nobody has changed it meanwhile. Raises Conflict."""
    attributes = {**values, "updated_at": now}
    actions = [
        getattr(MarketingCampaign, name).remove() if value is None else getattr(MarketingCampaign, name).set(value)
        for name, value in attributes.items()
    ]
    try:
        campaign.change(*actions, unchanged=True)
    except ConditionFailed as error:
        raise Conflict("Somebody else changed the marketing campaign meanwhile. Read it and try again.") from error
    return campaign


def spends(tenant: str, campaign_id: str) -> list[Spend]:
    """What was spent, oldest first."""
    return sorted(table.rows(Spend, Spend.partition(tenant, campaign_id)), key=lambda one: (one.at, one.spend_id))


def channel_results(tenant: str, campaign_id: str) -> list[ChannelResult]:
    return list(table.rows(ChannelResult, ChannelResult.partition(tenant, campaign_id)))
