"""What messages without HTML say: text messages, notifications, requests."""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drumbeat.accounts import sms_senders
from drumbeat.accounts.settings import Settings
from drumbeat.campaigns.model import Campaign
from drumbeat.channels import Channel
from drumbeat.channels.sms import parts
from drumbeat.errors import Detail
from drumbeat.templates.bodies import choose

if TYPE_CHECKING:
    from drumbeat.templates.engine import Compiled

# Twilio takes 1,600 characters (its error 21617), and ten parts are what carriers put together again.
MOST_CHARACTERS, MOST_PARTS = 1600, 10
# Words and addresses that tell how to get no more.
_WAY_OUT = re.compile(r"\b(stop|unsubscribe|opt[ -]?out)\b|unsubscribe_url|preferences_url|বন্ধ", re.IGNORECASE)
_FRAGMENT = re.compile(r"\{\{f\d+\}\}")
# Where a sender's id has to be registered before marketing is sent: BTRC, Directives on bulk SMS and masking (BD).
_REGISTERED = frozenset({"BD"})


def text_of(channel: Channel, text: str, language: str, chosen: Settings) -> str:
    """The text with the tenant's footer of its language behind it."""
    tag = choose(language, chosen.sms_footer)
    footer = chosen.sms_footer.get(tag) if channel.paid_by_length else None
    return f"{text}\n{footer}" if footer else text


def said(channel: Channel, campaign: Campaign, chosen: Settings) -> dict[str, Any]:
    """What a text message says besides its text."""
    own: Mapping[str, Any] = campaign.said or {}
    if not channel.paid_by_length:
        return dict(own)
    sender = own.get("sender_id") or chosen.sms_sender_id
    return {**own, **({"sender_id": sender} if sender else {})}


def missing(channel: Channel, campaign: Campaign, text: str | None, chosen: Settings) -> list[Detail]:
    """What the campaign lacks, in the names of its fields. `text` is whole, with its footer."""
    if not text:
        return [Detail("text", "say what the message says")]
    if not channel.paid_by_length or campaign.purpose == "transactional":
        return []
    sender = said(channel, campaign, chosen).get("sender_id")
    found = []
    if chosen.country in _REGISTERED and not sender:
        remedy = f"marketing by SMS in {chosen.country} needs a registered sender: set it here or as sms_sender_id"
        found.append(Detail("sender_id", f"{remedy} in PATCH /v1/settings"))
    names = [name.casefold() for name in (campaign.sender_name, chosen.sender_name) if name]
    named = bool(sender and sms_senders.is_name(sender)) or any(name in text.casefold() for name in names)
    if not named and not _WAY_OUT.search(text):
        remedy = "must name its sender or say how to get no more: send from a name, or set sms_footer in the settings"
        found.append(Detail("text", f"{remedy}, such as Reply STOP to end"))
    return found


def no_json(compiled: "Compiled") -> Detail | None:
    """What is wrong with a text that must be JSON, whatever is filled in: here nothing is."""
    try:
        json.loads(compiled.preview({}).text)
    except (ValueError, RecursionError):
        remedy = 'write values within quotes as "{{ name }}", and others as {{ total | json }}'
        return Detail("text", f"is no JSON for somebody of whom nothing is known: {remedy}")
    return None


def too_long(compiled: "Compiled") -> Detail | None:
    """What is wrong with a text that is too long before anything is filled in."""
    text = _FRAGMENT.sub("", compiled.text)
    number = len(parts.count(text).parts)
    if number <= MOST_PARTS and len(text) <= MOST_CHARACTERS:
        return None
    return Detail("text", f"has {len(text)} characters in {number} parts; shorten it to {MOST_PARTS} parts")


def parts_of(channel: Channel, compiled: "Compiled") -> int:
    """How many parts a message has at least: what is filled in makes it longer. Others are one."""
    return 1 if not channel.paid_by_length else len(parts.count(_FRAGMENT.sub("", compiled.text)).parts)
