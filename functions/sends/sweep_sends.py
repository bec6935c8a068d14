"""Find sends that were not planned, accounts without a governor, and what each account may send now."""

from datetime import datetime

from drumbeat.deliverability.model import Identity
from drumbeat.providers.model import ProviderAccount
from drumbeat.schedule import schedule
from drumbeat.sends import environment, sweeping
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Chunk, Send
from drumbeat.sends.quotas import Quota
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import DISPATCH, GOVERN, ROLL_UP


@schedule(
    "rate(1 minute)",
    reads=(Chunk, Quota, Identity, ProviderAccount),
    writes=(Send, Sender, Environment),
    sends=(ROLL_UP,),
    starts=(DISPATCH, GOVERN),
    calls=("ses:GetAccount", environment.DESCRIBES),
)
def handler(now: datetime) -> dict[str, int]:
    """What it starts may be at work already, which does no harm."""
    return sweeping.sweep(now)
