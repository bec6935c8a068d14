"""Write the next rows of an export, until they are all there; then put its file together."""

from typing import Any

from drumbeat import clock
from drumbeat.accounts.model import Tenant
from drumbeat.exports import kinds, slices
from drumbeat.exports.model import EXPORT, FOLDER, Export
from drumbeat.slugs import Slug
from drumbeat.task import task


@task(EXPORT, reads=(*kinds.READS, Tenant, Slug), writes=(Export,), files=(FOLDER,), memory=1024, timeout=900)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """A round is a slice of at most 5,000 rows, 8 MB or 20 seconds; the last one writes the file, which takes longer. A
    round that is done twice doubles nothing."""
    done = slices.advance(state["tenant"], state["export_id"], clock.business())
    return {**state, "done": done}
