"""Send a chunk, or settle one of which nobody knows whether it was sent."""

from drumbeat import channels, providers
from drumbeat.activity.interest import Interest
from drumbeat.activity.model import Timeline
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.deliverability.model import Identity
from drumbeat.providers.model import ProviderAccount
from drumbeat.queue import queue
from drumbeat.segments.model import Definitions, Segment
from drumbeat.sends import delivering
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Chunk, Content, Place, Send, SendKey, Stat
from drumbeat.sends.moment.frequency import Frequency
from drumbeat.sends.provider_messages import ProviderMessage
from drumbeat.sends.quotas import Quota
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import DELIVER, FEEDBACK, ROLL_UP, ChunkMessage


@queue(
    DELIVER,
    concurrency=20,
    reads=(
        Interest,
        Contact,
        Definitions,
        Segment,
        Suppression,
        Content,
        SendKey,
        Stat,
        Identity,
        Environment,
        ProviderAccount,
    ),
    writes=(Chunk, Frequency, ProviderMessage, Quota, Send, Sender, Timeline),
    sends=(FEEDBACK, ROLL_UP),
    calls=(*channels.calls(), *providers.CALLS),
    timeout=60,
)
def handler(message: ChunkMessage) -> None:
    """A message may come twice: only one claim of a chunk wins, and its call is made once."""
    place = Place(message.tenant, message.send, message.shard, message.number)
    delivering.look_at(place, message.released)
