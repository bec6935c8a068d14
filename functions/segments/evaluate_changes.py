"""Evaluate the contacts that changed, or whose counted events did, against the tenant's segments."""

from drumbeat.segments import membership, records
from drumbeat.stream import Record, stream


@stream(
    "CONTACT",
    "ROLLUP",
    "TIMELINE",
    where={"TIMELINE": ["asked", "N", "1"]},
    batch=200,
    window=1,
    reads=membership.READS,
    writes=membership.WRITES,
    memory=512,
    timeout=60,
)
def handler(changed: list[Record]) -> int | None:
    """Membership rows are of other types, so that what this writes does not come back."""
    return records.evaluate(changed)
