"""List the contacts that a list hygiene report found of a kind, by id."""

import itertools

from drumbeat import lists, table
from drumbeat.contacts.model import Contact
from drumbeat.deliverability.hygiene import model
from drumbeat.deliverability.hygiene.model import Finding, Report
from drumbeat.deliverability.hygiene.views import FindingQuery, FindingView, finding_views
from drumbeat.fields import Page
from drumbeat.http import Request, http


@http(
    "GET /v1/reports/list-hygiene/{report_id}/findings",
    scope="contacts:read",
    reads=(Report, Contact),
)
def handler(request: Request, report_id: str, query: FindingQuery) -> Page[FindingView]:
    """404 for an unknown report; 422 for an unknown category, or a cursor that is not of this list."""
    report = model.get(request.tenant, report_id)
    partition = Finding.partition(request.tenant, report.report_id, query.category)
    after = lists.decode_in(partition, query.cursor) if query.cursor else None
    skip = 0 if query.cursor else ((query.page or 1) - 1) * query.limit
    found = table.rows(Finding, partition, after=after, limit=skip + query.limit + 1)
    over = report.state == "done"
    rows = list(itertools.islice(found, skip, None))
    shown, more = rows[: query.limit], len(rows) > query.limit
    return Page(
        items=finding_views(request.tenant, query.category, shown),
        total_count=int(report.counts.get(query.category, 0)) if over else table.count(partition),
        limit=query.limit,
        next_cursor=lists.encode((partition, shown[-1].sk, "")) if more else None,
    )
