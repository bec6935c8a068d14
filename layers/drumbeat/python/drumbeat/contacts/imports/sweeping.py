"""Imports whose machine is gone: it was never started, its task died too often, or the service forgot it."""

from drumbeat import clock, table
from drumbeat.contacts.imports import model
from drumbeat.contacts.imports.model import DUE, UNDER_WAY, Import
from drumbeat.logs import logger
from drumbeat.table import ConditionFailed

# In one run; what it leaves comes first in the next.
MOST_AT_ONCE = 100


def sweep() -> int:
    """Start a new machine for each import that nobody has gone on with; gives for how many.

    The new one goes on where the import is. An old one that is alive after all does no harm: of two that do the same
    slice, one's counts are kept.
    """
    now, done = clock.iso(clock.wall()), 0
    found = table.keys_in_index(2, DUE, newest_first=False, limit=MOST_AT_ONCE)
    for row in Import.many((pk, sk) for pk, sk, place in found if place <= now):
        if row.state not in UNDER_WAY:
            continue
        try:
            row.change(Import.runs.set(row.runs + 1), *model.held(), condition=Import.gsi2sk == row.gsi2sk)
        except ConditionFailed:
            continue  # somebody went on with it just now
        logger.warning("an import lost its machine", extra={"import_id": row.import_id, "runs": int(row.runs)})
        model.start_machine(row)
        done += 1
    return done
