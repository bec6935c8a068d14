"""A campaign's figures as reports use them: what was counted, what it cost and earned, and which rate is of what."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from drumbeat.accounts.settings import Settings
from drumbeat.campaigns import economics
from drumbeat.campaigns.economics import Sums
from drumbeat.sends import rollups
from drumbeat.sends.totals import Totals

# A report reads at most so many campaigns, the newest of its period.
MOST = 500
# Rates by what they count and of whom (DESIGN section 9, 1).
RATES: Mapping[str, tuple[str, str]] = {
    "delivery_rate": ("delivered", "sent"),
    "open_rate": ("opened", "delivered"),
    "click_rate": ("clicked", "delivered"),
    "conversion_rate": ("conversions", "sent"),
    "unsubscribe_rate": ("unsubscribed", "delivered"),
}
# Those of text messages.
SMS_RATES: Mapping[str, tuple[str, str]] = {
    "delivery_rate": ("delivered", "sent"),
    "click_rate": ("clicked", "delivered"),
    "opt_out_rate": ("unsubscribed", "delivered"),
    "response_rate": ("replied", "delivered"),
}
COUNTS = ("sent", "conversions", "delivered", "opened", "clicked", "unsubscribed", "replied")


class Figures(NamedTuple):
    """Counts by name; revenue and cost in minor units of the account's currency."""

    counts: Mapping[str, int]
    revenue: int
    cost: int

    def of(self, rate: str) -> tuple[int, int]:
        """What a rate counts, and of how many."""
        part, whole = RATES.get(rate) or SMS_RATES[rate]
        return self.counts[part], self.counts[whole]


class Line(NamedTuple):
    """A campaign of a report, as the last roll-up found it."""

    campaign: str
    name: str
    launched_at: datetime
    as_of: datetime
    figures: Figures
    channel: str


def period(tenant: str, start: datetime, end: datetime, terms: Settings) -> list[Line]:
    """The campaigns that were launched from `start` until before `end`, newest first: two reads for each hundred."""
    totals = rollups.launched(tenant, start, end, MOST)
    sums = economics.many(tenant, [str(row.campaign) for row in totals], terms.currency)
    return [_line(row, sums.get(str(row.campaign), Sums()), terms) for row in totals]


def _line(row: Totals, sums: Sums, terms: Settings) -> Line:
    numbers: dict[str, Any] = row.numbers
    sent = numbers["accepted"]
    names = (*COUNTS[2:], "complained", "bounced")
    counts = {"sent": sent, "conversions": sums.conversions, **{name: numbers.get(name, 0) for name in names}}
    cost = sum(economics.costs(economics.sending(numbers), terms, sums).values())
    launched_at, _, _ = str(row.gsi1sk).partition("#")
    return Line(
        str(row.campaign), row.name or str(row.campaign), datetime.fromisoformat(launched_at), row.as_of,
        Figures(counts, sums.revenue, cost), numbers.get("channel", "email"),
    )  # fmt: skip


def total(lines: Iterable[Figures]) -> Figures:
    """All of them together."""
    counts = dict.fromkeys(COUNTS, 0)
    revenue = cost = 0
    for line in lines:
        counts = {name: number + line.counts[name] for name, number in counts.items()}
        revenue, cost = revenue + line.revenue, cost + line.cost
    return Figures(counts, revenue, cost)
