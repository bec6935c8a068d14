"""The queues and machines that carry a send forward. All of them carry ids; what they mean is in the table."""

from drumbeat.declare import Machine, Queue
from drumbeat.fields import Instant, Message

# Writes a send's chunks, round by round.
DISPATCH = Machine("dispatch")
# Releases an account's due chunks at its rate, while there is work.
GOVERN = Machine("govern")

DELIVER = Queue("deliver")
FEEDBACK = Queue("feedback")
ROLL_UP = Queue("roll_up")

# SES publishes to these topics: deliveries are many and go straight to the queue; the others are few and must be
# acted on.
DELIVERIES = "deliveries"
INCIDENTS = "bounces"


class ChunkMessage(Message):
    """Look at this chunk: send it, settle it, or find that there is nothing to do. `released` (wall time) is when the
    governor handed it over."""

    tenant: str
    send: str
    shard: int
    number: int
    released: Instant | None = None


class RollUpMessage(Message):
    """Add up this send's numbers."""

    tenant: str
    send: str
