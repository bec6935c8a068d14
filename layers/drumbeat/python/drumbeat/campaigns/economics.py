"""What a campaign cost and earned.

pk                             sk            gsi1pk  gsi1sk
MONEY#<tenant>#<campaign>      <currency>    -       -         conversions, revenue and entered costs, added up
MONEY#<tenant>#<campaign>      *             -       -         conversions in all currencies
COST#<tenant>#<campaign>       <cost id>     -       -         a cost that somebody entered

The sums change in the transaction that writes a conversion or a cost, so they are those of the rows at any moment, and
a result needs one read, however many sold. Money is in minor units.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import Field, field_validator

from drumbeat import money, table
from drumbeat.accounts.settings import Settings
from drumbeat.fields import Body, Instant, Text, View
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, Transaction, TransactionRefused, UnicodeAttribute

# Stands for all currencies, in which there is no sum of money but a number of conversions.
ALL = "*"


class CampaignMoney(Entity):
    """The sums of a campaign in one currency."""

    TYPE = "MONEY"
    LEDGER = True

    conversions = NumberAttribute(default=0)
    revenue = NumberAttribute(default=0)
    costs = NumberAttribute(default=0)

    @staticmethod
    def partition(tenant: str, campaign_id: str) -> str:
        return f"MONEY#{tenant}#{campaign_id}"

    @staticmethod
    def key(tenant: str, campaign_id: str, currency: str) -> tuple[str, str]:
        return CampaignMoney.partition(tenant, campaign_id), currency


class Cost(Entity):
    """A cost of a campaign besides sending: design, an agency. Negative to correct an earlier one."""

    TYPE = "COST"
    LEDGER = True

    amount = NumberAttribute()
    currency = UnicodeAttribute()
    note = UnicodeAttribute(null=True)
    at = InstantAttribute()
    entered_by = UnicodeAttribute()

    @staticmethod
    def partition(tenant: str, campaign_id: str) -> str:
        return f"COST#{tenant}#{campaign_id}"

    @staticmethod
    def key(tenant: str, campaign_id: str, cost_id: str) -> tuple[str, str]:
        return Cost.partition(tenant, campaign_id), cost_id


class Sums(NamedTuple):
    """Conversions, and revenue and entered costs in minor units."""

    conversions: int = 0
    revenue: int = 0
    costs: int = 0


def add_conversion(transaction: Transaction, tenant: str, campaign_id: str, value: int, currency: str) -> None:
    """Put a conversion into the sums, in the transaction that writes it."""
    key = CampaignMoney.key(tenant, campaign_id, currency)
    transaction.update(CampaignMoney, *key, [CampaignMoney.conversions.add(1), CampaignMoney.revenue.add(value)])
    transaction.update(CampaignMoney, *CampaignMoney.key(tenant, campaign_id, ALL), [CampaignMoney.conversions.add(1)])


class NewCost(Body):
    """What was paid, in the account's currency; negative to correct."""

    amount: Annotated[float, Field(ge=-1e12, le=1e12)]
    note: Annotated[Text, Field(max_length=500)] | None = None

    @field_validator("amount")
    @classmethod
    def _something(cls, amount: float) -> float:
        if amount == 0:
            raise ValueError("must not be 0")
        return amount


class CostView(View):
    """A cost that was entered."""

    id: str
    amount: float | int
    currency: str
    note: str | None
    at: Instant
    entered_by: str


def enter_cost(
    tenant: str, campaign_id: str, cost_id: str, body: NewCost, currency: str, actor: str, now: datetime
) -> Cost:
    """Write a cost down; the same id again gives the stored one."""
    cost = Cost(
        *Cost.key(tenant, campaign_id, cost_id), amount=money.to_minor(body.amount, currency), currency=currency,
        note=body.note, at=now, entered_by=actor,
    )  # fmt: skip
    key = CampaignMoney.key(tenant, campaign_id, currency)
    transaction = Transaction().create(cost)
    transaction.update(CampaignMoney, *key, [CampaignMoney.costs.add(int(cost.amount))])
    try:
        transaction.commit()
    except TransactionRefused as refused:
        return Cost.from_raw_data(refused.found[0] or {})
    return cost


def entries(tenant: str, campaign_id: str) -> list[Cost]:
    """What was entered, oldest first."""
    return sorted(table.rows(Cost, Cost.partition(tenant, campaign_id)), key=lambda cost: (cost.at, cost.sk))


def view(cost: Cost) -> CostView:
    return CostView(
        id=cost.sk, amount=money.shown(int(cost.amount), cost.currency), currency=cost.currency, note=cost.note,
        at=cost.at, entered_by=cost.entered_by,
    )  # fmt: skip


def of(tenant: str, campaign_id: str) -> dict[str, Sums]:
    """A campaign's sums by currency: one, unless the tenant's currency changed meanwhile."""
    rows = table.rows(CampaignMoney, CampaignMoney.partition(tenant, campaign_id))
    return {row.sk: _sums(row) for row in rows if row.sk != ALL}


def many(tenant: str, campaign_ids: Iterable[str], currency: str) -> dict[str, Sums]:
    """Revenue and costs of campaigns in one currency, and their conversions in all, those without any left out; one
    read for fifty."""
    keys = [CampaignMoney.key(tenant, campaign_id, name) for campaign_id in campaign_ids for name in (currency, ALL)]
    found: dict[str, Sums] = {}
    for row in CampaignMoney.many(keys, consistent=False):
        campaign_id, sums = row.pk.split("#")[2], _sums(row)
        held = found.get(campaign_id, Sums())
        found[campaign_id] = (
            held._replace(conversions=sums.conversions)
            if row.sk == ALL
            else sums._replace(conversions=held.conversions)
        )
    return found


def _sums(row: CampaignMoney) -> Sums:
    return Sums(int(row.conversions or 0), int(row.revenue or 0), int(row.costs or 0))


class Sending(NamedTuple):
    """What a campaign has sent; `texts_cost` is what its text messages cost, in minor units."""

    channel: str = "email"
    sent: int = 0
    texts_cost: int = 0


def sending(numbers: Mapping[str, Any]) -> Sending:
    """From a send's totals."""
    return Sending(numbers.get("channel", "email"), numbers.get("accepted", 0), numbers.get("texts_cost", 0))


def _mails(sent: Sending, terms: Settings) -> int:
    """By the tenant's price for a thousand mails."""
    price = Decimal(str(terms.email_price_per_thousand)).scaleb(money.exponent(terms.currency))
    return int((price * sent.sent / 1000).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _texts(sent: Sending, terms: Settings) -> int:
    """By the prices at the launch, part by part (drumbeat.sends.destinations)."""
    return sent.texts_cost


# What providers take, by channel, in minor units of the tenant's currency. Other channels cost nothing here.
SOURCES: Mapping[str, Callable[[Sending, Settings], int]] = {"email": _mails, "sms": _texts}


def costs(sent: Sending, terms: Settings, sums: Sums) -> dict[str, int]:
    """The parts of a campaign's cost in minor units: what sending cost, by channel, and what people wrote down."""
    source = SOURCES.get(sent.channel)
    return {**({sent.channel: source(sent, terms)} if source else {}), "other": sums.costs}


def expected(channel: str, messages: int, parts: int, terms: Settings) -> int:
    """What so many messages may cost, rather too much: text messages of so many `parts` at the dearest price of the
    tenant's country, or of all where its country has none."""
    prices = terms.sms_prices
    dearest = max((one.price for one in prices if one.country == terms.country), default=None)
    each = max((one.price for one in prices), default=0.0) if dearest is None else dearest
    texts = Decimal(str(each)) * messages * parts
    minor = texts.scaleb(money.exponent(terms.currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    source = SOURCES.get(channel)
    return source(Sending(channel, messages, int(minor)), terms) if source else 0


def per(amount: int, number: int, currency: str) -> float:
    """An amount for each, in the currency's own unit with four decimals; of none it is 0."""
    return round(float(money.to_decimal(amount, currency)) / number, 4) if number else 0.0


def roi(revenue: int, cost: int) -> float:
    """Return on investment, (revenue - cost) / cost (DESIGN section 9, 2); 0 where nothing was spent."""
    return round((revenue - cost) / cost, 4) if cost else 0.0


def roas(revenue: int, cost: int) -> float:
    """Return on ad spend, revenue / cost; 0 where nothing was spent."""
    return round(revenue / cost, 4) if cost else 0.0
