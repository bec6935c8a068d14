"""What a recipient chooses on the preference page, and how it comes into force.

A page may have been opened long ago, before it asked for all that it asks for now. So its form names what it asks, and
what it does not name stays as it is. A box that is not ticked is not sent: an empty form that asks is a refusal of all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from drumbeat import channels
from drumbeat.accounts import settings
from drumbeat.contacts import changes, consent, preferences
from drumbeat.contacts import model as contacts
from drumbeat.contacts.ledger import NO_EVIDENCE, Evidence
from drumbeat.contacts.model import Contact
from drumbeat.contacts.preferences import Frequency, PreferencesChange
from drumbeat.contacts.views import CHANNELS, Channel, ContactChange
from drumbeat.errors import NotFound
from drumbeat.feedback import known, opt_outs
from drumbeat.feedback.words import LANGUAGES
from drumbeat.sends.tokens import Target

# Names in the form. `asks` has the names of what the page asks beside e-mail and SMS, which every page asks.
ASKS, FREQUENCY, PAUSE, LANGUAGE, TRACKING = "asks", "frequency", "pause", "language", "tracking"
CATEGORY = "category:"
# Pages from before there was `asks` say this when they ask about tracking.
ASKS_TRACKING = "asks_tracking"
_FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the page was sent with. `channels` says of each that it asks about whether it is wanted, `categories` the
    same of the tenant's categories; None is what it does not ask."""

    channels: Mapping[Channel, bool]
    categories: Mapping[str, bool]
    frequency: Frequency | None = None
    pause: bool | None = None
    language: str | None = None
    tracking: bool | None = None


def read(sent: Mapping[str, str]) -> Choices:
    """The choices of a form's fields."""
    asked = frozenset(sent.get(ASKS, "").split())
    on_page: list[Channel] = [one for one in CHANNELS if one != "push" or one in asked]
    offered = [name.removeprefix(CATEGORY) for name in asked if name.startswith(CATEGORY)]
    return Choices(
        channels={channel: channel in sent for channel in on_page},
        categories={one: f"{CATEGORY}{one}" in sent for one in offered},
        frequency=next((one for one in _FREQUENCIES if one == sent.get(FREQUENCY)), None),
        pause=PAUSE in sent if PAUSE in asked else None,
        language=next((one for one in LANGUAGES if one == sent.get(LANGUAGE)), None),
        tracking=TRACKING in sent if ASKS_TRACKING in sent else None,
    )


def choose(target: Target, chosen: Choices, *, now: datetime, shown: Evidence = NO_EVIDENCE) -> Contact | None:
    """Apply the choices; gives the contact as it is now, None when it was deleted.

    Only what differs from the present is a statement: a channel that nobody was asked about stays unasked.
    """
    contact = opt_outs.person(target)
    try:
        return contact and _apply(target, contact, chosen, now, shown)
    except NotFound:  # deleted between two reads
        return None


def _apply(target: Target, contact: Contact, chosen: Choices, now: datetime, shown: Evidence) -> Contact | None:
    for channel, wanted in chosen.channels.items():
        if consent.address_of(contact, channel) and wanted != opt_outs.wants(contact, channel):
            _say(target, contact, channel, wanted, now, shown)
    told = _changes(contact, chosen, now)
    if told:
        return changes.change(contact.tenant, contact.contact_id, ContactChange(**told), now)
    return contacts.find(contact.tenant, contact.contact_id)


def _say(target: Target, contact: Contact, channel: Channel, wanted: bool, now: datetime, shown: Evidence) -> None:
    """Record what the person said of a channel. An opt-out from the channel of the message counts for its send."""
    tenant, send_id, _, _ = target.place
    sent = known.send(send_id)
    if wanted:
        consent.grant(tenant, contact, channel, source="preference_page", method="preferences", at=now, evidence=shown)
    elif channel == channels.get(sent.channel if sent else "email").consent:
        opt_outs.unsubscribe(target, method="preferences", reason=None, now=now, shown=shown)
    else:
        consent.revoke(
            tenant, contact, channel, reason=None, method="preferences", source="preference_page", at=now,
            cause=send_id, campaign=target.key.campaign, send=send_id, evidence=shown,
        )  # fmt: skip


def _changes(contact: Contact, chosen: Choices, now: datetime) -> dict[str, Any]:
    """What of the contact itself is to be another than it is."""
    told: dict[str, Any] = {}
    if chosen.language and chosen.language != contact.language:
        told["language"] = chosen.language
    if chosen.tracking is not None and chosen.tracking != (contact.tracking is not False):
        told["tracking"] = chosen.tracking
    said = _preferences(contact, chosen, now)
    return {**told, "preferences": PreferencesChange(**said)} if said else told


def _preferences(contact: Contact, chosen: Choices, now: datetime) -> dict[str, Any]:
    held = preferences.view(contact)
    said: dict[str, Any] = {}
    if chosen.frequency and chosen.frequency != held.frequency:
        said["frequency"] = chosen.frequency
    theirs = {one.id for one in settings.fresh(contact.tenant).categories} if chosen.categories else set()
    offered = {one: wanted for one, wanted in chosen.categories.items() if one in theirs}
    refused = (set(held.refused_categories) - set(offered)) | {one for one, wanted in offered.items() if not wanted}
    if refused != set(held.refused_categories):
        said["refused_categories"] = sorted(refused)
    if chosen.pause is not None and chosen.pause != preferences.is_paused(contact, now):
        said["paused_until"] = now + preferences.PAUSE if chosen.pause else None
    return said
