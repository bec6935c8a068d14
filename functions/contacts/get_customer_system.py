"""Get the connection to the system that customers come from."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts.customers import connecting
from drumbeat.contacts.customers.connecting import CustomerSystemView
from drumbeat.http import Request, http


@http("GET /v1/customer-system", scope="accounts:read", reads=(Tenant,))
def handler(request: Request) -> CustomerSystemView:
    """404 when none is connected. The token is not shown."""
    return connecting.shown(request.tenant)
