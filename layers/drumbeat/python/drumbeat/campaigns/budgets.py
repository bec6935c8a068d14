"""What a marketing campaign has spent: what people recorded, and what the campaigns under it cost to send."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from drumbeat.accounts import settings
from drumbeat.accounts.settings import Settings
from drumbeat.campaigns import economics, model
from drumbeat.campaigns.economics import CampaignMoney, Sums
from drumbeat.campaigns.model import Campaign, Status
from drumbeat.marketing import model as marketing
from drumbeat.marketing import rules
from drumbeat.marketing.model import MarketingCampaign, Spend
from drumbeat.sends.model import Send
from drumbeat.sends.totals import Totals

# What functions that look at a budget declare, besides Campaign and MarketingCampaign.
READS = (Spend, Totals, CampaignMoney)


class ChannelCampaign(NamedTuple):
    """What a campaign under it brought, as the last roll-up found it; money in minor units of the marketing
    campaign's currency."""

    campaign: Campaign
    sent: int
    reach: int
    clicks: int
    conversions: int
    revenue: int
    cost: int


def results(umbrella: MarketingCampaign) -> list[ChannelCampaign]:
    """The campaigns under it: two reads, and one more for each hundred campaigns.

    Sending is priced in the account's currency; for a marketing campaign in another one it costs nothing here.
    """
    tenant, currency = umbrella.tenant, umbrella.currency
    terms = settings.of(tenant)
    campaigns = model.under(tenant, umbrella.campaign_id)
    sums = economics.many(tenant, [one.campaign_id for one in campaigns], currency)
    keys = [Totals.key(tenant, one.send_id) for one in campaigns if one.send_id]
    totals = {row.pk: row.numbers for row in Totals.many(keys)}
    return [
        _result(one, totals.get(Totals.key(tenant, one.send_id or "")[0], {}), sums.get(one.campaign_id, Sums()), terms,
                priced=currency == terms.currency)
        for one in campaigns
    ]  # fmt: skip


def _result(
    campaign: Campaign, numbers: Mapping[str, Any], sums: Sums, terms: Settings, *, priced: bool
) -> ChannelCampaign:
    sent = numbers.get("accepted", 0)
    cost = sum(economics.costs(economics.sending(numbers), terms, sums).values()) if priced else sums.costs
    return ChannelCampaign(
        campaign, sent, numbers.get("delivered", 0), numbers.get("clicked", 0), sums.conversions, sums.revenue, cost
    )


def spent(spends: Iterable[Spend], found: Iterable[ChannelCampaign]) -> int:
    """All that was spent, in minor units."""
    return sum(int(spend.amount) for spend in spends) + sum(result.cost for result in found)


def require(umbrella: MarketingCampaign, channel: str, recipients: int, parts: int) -> None:
    """Raise BudgetExceeded when sending to so many (text messages of so many parts) would cost more than what is left
    of the budget, after those that are still to be sent by campaigns under way."""
    terms = settings.of(umbrella.tenant)
    if umbrella.budget is None or umbrella.currency != terms.currency:
        return
    found = results(umbrella)
    so_far = spent(marketing.spends(umbrella.tenant, umbrella.campaign_id), found)
    wanted = economics.expected(channel, recipients, parts, terms)
    rules.require_budget(umbrella, so_far, wanted + _under_way(umbrella.tenant, found, terms))


def _under_way(tenant: str, found: Iterable[ChannelCampaign], terms: Settings) -> int:
    """What is still to be paid for messages under way, rather too much: for recipients known at the launch or planned
    since, less those whose messages have been paid for."""
    sent = {one.campaign.send_id: one.sent for one in found if one.campaign.status in (Status.SENDING, Status.PAUSED)}
    sends = Send.many(Send.key(tenant, send_id) for send_id in sent if send_id)
    return sum(
        economics.expected(
            one.channel, max(0, _size(one) - sent[one.send_id]), int(one.launch.get("parts", 1)), terms
        )
        for one in sends
    )  # fmt: skip


def _size(send: Send) -> int:
    return int(send.audience_size) if send.planned_whole else int(send.launch.get("recipients", 0))
