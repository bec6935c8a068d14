"""Send a chunk, or settle one of which nobody knows whether it was sent."""

from drumbeat.activity.model import Timeline
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.deliverability.model import Identity
from drumbeat.queue import queue
from drumbeat.segments.model import Definitions, Segment
from drumbeat.sends import delivering
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Chunk, Content, Place, Send, SendKey, Stat
from drumbeat.sends.quotas import Quota
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import DELIVER, ROLL_UP, ChunkMessage


@queue(
    DELIVER,
    concurrency=20,
    reads=(Contact, Definitions, Segment, Suppression, Content, SendKey, Stat, Identity, Environment),
    writes=(Chunk, Quota, Send, Sender, Timeline),
    sends=(ROLL_UP,),
    calls=("ses:SendBulkEmail",),
    timeout=60,
)
def handler(message: ChunkMessage) -> None:
    """A message may come twice: only one claim of a chunk wins, and its call is made once."""
    place = Place(message.tenant, message.send, message.shard, message.number)
    delivering.look_at(place, message.released)
