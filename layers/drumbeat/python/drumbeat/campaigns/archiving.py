"""Archived campaigns: they keep everything, and are in another list.

gsi1pk                        gsi1sk
CAMPAIGNS#<tenant>#archived   <campaign>
"""

from datetime import datetime

from drumbeat import counts
from drumbeat.campaigns import model
from drumbeat.campaigns.model import Campaign, Status
from drumbeat.errors import Conflict
from drumbeat.table import Transaction, TransactionRefused

LIST = "campaigns_archived"
QUIET = (Status.DRAFT, Status.SENT, Status.CANCELLED, Status.EXPIRED)


def partition(tenant: str) -> str:
    return f"{Campaign.partition(tenant)}#archived"


def partitions(tenant: str, archived: str) -> list[str]:
    """The index partitions of a list without archived campaigns ("false"), of only these ("true"), or of "all"."""
    lists = {"false": [Campaign.partition(tenant)], "true": [partition(tenant)]}
    return lists.get(archived) or [*lists["false"], *lists["true"]]


def total(tenant: str, archived: str) -> int:
    """How many campaigns that list has."""
    kinds = {"false": [model.LIST], "true": [LIST]}
    return sum(counts.total(tenant, kind) for kind in kinds.get(archived) or [model.LIST, LIST])


def archive(campaign: Campaign, now: datetime) -> Campaign:
    """Take it out of the list; twice is once. Raises WrongStatus for one that is scheduled or under way."""
    if campaign.archived_at is None:
        campaign.require(*QUIET)
        _move(campaign, now, archived=True)
    return campaign


def unarchive(campaign: Campaign, now: datetime) -> Campaign:
    """Put it back into the list; twice is once."""
    if campaign.archived_at is not None:
        _move(campaign, now, archived=False)
    return campaign


def _move(campaign: Campaign, now: datetime, *, archived: bool) -> None:
    tenant, change = campaign.tenant, 1 if archived else -1
    cls = Campaign
    actions = [
        cls.gsi1pk.set(partition(tenant) if archived else cls.partition(tenant)),
        cls.archived_at.set(now) if archived else cls.archived_at.remove(),
        cls.updated_at.set(now),
    ]
    transaction = Transaction().update(cls, campaign.pk, campaign.sk, actions, campaign.unchanged())
    counts.into(transaction, tenant, model.LIST, campaign.campaign_id, -change)
    counts.into(transaction, tenant, LIST, campaign.campaign_id, change)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        raise Conflict(
            "The campaign was changed by somebody else at the same time. Read it and try again."
        ) from refused
    campaign.refresh(consistent_read=True)
