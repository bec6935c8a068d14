"""Add up a send's numbers; the campaign is finished when no chunk is open."""

from drumbeat import clock
from drumbeat.campaigns import finishing
from drumbeat.campaigns.model import Campaign
from drumbeat.deliverability import steering
from drumbeat.deliverability.model import Identity
from drumbeat.deliverability.reputation import SendFigures
from drumbeat.queue import queue
from drumbeat.sends.model import Chunk, Send, Stat
from drumbeat.sends.totals import Totals
from drumbeat.sends.work import ROLL_UP, RollUpMessage


@queue(
    ROLL_UP,
    reads=(Chunk, Stat),
    writes=(Campaign, Send, Totals, Identity, SendFigures),
    publishes=("marketing.campaign.completed", steering.PAUSED),
    timeout=900,  # it reads the whole send: this is what limits the recipients of one (infra/README.md, Scale)
)
def handler(message: RollUpMessage) -> None:
    """A roll-up that comes twice computes the same again."""
    finishing.roll_up(message.tenant, message.send, clock.business())
