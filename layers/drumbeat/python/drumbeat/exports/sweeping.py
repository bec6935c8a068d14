"""Exports that nobody goes on with: their machine was lost, or it died for good."""

from datetime import datetime

from drumbeat import clock, table
from drumbeat.exports import model, slices
from drumbeat.exports.model import DUE, MOST_RUNS, Export
from drumbeat.table import ConditionFailed

MOST_AT_ONCE = 100


def sweep(now: datetime) -> int:
    """Start stalled exports again where they were; one that died too often has failed, visibly. Gives how many."""
    limit = clock.iso(clock.wall())
    due = [
        (pk, sk) for pk, sk, at in table.keys_in_index(2, DUE, newest_first=False, limit=MOST_AT_ONCE) if at <= limit
    ]
    found = Export.many(due)
    for job in found:
        if job.runs + 1 >= MOST_RUNS:
            slices.fail(job, f"It stopped {MOST_RUNS} times before its end. Try fewer rows, or tell us its id.", now)
            continue
        try:
            again = [Export.runs.set(job.runs + 1), Export.gsi2sk.set(model.due_from_now())]
            job.change(*again, condition=Export.gsi2sk == job.gsi2sk)
        except ConditionFailed:
            continue
        model.start(job)
    return len(found)
