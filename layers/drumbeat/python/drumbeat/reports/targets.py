"""The KPI report: campaigns of a period, and all of them together, against their targets."""

from datetime import date, datetime

from drumbeat import money
from drumbeat.accounts import settings
from drumbeat.fields import Instant, View
from drumbeat.reports import figures, kpis
from drumbeat.reports.figures import MOST
from drumbeat.reports.kpis import KpiResult
from drumbeat.reports.periods import PeriodQuery, period


class CampaignKpis(View):
    """A campaign's figures against their targets, as its last roll-up found it."""

    campaign_id: str
    name: str
    channel: str
    sent_at: Instant
    as_of: Instant
    kpis: list[KpiResult]


class KpiReport(View):
    """`overall` is of all mails together, not the average of campaigns, and `overall_sms` of all text messages; `romi`,
    like the sums, is of campaigns of any channel. The newest 500 of the period are in it;
    `complete` says whether that was all."""

    start_date: date
    end_date: date
    campaign_count: int
    complete: bool
    currency: str
    sent: int
    conversions: int
    revenue: float | int
    cost: float | int
    overall: list[KpiResult]
    overall_sms: list[KpiResult]
    campaigns: list[CampaignKpis]


def report(tenant: str, query: PeriodQuery, now: datetime) -> KpiReport:
    """Raises Invalid for a period that is none or too long."""
    terms = settings.of(tenant)
    asked = period(query, now, terms.time_zone)
    lines = figures.period(tenant, asked.start, asked.end, terms)
    whole = figures.total(line.figures for line in lines)
    together = {
        name: figures.total(line.figures for line in lines if line.channel == name) for name in ("email", "sms")
    }
    return KpiReport(
        start_date=asked.first, end_date=asked.last, campaign_count=len(lines), complete=len(lines) < MOST,
        currency=terms.currency, sent=whole.counts["sent"], conversions=whole.counts["conversions"],
        revenue=money.shown(whole.revenue, terms.currency), cost=money.shown(whole.cost, terms.currency),
        overall=[*kpis.of_mails(together["email"], terms), kpis.romi(whole, terms)],
        overall_sms=[*kpis.of_texts(together["sms"], terms), kpis.romi(whole, terms)],
        campaigns=[
            CampaignKpis(
                campaign_id=line.campaign, name=line.name, channel=line.channel, sent_at=line.launched_at,
                as_of=line.as_of, kpis=kpis.judged(line.figures, terms, line.channel),
            )
            for line in lines
        ],
    )  # fmt: skip
