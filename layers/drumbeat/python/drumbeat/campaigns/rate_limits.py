"""What keeps a campaign from being sent faster: its hourly and daily limits (getit-marketing.md, CAMPAIGN_RATE_LIMIT),
and who waits for a better moment."""

from datetime import datetime

from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import RateLimitView
from drumbeat.sends import quotas, showing
from drumbeat.sends.model import Send
from drumbeat.sends.totals import Totals
from drumbeat.sends.views import HeldView


def rate_limit(campaign: Campaign, now: datetime) -> RateLimitView | None:
    """None for a campaign without limits, or before its launch. Reads Send, Quota."""
    if not campaign.limits or campaign.send_id is None:
        return None
    send = Send.fetch(*Send.key(campaign.tenant, campaign.send_id))
    if send is None:
        return None
    hour, day = (quotas.counted(send, name, now) for name in ("hour", "day"))
    return RateLimitView(hourly_sent=hour, daily_sent=day, limit_reached=quotas.room(send, now) == 0)


def held_back(campaign: Campaign, now: datetime) -> list[HeldView]:
    """Who waits for a better moment, as the last roll-up counted them. Reads Totals, while the campaign is sent."""
    if campaign.send_id is None or campaign.finished_at is not None:
        return []
    totals = Totals.fetch(*Totals.key(campaign.tenant, campaign.send_id), consistent=False)
    return showing.held(totals.numbers, now) if totals else []
