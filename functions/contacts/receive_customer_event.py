"""Take what the customer system says on the bus."""

from typing import Any

from drumbeat.accounts.model import Tenant
from drumbeat.bus import on
from drumbeat.contacts.customers import arriving
from drumbeat.contacts.customers.model import CUSTOMERS


@on(*arriving.TYPES, sources=arriving.SOURCE, reads=(Tenant,), sends=(CUSTOMERS,))
def handler(event: dict[str, Any]) -> None:
    """An event whose source names no tenant, or that comes from another account than the tenant has named, is logged
    and counted, and changes nothing."""
    arriving.receive(event)
