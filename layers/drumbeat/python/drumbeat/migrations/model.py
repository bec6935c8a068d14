"""Migrations: what was asked, and the report of what became of it.

pk                           sk           gsi1pk                 gsi1sk
MIGRATION#<tenant>#<id>      MIGRATION    MIGRATIONS#<tenant>    <id>

What a migration makes has ids that follow from Pinpoint's, so that making it again finds it.
"""

from collections.abc import Sequence
from datetime import datetime

from pynamodb.attributes import BooleanAttribute, JSONAttribute

from drumbeat import ids
from drumbeat.errors import NotFound
from drumbeat.migrations.views import MigrationView, ResultView
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, UnicodeAttribute, index

REMARKS = (
    "Campaigns become drafts: nothing is sent before you launch or schedule them.",
    "Segments here are of people; an endpoint's conditions hold for the contact that it became.",
    "Text is compared without case here.",
)


class Migration(Entity):
    """A migration and its report."""

    TYPE = "MIGRATION"
    INDEX_TYPES = {"gsi1": "MIGRATIONS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    migration_id = UnicodeAttribute()
    dry_run = BooleanAttribute()
    results = JSONAttribute(default=list)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()

    @staticmethod
    def key(tenant: str, migration_id: str) -> tuple[str, str]:
        return f"MIGRATION#{tenant}#{migration_id}", "MIGRATION"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"MIGRATIONS#{tenant}"


def add(
    tenant: str, migration_id: str, results: Sequence[ResultView], *, dry_run: bool, actor: str, now: datetime
) -> Migration:
    """Store a report; the same id again gives the stored one."""
    row = Migration(
        *Migration.key(tenant, migration_id), gsi1pk=Migration.partition(tenant), gsi1sk=migration_id,
        migration_id=migration_id, dry_run=dry_run, results=[one.model_dump(mode="json") for one in results],
        created_by=actor, created_at=now,
    )  # fmt: skip
    try:
        row.create()
    except ConditionFailed as refused:
        return Migration.from_raw_data(refused.found or {})
    return row


def get(tenant: str, migration_id: str) -> Migration:
    """Raises NotFound."""
    row = Migration.fetch(*Migration.key(tenant, migration_id)) if ids.is_id(migration_id, "mig") else None
    if row is None:
        raise NotFound("There is no such migration. List migrations to see their ids.")
    return row


def view(row: Migration) -> MigrationView:
    results = [ResultView.model_validate(one) for one in row.results or []]
    outcomes = [one.outcome for one in results]
    return MigrationView(
        id=row.migration_id,
        dry_run=row.dry_run,
        exact=outcomes.count("exact"),
        approximated=outcomes.count("approximated"),
        not_carried=outcomes.count("not_carried"),
        already_there=sum(one.already_there for one in results),
        results=results,
        remarks=list(REMARKS),
        created_by=row.created_by,
        created_at=row.created_at,
    )
