"""A campaign's numbers. Rates are fractions: delivery and bounce per sent, open, click and unsubscribe per delivered,
click-to-open per opened, conversion per sent (DESIGN section 9, 1). People's opens and clicks; machines' are apart.
"""

from datetime import timedelta
from typing import Any

from drumbeat import clock, money
from drumbeat.accounts import settings
from drumbeat.campaigns import conversions
from drumbeat.campaigns.model import Campaign
from drumbeat.fields import Instant, View
from drumbeat.sends import rollups
from drumbeat.sends.model import REASONS, Outcome, Send, SendKey, Totals

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
    """What became of a campaign, true at `as_of`."""

    campaign_id: str
    name: str
    status: str
    sent_at: Instant | None
    as_of: Instant | None
    recipients: int = 0
    sent: int = 0
    open: int = 0
    not_sent: int = 0
    not_sent_by_reason: dict[str, int] = {}
    delivered: int = 0
    bounced: int = 0
    soft_bounced: int = 0
    complained: int = 0
    failed: int = 0
    opened: int = 0
    opened_by_machines: int = 0
    clicked: int = 0
    clicked_by_machines: int = 0
    unsubscribed: int = 0
    conversions: int = 0
    revenue: float | int = 0
    currency: str = "USD"
    delivery_rate: float = 0.0
    bounce_rate: float = 0.0
    open_rate: float = 0.0
    click_rate: float = 0.0
    click_to_open_rate: float = 0.0
    unsubscribe_rate: float = 0.0
    complaint_rate: float = 0.0
    conversion_rate: float = 0.0
    revenue_per_email: float = 0.0
    links: list[LinkResult] = []


def of(campaign: Campaign) -> Results:
    """The results now. A campaign that was not launched has none."""
    currency = campaign.currency or settings.of(campaign.tenant).currency
    known: dict[str, Any] = {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "status": campaign.status,
        "sent_at": campaign.launched_at,
        "currency": currency,
        "as_of": None,
    }
    totals = _totals(campaign)
    if totals is not None:
        sold, earned = conversions.of(campaign.tenant, campaign.campaign_id)
        known |= counted(totals.numbers) | _rates(totals.numbers, sold, earned, currency)
        known |= {"as_of": totals.as_of, "links": _links(campaign, totals.numbers)}
    return Results(**known)


def counted(numbers: dict[str, Any]) -> dict[str, Any]:
    """The numbers by the names that answers use."""
    outcomes = numbers["outcomes"]
    left_out = {reason: outcomes[letter] for letter, reason in REASONS.items() if outcomes.get(letter)}
    names = ("delivered", "bounced", "soft_bounced", "complained", "failed", "opened", "clicked", "unsubscribed")
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


def _rates(numbers: dict[str, Any], sold: int, earned: int, currency: str) -> dict[str, Any]:
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
        "conversions": sold,
        "revenue": money.shown(earned, currency),
        "conversion_rate": ratio(sold, sent),
        "revenue_per_email": round(float(money.to_decimal(earned, currency)) / sent, 4) if sent else 0.0,
    }


def ratio(part: int, whole: int) -> float:
    """A fraction with four decimals; of nothing it is 0."""
    return round(part / whole, 4) if whole else 0.0


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
