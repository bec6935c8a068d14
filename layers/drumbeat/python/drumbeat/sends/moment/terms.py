"""What a send keeps of when and how often its recipients get it, as it was at the launch. Pure.

`Send.moment` is {"hours": the tenant's hours of the channel, "zone" and "country": the tenant's, "spread" and "hold":
seconds, "caps": by window, "over_cap": hold}, each where it says something; None where nothing does. Rules of countries
are not in it: those in force are the ones that a worker has.
"""

from typing import TYPE_CHECKING, Any

from drumbeat import channels
from drumbeat.accounts import moments
from drumbeat.contacts import preferences
from drumbeat.contacts.model import Contact
from drumbeat.sends.model import Send
from drumbeat.sends.moment import caps
from drumbeat.sends.moment.caps import Window

if TYPE_CHECKING:  # whoever sends has no use for what settings are made of
    from drumbeat.accounts.settings import Settings

MARKETING = "marketing"


def frozen(chosen: "Settings", channel: str, purpose: str, over_cap: str | None) -> dict[str, Any] | None:
    """`Send.moment` of a launch under a tenant's settings; what is transactional is bound by nothing of it."""
    if purpose != MARKETING:
        return None
    found: dict[str, Any] = {}
    own = chosen.quiet_hours.get(channel)
    hours = moments.quiet_hours(own.model_dump() if own else None, channel)
    if hours is not None:
        found |= {"hours": hours, "zone": chosen.time_zone, "country": chosen.country}
        found |= {"spread": 60 * chosen.quiet_release_minutes, "hold": chosen.quiet_hold_seconds}
    cap = chosen.frequency_caps.get(channel)
    if cap is not None:
        found["caps"] = {name: limit for name, limit in cap.model_dump().items() if limit is not None}
    if over_cap == "hold":
        found["over_cap"] = over_cap
    return found or None


def binds(send: Send) -> bool:
    """Whether people's wishes, hours and caps are asked: for marketing, on channels that need consent. Others lead to
    the tenant's own systems."""
    return send.purpose == MARKETING and channels.get(send.channel).consent is not None


def windows(send: Send, person: Contact) -> list[Window]:
    """What binds the number of messages that this person gets; nothing for what is transactional."""
    said, apart = (send.moment or {}).get("caps") or {}, preferences.frequency(person)
    if (not said and apart is None) or not binds(send):
        return []
    return caps.windows(said, send.channel, send.priority or "normal", apart)


def waits_for_room(send: Send) -> bool:
    """Whether whoever has had enough gets it later, instead of not at all."""
    return (send.moment or {}).get("over_cap") == "hold"
