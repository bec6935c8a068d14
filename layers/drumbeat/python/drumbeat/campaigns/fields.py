"""Which fields of a campaign its channel has: what a channel cannot say is refused, not forgotten. Pure."""

from collections.abc import Iterable

from drumbeat.channels import Channel
from drumbeat.errors import Detail, Invalid

# Fields that are about a part of a message.
_OF_PARTS = {
    "subject": ("subject", "subjects"),
    "html": ("html", "template_id", "sender_email", "reply_to", "track_opens"),
    "text": ("text",),
}
# Fields of messages without HTML, and of those that are paid for by their length.
_PLAIN = ("texts",)
BY_LENGTH = ("media_urls", "sender_id", "carrier_preference")
# Fields of mails: what a provider's own template is called there.
MAILED = ("provider_template",)
# Fields of notifications: a title and a text.
NOTIFIED = ("notification",)


def require(channel: Channel, named: Iterable[str]) -> None:
    """Raise Invalid that names each field which the channel does not have, with the way out."""
    foreign = {name for part, names in _OF_PARTS.items() if part not in channel.parts for name in names}
    if "html" in channel.parts:
        foreign.update(_PLAIN)
    else:
        foreign.update(MAILED)
    if not channel.paid_by_length:
        foreign.update(BY_LENGTH)
    if not channel.notifies:
        foreign.update(NOTIFIED)
    details = [Detail(name, f"is nothing that a campaign of the channel {channel.name} has; leave it out")
               for name in named if name in foreign]  # fmt: skip
    if details:
        raise Invalid("Some fields do not fit the channel; see details.", details)
