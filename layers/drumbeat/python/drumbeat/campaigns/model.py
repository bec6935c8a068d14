"""E-mail campaigns: what is to be sent to whom and when.

pk                              sk          gsi1pk                gsi1sk        gsi2pk                  gsi2sk
CAMPAIGN#<tenant>#<campaign>    CAMPAIGN    CAMPAIGNS#<tenant>    <campaign>    DUE#campaigns#<shard>   <time>
while it is scheduled; under a marketing campaign also gsi3pk UMBRELLA#<tenant>#<marketing campaign>, gsi3sk <campaign>

A campaign is a plan; the send that its launch makes is the ledger of what happened (drumbeat.sends).
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from pynamodb.attributes import BooleanAttribute, JSONAttribute

from drumbeat import clock, counts, ids, slugs, table
from drumbeat.errors import Conflict, NotFound
from drumbeat.sends.model import SHARDS
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

KIND = "campaign"
LIST = "campaigns"


class Status(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class WrongStatus(Conflict):
    """The campaign is not in a state in which this can be done."""

    code = "CAMPAIGN_STATUS"


class Campaign(Entity):
    """A campaign over one `channel`. `said` is what its messages say that only this channel has (media, a sender's id).
    `purpose`, `priority`, `category` and `quiet` are those of its send. `revision` counts its schedules, so that a
    schedule that was replaced does nothing when it fires."""

    TYPE = "CAMPAIGN"
    INDEX_TYPES = {"gsi1": "CAMPAIGNS", "gsi2": "DUE", "gsi3": "UMBRELLA"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    gsi3pk = UnicodeAttribute(null=True)
    gsi3sk = UnicodeAttribute(null=True)
    tenant = UnicodeAttribute()
    campaign_id = UnicodeAttribute()
    name = UnicodeAttribute()
    names = JSONAttribute(default=dict)
    slug = UnicodeAttribute(null=True)
    status = UnicodeAttribute(default=Status.DRAFT.value)
    reason = UnicodeAttribute(null=True)
    channel = UnicodeAttribute(default="email")
    purpose = UnicodeAttribute(default="marketing")
    priority = UnicodeAttribute(default="normal")
    category = UnicodeAttribute(null=True)
    quiet = UnicodeAttribute(null=True)
    over_cap = UnicodeAttribute(null=True)
    said = JSONAttribute(null=True)
    subject = UnicodeAttribute(null=True)
    subjects = JSONAttribute(default=dict)
    sender_name = UnicodeAttribute(null=True)
    sender_email = UnicodeAttribute(null=True)
    reply_to = UnicodeAttribute(null=True)
    template_id = UnicodeAttribute(null=True)
    template_version = NumberAttribute(null=True)
    html = UnicodeAttribute(null=True)
    text = UnicodeAttribute(null=True)
    texts = JSONAttribute(default=dict)
    content = JSONAttribute(default=dict)
    audience = JSONAttribute(default=dict)
    scheduled_at = InstantAttribute(null=True)
    time_zone = UnicodeAttribute(null=True)
    revision = NumberAttribute(default=0)
    marketing_campaign_id = UnicodeAttribute(null=True)
    owner = UnicodeAttribute(null=True)
    budget = NumberAttribute(null=True)
    currency = UnicodeAttribute(null=True)
    lookback_days = NumberAttribute(null=True)
    track_opens = BooleanAttribute(null=True)
    track_clicks = BooleanAttribute(null=True)
    utm = JSONAttribute(null=True)
    send_in_recipient_zone = BooleanAttribute(null=True)
    local_send_at = UnicodeAttribute(null=True)
    when_local_time_passed = UnicodeAttribute(null=True)
    limits = JSONAttribute(null=True)
    expires_at = InstantAttribute(null=True)
    expire_after = NumberAttribute(null=True)
    resend_of = UnicodeAttribute(null=True)
    resent = JSONAttribute(null=True)
    archived_at = InstantAttribute(null=True)
    send_id = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    launched_at = InstantAttribute(null=True)
    finished_at = InstantAttribute(null=True)

    @staticmethod
    def key(tenant: str, campaign_id: str) -> tuple[str, str]:
        return f"CAMPAIGN#{tenant}#{campaign_id}", "CAMPAIGN"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"CAMPAIGNS#{tenant}"

    @staticmethod
    def umbrella(tenant: str, marketing_campaign_id: str) -> str:
        """The index partition that lists the campaigns under a marketing campaign."""
        return f"UMBRELLA#{tenant}#{marketing_campaign_id}"

    @staticmethod
    def due_partition(campaign_id: str) -> str:
        return f"DUE#campaigns#{ids.shard(campaign_id, SHARDS)}"

    def require(self, *statuses: Status) -> None:
        """Raise WrongStatus unless the campaign is in one of these states."""
        if self.status not in statuses:
            allowed = " or ".join(statuses)
            raise WrongStatus(f"The campaign is {self.status}; this needs it to be {allowed}.")


def add(campaign: Campaign, *, together: Callable[[Transaction], object] | None = None) -> Campaign:
    """Store a new campaign. Its id made again (by an Idempotency-Key) gives the stored one. `together` puts what must
    be written with it into the transaction; Conflict when that is refused."""
    campaign.slug = slugs.claim(campaign.tenant, KIND, campaign.name, campaign.campaign_id)
    transaction = Transaction().create(campaign)
    counts.into(transaction, campaign.tenant, LIST, campaign.campaign_id, 1)
    if together:
        together(transaction)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        if not refused.found[0]:
            raise Conflict("Somebody else did the same at the same time. Try again.") from refused
        return Campaign.from_raw_data(refused.found[0])
    return campaign


def get(tenant: str, reference: str) -> Campaign:
    """By id or slug. Raises NotFound, also for a campaign of another tenant."""
    campaign_id = slugs.resolve(tenant, KIND, "cmp", reference, "campaign")
    found = Campaign.fetch(*Campaign.key(tenant, campaign_id))
    if found is None:
        raise NotFound("There is no such campaign. List campaigns to see their ids.")
    return found


def under(tenant: str, marketing_campaign_id: str) -> list[Campaign]:
    """The campaigns under a marketing campaign, oldest first."""
    places = table.keys_in_index(3, Campaign.umbrella(tenant, marketing_campaign_id), newest_first=False)
    return Campaign.many((pk, sk) for pk, sk, _ in places)


def change(campaign: Campaign, now: datetime, **values: Any) -> Campaign:
    """Set attributes (None removes one) if nobody has changed the campaign meanwhile. Raises Conflict."""
    attributes = {**values, "updated_at": now}
    actions = [
        getattr(Campaign, name).remove() if value is None else getattr(Campaign, name).set(value)
        for name, value in attributes.items()
    ]
    try:
        campaign.change(*actions, unchanged=True)
    except ConditionFailed as error:
        raise Conflict("The campaign was changed by somebody else at the same time. Read it and try again.") from error
    return campaign


def due_sort(at: datetime, campaign_id: str) -> str:
    return f"{clock.iso(at)}#{campaign_id}"
