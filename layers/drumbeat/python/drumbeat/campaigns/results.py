"""A campaign's numbers. Rates are fractions: delivery and bounce per sent, open, click and unsubscribe per delivered,
click-to-open per opened, conversion per sent (DESIGN section 9, 1). People's opens and clicks; machines' are apart.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, money
from drumbeat.accounts import settings
from drumbeat.accounts.settings import Settings
from drumbeat.campaigns import charts, economics
from drumbeat.campaigns.charts import CountryResult, DestinationResult, DeviceResult, DomainResult, HourResult, ratio
from drumbeat.campaigns.economics import Sums
from drumbeat.campaigns.model import Campaign
from drumbeat.fields import Instant, View
from drumbeat.sends import rollups, showing
from drumbeat.sends.model import REASONS, Outcome, Send, SendKey
from drumbeat.sends.totals import Totals
from drumbeat.sends.views import HeldView

# Totals of a send this size are added up while the caller waits; larger ones are as the last roll-up found them.
SMALL = 20_000
# Two seconds of the wall clock.
FRESH = timedelta(seconds=2 * clock.SCALE)


class LinkResult(View):
    """A link and how many people followed it."""

    number: int
    url: str
    clicks: int
    click_rate: float


class Results(View):
    """What became of a campaign, true at `as_of`.

    `undelivered` are those that were sent and are known not to have arrived. Text messages are paid for by their
    `parts`; `cost_per_message` and `cost_per_click` are of what sending cost. Who `replied` wrote back something else
    than a wish to get no more. Opens and clicks are people's; those of machines (prefetching proxies, scanners) are
    apart. Money is in `currency`, the account's. `cost` is the sum of `cost_by_source`: sending, at the account's price
    for a thousand mails or the launch's prices for parts, and what was entered. `cost_per_acquisition`,
    `return_on_investment` ((revenue - cost) / cost) and `return_on_ad_spend` (revenue / cost) are 0 where nothing was
    bought or spent.
    """

    campaign_id: str
    name: str
    channel: str = "email"
    status: str
    sent_at: Instant | None
    as_of: Instant | None
    recipients: int = 0
    sent: int = 0
    open: int = 0
    not_sent: int = 0
    not_sent_by_reason: dict[str, int] = {}
    held: list[HeldView] = []
    delivered: int = 0
    bounced: int = 0
    soft_bounced: int = 0
    complained: int = 0
    failed: int = 0
    undelivered: int = 0
    replied: int = 0
    parts: int = 0
    opened: int = 0
    opened_by_machines: int = 0
    clicked: int = 0
    clicked_by_machines: int = 0
    unsubscribed: int = 0
    conversions: int = 0
    revenue: float | int = 0
    revenue_in_other_currencies: dict[str, float | int] = {}
    currency: str = "USD"
    delivery_rate: float = 0.0
    bounce_rate: float = 0.0
    open_rate: float = 0.0
    click_rate: float = 0.0
    click_to_open_rate: float = 0.0
    unsubscribe_rate: float = 0.0
    complaint_rate: float = 0.0
    response_rate: float = 0.0
    conversion_rate: float = 0.0
    revenue_per_email: float = 0.0
    cost: float | int = 0
    cost_by_source: dict[str, float | int] = {}
    cost_per_message: float = 0.0
    cost_per_click: float = 0.0
    cost_per_acquisition: float = 0.0
    return_on_investment: float = 0.0
    return_on_ad_spend: float = 0.0
    links: list[LinkResult] = []
    time_zone: str = "UTC"
    timeline: list[HourResult] = []
    by_domain: list[DomainResult] = []
    by_device: list[DeviceResult] = []
    by_system: list[DeviceResult] = []
    by_client: list[DeviceResult] = []
    by_location: list[CountryResult] = []
    by_destination: list[DestinationResult] = []


def of(campaign: Campaign) -> Results:
    """The results now. A campaign that was not launched has no numbers, but may have cost something."""
    terms = settings.of(campaign.tenant)
    known: dict[str, Any] = {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "channel": campaign.channel,
        "status": campaign.status,
        "sent_at": campaign.launched_at,
        "currency": terms.currency,
        "time_zone": terms.time_zone,
        "as_of": None,
    }
    sums = economics.of(campaign.tenant, campaign.campaign_id)
    totals = _totals(campaign)
    numbers: dict[str, Any] = {"channel": campaign.channel}
    if totals is not None:
        numbers = totals.numbers
        known |= counted(totals.numbers) | rates(totals.numbers)
        known["held"] = showing.held(totals.numbers, clock.business())
        known |= {"as_of": totals.as_of, "links": _links(campaign, totals.numbers)}
        known |= _charts(totals.numbers["details"], terms, totals.as_of)
    return Results(**known, **_money(numbers, terms, sums))


def _money(numbers: Mapping[str, Any], terms: Settings, sums: Mapping[str, Sums]) -> dict[str, Any]:
    """What it cost and earned; conversions count in whatever currency they were."""
    told = economics.sending(numbers)
    currency, ours = terms.currency, sums.get(terms.currency, Sums())
    sold = sum(one.conversions for one in sums.values())
    parts = economics.costs(told, terms, ours)
    cost, sending = sum(parts.values()), parts.get(told.channel, 0)
    others = {name: one.revenue for name, one in sums.items() if name != currency and one.revenue}
    return {
        "conversions": sold,
        "revenue": money.shown(ours.revenue, currency),
        "revenue_in_other_currencies": {name: money.shown(amount, name) for name, amount in sorted(others.items())},
        "conversion_rate": ratio(sold, told.sent),
        "revenue_per_email": economics.per(ours.revenue, told.sent, currency),
        "cost": money.shown(cost, currency),
        "cost_by_source": {name: money.shown(part, currency) for name, part in parts.items()},
        "cost_per_message": economics.per(sending, told.sent, currency),
        "cost_per_click": economics.per(sending, numbers.get("clicked", 0), currency),
        "cost_per_acquisition": economics.per(cost, sold, currency),
        "return_on_investment": economics.roi(ours.revenue, cost),
        "return_on_ad_spend": economics.roas(ours.revenue, cost),
    }


def _charts(details: Mapping[str, Any], terms: Settings, until: datetime) -> dict[str, Any]:
    return {
        "timeline": charts.timeline(details, terms.time_zone, until),
        "by_domain": charts.domains(details),
        "by_device": charts.readers(details, lambda reader: reader.device),
        "by_system": charts.readers(details, lambda reader: reader.system),
        "by_client": charts.readers(details, lambda reader: reader.client),
        "by_location": charts.countries(details),
        "by_destination": charts.destinations(details),
    }


def counted(numbers: dict[str, Any]) -> dict[str, Any]:
    """The numbers by the names that answers use."""
    outcomes = numbers["outcomes"]
    left_out = {reason: outcomes[letter] for letter, reason in REASONS.items() if outcomes.get(letter)}
    names = (
        "delivered", "bounced", "soft_bounced", "complained", "failed", "undelivered", "opened", "clicked",
        "unsubscribed", "replied", "parts",
    )  # fmt: skip
    return {
        "recipients": numbers["recipients"],
        "sent": numbers["accepted"],
        "open": outcomes.get(Outcome.TO_DO, 0),
        "not_sent": sum(left_out.values()),
        "not_sent_by_reason": left_out,
        "opened_by_machines": numbers.get("opened_machine", 0),
        "clicked_by_machines": numbers.get("clicked_machine", 0),
        **{name: numbers.get(name, 0) for name in names},
    }


def rates(numbers: Mapping[str, Any]) -> dict[str, float]:
    """The rates that follow from a send's totals."""
    sent, delivered = numbers["accepted"], numbers.get("delivered", 0)

    def share(name: str, whole: int) -> float:
        return ratio(numbers.get(name, 0), whole)

    return {
        "delivery_rate": share("delivered", sent),
        "bounce_rate": share("bounced", sent),
        "open_rate": share("opened", delivered),
        "click_rate": share("clicked", delivered),
        "click_to_open_rate": share("clicked", numbers.get("opened", 0)),
        "unsubscribe_rate": share("unsubscribed", delivered),
        "complaint_rate": share("complained", delivered),
        "response_rate": share("replied", delivered),
    }


def _links(campaign: Campaign, numbers: dict[str, Any]) -> list[LinkResult]:
    """Links by unique human clicks, most first."""
    key = SendKey.fetch(*SendKey.key(campaign.send_id or ""), consistent=False)
    clicks = numbers.get("links", {})
    delivered = numbers.get("delivered", 0)
    found = [
        LinkResult(
            number=link["number"],
            url=link["url"],
            clicks=clicks.get(str(link["number"]), 0),
            click_rate=ratio(clicks.get(str(link["number"]), 0), delivered),
        )
        for link in (key.links if key else [])
    ]
    return sorted(found, key=lambda link: (-link.clicks, link.number))


def _totals(campaign: Campaign) -> Totals | None:
    """The last roll-up; of a small send, or where there is none yet, a new one."""
    if campaign.send_id is None:
        return None
    held = rollups.latest(campaign.tenant, campaign.send_id)
    now = clock.business()
    if held and (held.as_of > now - FRESH or held.numbers["recipients"] > SMALL):
        return held
    send = Send.fetch(*Send.key(campaign.tenant, campaign.send_id))
    return rollups.store(campaign.tenant, send, now) if send else held
