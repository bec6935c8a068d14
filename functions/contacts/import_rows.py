"""Import the next rows of a file of contacts, until it is over."""

from typing import Any

from drumbeat import clock
from drumbeat.accounts.model import Tenant
from drumbeat.contacts import model as contacts
from drumbeat.contacts.imports import slices
from drumbeat.contacts.imports.model import FOLDER, IMPORT, Import
from drumbeat.task import task


@task(
    IMPORT,
    reads=(Tenant,),
    writes=(*contacts.WRITES, Import),
    files=(FOLDER,),
    memory=512,
    timeout=60,
)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """A round is a slice of at most 2,000 rows or 20 seconds. A slice that is done twice doubles nothing."""
    done = slices.advance(state["tenant"], state["import_id"], clock.business())
    return {**state, "done": done}
