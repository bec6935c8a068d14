"""Find a new or changed segment's members, add them up, or remove those of a deleted one: one round of it."""

from typing import Any

from drumbeat.accounts.model import Tenant
from drumbeat.activity.model import RollUp
from drumbeat.contacts.model import Contact
from drumbeat.segments import backfill
from drumbeat.segments.model import BACKFILL, Definitions, Member, Segment, Watch
from drumbeat.task import task


@task(
    BACKFILL,
    reads=(Tenant, Contact, RollUp, Definitions),
    writes=(Segment, Member, Watch),
    memory=512,
    timeout=120,
)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """A walk whose segment has a newer version, or is gone, ends."""
    return backfill.round_of(state)
