"""Hand over confirmation mails that are due, and let requests expire that nobody confirmed."""

from datetime import datetime

from drumbeat.accounts.model import Tenant
from drumbeat.contacts.opt_in.model import CONFIRMATIONS
from drumbeat.schedule import schedule
from drumbeat.sends import confirmations
from drumbeat.sends.environment import Environment


@schedule(
    "rate(1 minute)",
    reads=(Tenant, Environment),
    writes=confirmations.SWEEPS,
    sends=(CONFIRMATIONS,),
    calls=("ses:GetAccount",),
)
def handler(now: datetime) -> dict[str, int]:
    """Mails that an import asked for go at the rate of the provider account, tenants in turn. A mail that is handed
    over twice is sent once."""
    return confirmations.sweep(now)
