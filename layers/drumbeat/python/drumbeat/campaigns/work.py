"""The queues of campaigns: a schedule's time arrives on one, purchases wait on the other for their click."""

from drumbeat.declare import Queue
from drumbeat.fields import Instant, Message

LAUNCH = Queue("launch")
ATTRIBUTE = Queue("attribute")


class LaunchMessage(Message):
    """Launch this campaign, if `revision` is still its schedule."""

    tenant: str
    campaign: str
    revision: int


class PurchaseMessage(Message):
    """Credit this purchase: `event` is its event's id, `value` is in minor units of `currency`."""

    tenant: str
    contact: str
    event: str
    value: int
    currency: str | None = None
    at: Instant
