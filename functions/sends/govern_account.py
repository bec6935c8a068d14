"""Release the due chunks of a provider account at its rate."""

from typing import Any

from drumbeat.deliverability.model import Identity
from drumbeat.providers.model import ProviderAccount
from drumbeat.sends import governing
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Chunk, Send
from drumbeat.sends.quotas import Quota
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import DELIVER, GOVERN
from drumbeat.task import task


@task(
    GOVERN,
    reads=(Quota, Identity, Environment, ProviderAccount),
    writes=(Chunk, Send, Sender),
    sends=(DELIVER,),
    starts=(GOVERN,),
    calls=("ses:GetAccount",),
    timeout=60,
)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """A governor whose generation is over does nothing."""
    return governing.govern(state)
