"""Apply what came back from recipients and providers: deliveries, bounces, complaints, opens and clicks."""

from typing import Any

from drumbeat.accounts.model import Tenant
from drumbeat.activity.interest import Interest
from drumbeat.activity.model import RollUp, Timeline
from drumbeat.contacts import consent
from drumbeat.contacts.claims import ContactAddress
from drumbeat.contacts.opt_in.model import OptIn
from drumbeat.deliverability.soft_bounces import SoftBounces
from drumbeat.feedback import applying
from drumbeat.queue import queue
from drumbeat.segments.model import Definitions, Segment
from drumbeat.sends.model import Chunk, Send, SendKey, Stat
from drumbeat.sends.provider_messages import ProviderMessage
from drumbeat.sends.work import DELIVERIES, FEEDBACK, ROLL_UP


@queue(
    FEEDBACK,
    batch=500,
    window=20,
    concurrency=8,
    topics=(DELIVERIES,),
    reads=(SendKey, Chunk, ContactAddress, Tenant, Definitions, Segment, Interest),
    writes=(*consent.WRITES, ProviderMessage, Send, Stat, Timeline, RollUp, SoftBounces, OptIn),
    sends=(ROLL_UP,),
)
def handler(messages: list[dict[str, Any]]) -> list[int]:
    """A message that cannot be applied comes again, alone; the others of its batch are applied."""
    return applying.apply(messages)
