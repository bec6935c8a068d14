"""Find scheduled campaigns whose schedule did not fire."""

from datetime import datetime

from drumbeat.campaigns import finishing
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.work import LAUNCH
from drumbeat.schedule import schedule
from drumbeat.sends.environment import Environment


@schedule("rate(1 minute)", reads=(Campaign, Environment), sends=(LAUNCH,))
def handler(now: datetime) -> int:
    """How many were overdue. Their launch messages may be duplicates, which do no harm."""
    return finishing.sweep(now)
