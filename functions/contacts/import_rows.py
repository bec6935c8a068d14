"""Import the next rows of a file of contacts, until it is over."""

from typing import Any

from drumbeat import clock
from drumbeat.contacts import model as contacts
from drumbeat.contacts.imports import slices
from drumbeat.contacts.imports.model import FOLDER, IMPORT, Import
from drumbeat.contacts.opt_in import asking
from drumbeat.contacts.suppressions import Suppression
from drumbeat.errors import NotFound
from drumbeat.segments import static_lists
from drumbeat.segments.model import Member
from drumbeat.task import task


@task(
    IMPORT,
    reads=static_lists.READS,
    writes=(*contacts.WRITES, *asking.WRITES, Suppression, Member, Import),
    files=(FOLDER,),
    memory=512,
    timeout=60,
)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """A round is a slice of at most 10,000 rows or 20 seconds. A slice that is done twice doubles nothing."""
    done = slices.advance(state["tenant"], state["import_id"], clock.business(), _into)
    return {**state, "done": done}


def _into(tenant: str, segment_id: str, contact_ids: list[str]) -> bool:
    """Put people into the static segment that the import names; False when it is gone."""
    try:
        static_lists.add_members(tenant, segment_id, contact_ids, clock.business())
    except (NotFound, static_lists.SegmentIsDynamic):
        return False
    return True
