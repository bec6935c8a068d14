"""List hygiene reports as requests ask for them and answers show them."""

from pydantic import Field

from drumbeat.contacts import addresses
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.deliverability.hygiene import rules
from drumbeat.deliverability.hygiene.model import Finding, Report
from drumbeat.deliverability.hygiene.rules import ADVICE, Category
from drumbeat.fields import Body, Instant, Listing, Name, View


class ReportRequest(Body):
    """Ask for a report. Who got mail and did not react for `inactive_days` counts as never engaged."""

    inactive_days: int = Field(default=180, ge=7, le=730)


class SegmentRequest(Body):
    """A static segment of everyone of a category."""

    category: Category
    name: Name | None = None


class FindingQuery(Listing):
    """Whose findings."""

    category: Category


class CategoryView(View):
    """How many contacts a category is about (null while the report is running), and what to do."""

    category: str
    count: int | None
    share: float | None
    advice: str


class ReportView(View):
    """A report: running or done. `evaluated` of `contacts` were looked at; the figures are true at `as_of`."""

    id: str
    state: str
    inactive_days: int
    contacts: int
    evaluated: int
    created_at: Instant
    as_of: Instant | None
    categories: list[CategoryView]


class FindingView(View):
    """A contact, and the address that may be meant, the mailbox that it shares, or why it gets nothing."""

    contact_id: str
    email: str | None
    detail: str | None


def view(report: Report) -> ReportView:
    over = report.state == "done"
    size = int(report.evaluated)
    counts = report.counts or {}
    categories = [
        CategoryView(
            category=category,
            count=int(counts.get(category, 0)) if over else None,
            share=(int(counts.get(category, 0)) / size if size else 0.0) if over else None,
            advice=advice,
        )
        for category, advice in ADVICE.items()
    ]
    return ReportView(
        id=report.report_id, state=report.state, inactive_days=int(report.inactive_days), contacts=int(report.total),
        evaluated=size, created_at=report.created_at, as_of=report.finished_at, categories=categories,
    )  # fmt: skip


def finding_views(tenant: str, category: Category, rows: list[Finding]) -> list[FindingView]:
    """With the addresses of those who still exist."""
    people = {one.contact_id: one for one in contacts.many(tenant, [row.sk for row in rows])}
    return [
        FindingView(contact_id=row.sk, email=person.email, detail=row.detail or _suggestion(category, person))
        for row in rows
        if (person := people.get(row.sk))
    ]


def _suggestion(category: Category, person: Contact) -> str | None:
    return rules.suggestion(category, addresses.claim(person.email)) if person.email else None
