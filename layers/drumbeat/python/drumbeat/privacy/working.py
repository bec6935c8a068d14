"""The background part of privacy requests, and those whose machine was lost."""

from drumbeat import clock, table
from drumbeat.privacy import disclosing, erasing, model
from drumbeat.privacy.model import DUE, PrivacyRequest
from drumbeat.table import ConditionFailed

MOST_AT_ONCE = 100


def advance(tenant: str, request_id: str) -> tuple[bool, int]:
    """Do the next round; (whether the request is over, seconds to wait before the next one)."""
    row = model.get(tenant, request_id)
    if row.state != "running":
        return True, 0
    if row.wish == "erasure":
        return erasing.advance(row)
    disclosing.advance(row)
    return True, 0


def sweep() -> int:
    """Start again what nobody has gone on with; an erasure is never given up. Gives how many there were."""
    now = clock.iso(clock.wall())
    due = [(pk, sk) for pk, sk, at in table.keys_in_index(2, DUE, newest_first=False, limit=MOST_AT_ONCE) if at <= now]
    found = PrivacyRequest.many(due)
    for row in found:
        again = [PrivacyRequest.runs.set(row.runs + 1), PrivacyRequest.gsi2sk.set(model.due_from_now())]
        try:
            row.change(*again, condition=PrivacyRequest.gsi2sk == row.gsi2sk)
        except ConditionFailed:
            continue
        model.start(row)
    return len(found)
