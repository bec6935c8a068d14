"""Adopt data that was restored from a backup, so that this deployment may send."""

from drumbeat import clock
from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import adopting
from drumbeat.campaigns.adopting import Adopted, Adoption
from drumbeat.journeys import adopting as journeys
from drumbeat.operator import operator
from drumbeat.sends import environment


@operator(
    reads=(Tenant, *journeys.READS),
    writes=(*adopting.WRITES, *journeys.WRITES),
    publishes=adopting.PUBLISHES,
    calls=(environment.DESCRIBES,),
    memory=512,
    timeout=300,
)
def handler(wanted: Adoption) -> Adopted:
    """What was being sent is paused with the reason `restored_copy`, overdue schedules expire. `RESTORED_COPY` when the
    functions were deployed for another table: deploy again first. May be repeated. `python -m infra.adopt` does it."""
    return adopting.adopt(wanted, clock.business(), journeys.pause_all)
