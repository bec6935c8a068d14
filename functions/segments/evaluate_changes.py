"""Evaluate the contacts that changed, or whose counted events did, against the tenant's segments."""

from drumbeat.accounts.model import Tenant
from drumbeat.activity.model import RollUp
from drumbeat.contacts.model import Contact
from drumbeat.segments import records
from drumbeat.segments.model import Definitions, Member, Segment, Watch
from drumbeat.stream import Record, stream


@stream(
    "CONTACT",
    "ROLLUP",
    batch=200,
    window=1,
    reads=(Tenant, Contact, RollUp, Definitions, Segment),
    writes=(Member, Watch),
    memory=512,
    timeout=60,
)
def handler(changed: list[Record]) -> int | None:
    """Membership rows are of other types, so that what this writes does not come back."""
    return records.evaluate(changed)
