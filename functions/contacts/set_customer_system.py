"""Connect the system that customers come from, or change the connection."""

from drumbeat.contacts.customers import connecting
from drumbeat.contacts.customers.connecting import CustomerSystemView, NewCustomerSystem
from drumbeat.http import Request, http


@http("PUT /v1/customer-system", scope="accounts:write", writes=connecting.WRITES, calls=connecting.CALLS)
def handler(request: Request, body: NewCustomerSystem) -> CustomerSystemView:
    """Customers whom events or segments name by an unknown `external_id` are read from it, and its events change their
    contacts. 422 for an address that is not of the internet. 503 when the token cannot be stored now."""
    return connecting.connect(request.tenant, body)
