"""Send the mail that asks the owner of an address to confirm."""

from drumbeat import clock
from drumbeat.contacts.opt_in.model import CONFIRMATIONS, ConfirmationMessage, OptIn
from drumbeat.queue import queue
from drumbeat.sends import confirmations
from drumbeat.sends.senders import Sender


@queue(
    CONFIRMATIONS,
    concurrency=4,
    reads=confirmations.READS,
    writes=(OptIn, Sender),
    calls=("ses:SendBulkEmail",),
    memory=512,
)
def handler(message: ConfirmationMessage) -> None:
    """A message that comes twice sends one mail. When nobody knows whether the mail left, it is not sent again."""
    confirmations.deliver(message.tenant, message.address_key, clock.business())
