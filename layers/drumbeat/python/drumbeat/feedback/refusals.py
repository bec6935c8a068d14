"""What a provider said of an address when it refused a message: that its owner wants no more, or that nobody has it.

The worker that heard it puts it on the queue of feedback, which applies it as the same news that comes as a report.
"""

from collections.abc import Mapping
from typing import Any

from drumbeat import channels, clock
from drumbeat.contacts import consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.ledger import Evidence
from drumbeat.sends.refusals import KIND

__all__ = ["KIND", "apply"]


def apply(message: Mapping[str, Any]) -> None:
    """Take the consent back, or suppress the address, if it is the contact's still. Twice is once."""
    tenant, send, at = str(message["tenant"]), str(message["send"]), clock.parse(message["at"])
    contact, channel = contacts.find(tenant, str(message["contact"])), channels.get(str(message["channel"]))
    address = channel.address(contact) if contact else None
    if contact is None or not address or channels.imprint(address) != message["address"]:
        return
    if message["gone"]:
        suppressions.suppress(tenant, address, "all", "hard_bounce", send, at)
    elif channel.consent:
        consent.revoke(
            tenant, contact, channel.consent, reason="unsubscribed", method="provider",
            source=str(message["reason"] or ""), at=at, cause=f"{send}:unsubscribed", campaign=message["campaign"],
            send=send, evidence=Evidence("provider", f"{send}:unsubscribed"),
        )  # fmt: skip
