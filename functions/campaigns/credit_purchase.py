"""Credit a purchase to the campaign whose link was followed last before it."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import conversions
from drumbeat.campaigns.work import ATTRIBUTE, PurchaseMessage
from drumbeat.queue import queue


@queue(
    ATTRIBUTE,
    reads=(Tenant, *conversions.READS),
    writes=conversions.WRITES,
    publishes=("marketing.conversion.tracked", "marketing.customer.converted"),
)
def handler(message: PurchaseMessage) -> None:
    """A message may come twice: the first campaign that takes a purchase keeps it."""
    conversions.credit(
        message.tenant, message.contact, message.event, message.value, message.at, currency=message.currency
    )
