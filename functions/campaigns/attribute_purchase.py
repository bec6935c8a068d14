"""Have a purchase credited to the campaign whose link was followed last before it, once that click must be known."""

from typing import Any

from drumbeat.bus import on
from drumbeat.campaigns import conversions
from drumbeat.campaigns.work import ATTRIBUTE


@on("contact.purchased", sends=(ATTRIBUTE,))
def handler(event: dict[str, Any]) -> None:
    """The event may come twice, and before the click that led to it: the credit waits a minute on a queue."""
    conversions.credit_later(event)
