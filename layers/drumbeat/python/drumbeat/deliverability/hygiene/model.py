"""List hygiene reports and what they found; kept for thirty days.

pk                                         sk               gsi1pk               gsi1sk
HYGIENE#<tenant>#<report>                  REPORT           HYGIENES#<tenant>    <report>
HYGIENE#<tenant>#<report>#<category>       <contact>        -                    -           one finding
HYGIENE#<tenant>#<report>#same             <hash>           -                    -           contacts of one mailbox
"""

from datetime import timedelta

from pynamodb.attributes import JSONAttribute, UnicodeSetAttribute

from drumbeat import clock, ids, table
from drumbeat.declare import Machine
from drumbeat.deliverability.hygiene.rules import ADVICE, Category
from drumbeat.errors import Conflict, NotFound
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, UnicodeAttribute, index

HYGIENE = Machine("hygiene")
KEPT = timedelta(days=30)


class ReportIsRunning(Conflict):
    code = "REPORT_IS_RUNNING"


class Report(Entity):
    """One run over all contacts. `counts` are findings by category, exact when `state` is done."""

    TYPE = "HYGIENE"
    INDEX_TYPES = {"gsi1": "HYGIENES"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    report_id = UnicodeAttribute()
    state = UnicodeAttribute()
    inactive_days = NumberAttribute()
    total = NumberAttribute()
    evaluated = NumberAttribute(default=0)
    counts = JSONAttribute(default=dict)
    runs = NumberAttribute(default=1)
    created_at = InstantAttribute()
    seen_at = InstantAttribute()
    finished_at = InstantAttribute(null=True)
    ttl = NumberAttribute()

    @staticmethod
    def key(tenant: str, report_id: str) -> tuple[str, str]:
        return f"HYGIENE#{tenant}#{report_id}", "REPORT"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"HYGIENES#{tenant}"


class Finding(Entity):
    """A contact that a category is about; `detail` is why it gets nothing, or how often mail bounced. No address is
    kept here: the contact has it, and what may be meant follows from it."""

    TYPE = "HYGIENE"

    detail = UnicodeAttribute(null=True)
    contacts = UnicodeSetAttribute(null=True)
    ttl = NumberAttribute()

    @staticmethod
    def partition(tenant: str, report_id: str, category: str) -> str:
        return f"HYGIENE#{tenant}#{report_id}#{category}"


def expiry() -> int:
    return int((clock.wall() + KEPT).timestamp())


def latest(tenant: str) -> Report | None:
    """The report that was asked for last."""
    key = next(table.keys_in_index(1, Report.partition(tenant), limit=1), None)
    return Report.fetch(*key[:2]) if key else None


def get(tenant: str, report_id: str) -> Report:
    """By id, or `latest`. Raises NotFound."""
    found = latest(tenant) if report_id == "latest" else None
    if ids.is_id(report_id, "hyg"):
        found = Report.fetch(*Report.key(tenant, report_id))
    if found is None:
        raise NotFound("There is no such report; they are kept for thirty days. Ask for one: POST.")
    return found


def finished(tenant: str, report_id: str) -> Report:
    """A report that has found everyone. Raises NotFound, ReportIsRunning."""
    found = get(tenant, report_id)
    if found.state != "done":
        raise ReportIsRunning("The report is still being made. Try again when its state is done.")
    return found


def counted(tenant: str, report_id: str) -> dict[Category, int]:
    """How many findings each category has."""
    return {category: table.count(Finding.partition(tenant, report_id, category)) for category in ADVICE}
