"""Go on with privacy requests that stopped."""

from datetime import datetime

from drumbeat.privacy import working
from drumbeat.privacy.model import PRIVACY, PrivacyRequest
from drumbeat.schedule import schedule


@schedule("rate(10 minutes)", writes=(PrivacyRequest,), starts=(PRIVACY,))
def handler(now: datetime) -> int:
    """A request is started again 15 minutes after it last moved, as often as it takes. Gives how many there were."""
    return working.sweep()
