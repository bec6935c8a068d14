"""Allow an address again. Suppressions after a bounce, a complaint or an opt-out need `force=true`."""

from drumbeat.contacts import suppressions
from drumbeat.contacts.suppressions import Suppression
from drumbeat.fields import Body
from drumbeat.http import STANDARD, Answer, Request, http


class Forced(Body):
    """`force` also removes what is not manual."""

    force: bool = False


@http("DELETE /v1/suppressions/{address}", scope="contacts:write", limit=STANDARD, writes=(Suppression,))
def handler(request: Request, address: str, query: Forced) -> Answer:
    """404 `NOT_FOUND`; 409 `SUPPRESSION_NOT_MANUAL` without `force=true`."""
    row = suppressions.remove(request.tenant, address, force=query.force)
    return Answer({"address": row.address, "deleted": True}, "The address is no longer suppressed.")
