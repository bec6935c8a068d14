"""Find imports whose machine is gone, and go on with them."""

from datetime import datetime

from drumbeat.contacts.imports import sweeping
from drumbeat.contacts.imports.model import IMPORT, Import
from drumbeat.schedule import schedule


@schedule("rate(5 minutes)", writes=(Import,), starts=(IMPORT,))
def handler(now: datetime) -> int:
    """How many had to be started again. One that is at work after all is not disturbed."""
    return sweeping.sweep()
