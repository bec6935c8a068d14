"""Write the next chunks of a send."""

from typing import Any

from drumbeat.contacts.model import Contact
from drumbeat.deliverability.reputation import SendFigures
from drumbeat.segments.model import Member, Segment
from drumbeat.sends import planning
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Chunk, Send, Stat
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import DISPATCH, GOVERN, ROLL_UP
from drumbeat.task import task


@task(
    DISPATCH,
    reads=(Contact, Member, Segment, Stat, Environment, SendFigures),
    writes=(Send, Chunk, Sender),
    sends=(ROLL_UP,),
    publishes=("marketing.campaign.launched",),
    starts=(GOVERN,),
    timeout=120,
)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """Goes on behind the last stored chunk, so a step may be repeated."""
    return planning.plan(state)
