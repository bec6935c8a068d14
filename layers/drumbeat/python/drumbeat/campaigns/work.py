"""The queue on which a schedule's time arrives."""

from drumbeat.declare import Queue
from drumbeat.fields import Body

LAUNCH = Queue("launch")


class LaunchMessage(Body):
    """Launch this campaign, if `revision` is still its schedule."""

    tenant: str
    campaign: str
    revision: int
