"""Go on with exports that stopped."""

from datetime import datetime

from drumbeat.exports import sweeping
from drumbeat.exports.model import EXPORT, Export
from drumbeat.schedule import schedule


@schedule("rate(10 minutes)", writes=(Export,), starts=(EXPORT,))
def handler(now: datetime) -> int:
    """An export is looked at 20 minutes after it last moved, and started again up to three times. Gives how many."""
    return sweeping.sweep(now)
