"""Add up what became of a large journey's entries: one round of it."""

from typing import Any

from drumbeat.accounts.model import Tenant
from drumbeat.journeys import measuring
from drumbeat.journeys.measuring import Cell
from drumbeat.journeys.work import MEASURE
from drumbeat.task import task


@task(MEASURE, reads=(Tenant, *measuring.READS), writes=(Cell,), memory=512, timeout=300)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """A repeated round computes the same cells again."""
    return measuring.round_of(state)
