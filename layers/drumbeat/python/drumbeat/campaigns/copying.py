"""Copies of campaigns: the plan, without what became of it."""

from datetime import datetime
from typing import Any

from drumbeat.campaigns import model
from drumbeat.campaigns.model import Campaign, Status

# What is one campaign's own. Times that were chosen for it are not another one's, and whom it was resent to has been
# counted there.
OWN = frozenset({
    "pk", "sk", "attempt", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "gsi3sk", "campaign_id", "name", "slug", "status",
    "reason", "scheduled_at", "local_send_at", "expires_at", "revision", "send_id", "resend_of", "resent", "created_by",
    "created_at", "updated_at", "launched_at", "finished_at", "archived_at", "template_version",
})  # fmt: skip
MOST_NAME = 255


def copy_of(
    campaign: Campaign, campaign_id: str, name: str | None, actor: str | None, now: datetime, **changed: Any
) -> Campaign:
    """A draft with the same plan, not stored yet."""
    kept = {
        attribute: getattr(campaign, attribute)
        for attribute in Campaign.get_attributes()
        if attribute not in OWN and getattr(campaign, attribute) is not None
    }
    tenant = campaign.tenant
    return Campaign(
        *Campaign.key(tenant, campaign_id),
        gsi1pk=Campaign.partition(tenant),
        gsi1sk=campaign_id,
        gsi3sk=campaign_id if campaign.gsi3pk else None,
        campaign_id=campaign_id,
        name=(name or f"Copy of {campaign.name}")[:MOST_NAME],
        status=Status.DRAFT.value,
        created_by=actor,
        created_at=now,
        updated_at=now,
        **{**kept, **changed},
    )


def duplicate(campaign: Campaign, campaign_id: str, name: str | None, actor: str, now: datetime) -> Campaign:
    """Store a draft with the same plan. A copy of a resend has no audience: its recipients get it once."""
    audience = {key: value for key, value in (campaign.audience or {}).items() if key != "earlier"}
    return model.add(copy_of(campaign, campaign_id, name, actor, now, audience=audience))
