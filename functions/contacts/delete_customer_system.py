"""Disconnect the system that customers come from."""

from drumbeat.contacts.customers import connecting
from drumbeat.http import Request, http


@http(
    "DELETE /v1/customer-system", scope="accounts:write", status=204, writes=connecting.WRITES, calls=connecting.CALLS
)
def handler(request: Request) -> None:
    """404 when none is connected. Contacts stay as they are; its token is removed. 503 when that cannot be done now."""
    connecting.disconnect(request.tenant)
