"""Over which provider accounts a campaign of text messages may leave, and at which prices: the one that the settings
choose and, where others say what they serve (`prices` in their config), those too."""

from typing import Any

from drumbeat import channels, providers
from drumbeat.accounts.settings import Settings
from drumbeat.campaigns.model import Campaign
from drumbeat.channels import Account
from drumbeat.channels.sms import prices
from drumbeat.channels.sms.prices import Route
from drumbeat.sends import destinations


def of(campaign: Campaign, chosen: Settings) -> dict[str, Any]:
    """What a launch now would keep; without an account, the tenant's prices."""
    try:
        account, _ = providers.chosen(campaign.tenant, campaign.channel)
    except providers.NoAccount:
        return destinations.agreed(chosen.sms_prices, chosen.currency, [Route("")])
    return agreed(campaign, chosen, account)


def agreed(campaign: Campaign, chosen: Settings, account: Account) -> dict[str, Any]:
    """What a launch over this account keeps; of other channels, the prices of none."""
    if not channels.get(campaign.channel).paid_by_length:
        return {"currency": chosen.currency}
    others = providers.listed(campaign.tenant, campaign.channel)
    serving = [row for row in others if (row.config or {}).get("prices") and row.account_id != account.id]
    routes = [_route(account), *(_route(providers.of(row)) for row in serving)]
    named = (campaign.said or {}).get("carrier_preference")
    preferred = next((row for row in others if named in (row.account_id, row.name)), None)
    if preferred is not None and all(route.account != preferred.account_id for route in routes):
        routes.append(_route(providers.of(preferred)))
    return destinations.agreed(chosen.sms_prices, chosen.currency, routes, preferred.account_id if preferred else None)


def _route(account: Account) -> Route:
    return Route(account.id, prices.read(account.config.get("prices", ())))
