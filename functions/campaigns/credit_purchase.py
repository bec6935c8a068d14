"""Credit a purchase to the campaign whose link was followed last before it."""

from drumbeat.activity.model import Timeline
from drumbeat.campaigns import conversions
from drumbeat.campaigns.conversions import Conversion
from drumbeat.campaigns.work import ATTRIBUTE, PurchaseMessage
from drumbeat.queue import queue


@queue(ATTRIBUTE, reads=(Timeline,), writes=(Conversion,))
def handler(message: PurchaseMessage) -> None:
    """A message may come twice: the first campaign that takes a purchase keeps it."""
    conversions.credit(message.tenant, message.contact, message.event, message.value, message.at)
