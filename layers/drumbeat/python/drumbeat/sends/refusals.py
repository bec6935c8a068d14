"""Telling what a provider said of an address while it refused a message (drumbeat.feedback.refusals applies it)."""

from collections.abc import Sequence

from drumbeat import channels, clock, queues
from drumbeat.channels.outcomes import Entry
from drumbeat.sends.claims import Work
from drumbeat.sends.ledger import sent_at
from drumbeat.sends.work import FEEDBACK

KIND = "refused"


def tell(work: Work, called: Sequence[int], entries: Sequence[Entry]) -> None:
    """Put on the queue whose owner has opted out at the provider, and which address is nobody's any more. The address
    itself is not in the message: an imprint says whether it is still the contact's."""
    send = work.send
    address = channels.get(send.channel).address
    told = [
        {
            "type": KIND, "tenant": send.tenant, "send": send.send_id, "campaign": send.campaign,
            "channel": send.channel, "contact": person.contact_id, "address": channels.imprint(address(person) or ""),
            "gone": entry.gone, "reason": entry.reason, "at": clock.iso(sent_at(work.chunk, number)),
        }
        for number, entry in zip(called, entries, strict=True)
        if (entry.gone or entry.opted_out) and (person := work.people.get(number))
    ]  # fmt: skip
    if told:
        queues.send(FEEDBACK, send.tenant, told)
