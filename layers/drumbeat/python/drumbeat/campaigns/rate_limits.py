"""How far a campaign is within its hourly and daily limits (getit-marketing.md, CAMPAIGN_RATE_LIMIT)."""

from datetime import datetime

from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import RateLimitView
from drumbeat.sends import quotas
from drumbeat.sends.model import Send


def rate_limit(campaign: Campaign, now: datetime) -> RateLimitView | None:
    """None for a campaign without limits, or before its launch. Reads Send, Quota."""
    if not campaign.limits or campaign.send_id is None:
        return None
    send = Send.fetch(*Send.key(campaign.tenant, campaign.send_id))
    if send is None:
        return None
    hour, day = (quotas.counted(send, name, now) for name in ("hour", "day"))
    return RateLimitView(hourly_sent=hour, daily_sent=day, limit_reached=quotas.room(send, now) == 0)
