"""Credit a purchase to the campaign whose link was followed last before it."""

from typing import Any

from drumbeat.activity.model import Timeline
from drumbeat.bus import on
from drumbeat.campaigns import conversions
from drumbeat.campaigns.conversions import Conversion


@on("contact.purchased", reads=(Timeline,), writes=(Conversion,))
def handler(event: dict[str, Any]) -> None:
    """The event may come twice: the purchase's event id is the key of its credit."""
    conversions.credit_event(event)
