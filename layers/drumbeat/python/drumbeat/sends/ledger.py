"""How outcomes are written down, by whoever learned of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from drumbeat import channels, clock
from drumbeat.activity import frames
from drumbeat.activity.model import Timeline, message_row
from drumbeat.channels.sms import parts
from drumbeat.contacts.model import Contact
from drumbeat.segments import definitions
from drumbeat.sends import destinations, domains, marks
from drumbeat.sends.model import Chunk, Outcome, Send


def merged(letters: str, found: dict[int, Outcome]) -> str:
    """The outcomes with what was found put in."""
    return "".join(found.get(number, letter) for number, letter in enumerate(letters))


def sent_rows(send: Send, chunk: Chunk, people: dict[int, Contact], message_ids: dict[int, str]) -> list[Timeline]:
    """The timeline rows of accepted mails. Their time is their claim's: writing them again gives the same rows.

    Reads Definitions, Segment, Interest.
    """
    wanted, channel = definitions.marks(send.tenant), channels.get(send.channel)
    rows = []
    for number, provider_id in message_ids.items():
        person = people.get(number)
        if person is None:
            continue
        message = chunk.place.message(number)
        customer, address = person.external_id or person.contact_id, channel.address(person) or ""
        data = frames.message(channel, send.campaign, customer, address, message)
        row = message_row(
            send.tenant, person.contact_id, "sent", sent_at(chunk, number), send.send_id, send.campaign, message, data,
            bool(send.publish), channel=channel.name, asked=wanted.asked, waited=wanted.waited,
        )  # fmt: skip
        row.properties = {"provider_message_id": provider_id} if provider_id else None
        rows.append(row)
    return rows


def sent_at(chunk: Chunk, number: int) -> datetime:
    """When the claim was made that called for a recipient: the chunk's last one, or an earlier one that left doubt."""
    earlier = (chunk.called_at or {}).get(str(number))
    return clock.parse(earlier) if earlier else chunk.claimed_at or clock.business()


def doubts(chunk: Chunk, in_doubt: Iterable[int]) -> list[Any]:
    """What the chunk keeps of those in doubt: who they are, and when they were called for."""
    times = {str(number): clock.iso(sent_at(chunk, number)) for number in sorted(in_doubt)}
    if not times:
        known = [Chunk.imprints.remove()] if chunk.imprints else []
        return [Chunk.doubtful.remove(), Chunk.called_at.remove(), *known]
    return [Chunk.doubtful.set({int(number) for number in times}), Chunk.called_at.set(times)]


def facts(
    send: Send, chunk: Chunk, people: Mapping[int, Contact], accepted: Iterable[int], texts: Mapping[int, str]
) -> list[Any]:
    """What the write of outcomes also keeps with the chunk, for results: whose domains the recipients' are (where and
    in how many parts text messages went), and how many messages were accepted in the hours of their claims."""
    actions: list[Any] = []
    size = len(chunk.outcomes)
    held = domains.read(chunk.domains, size)
    # Who sent a text message knows its parts; who only learns that it was sent does not.
    untold = {number: person for number, person in people.items() if number in texts or not held[number]}
    kept = {number: _name(send, chunk, person, texts.get(number)) for number, person in untold.items()}
    if names := {number: name for number, name in kept.items() if name}:
        actions.append(Chunk.domains.set(domains.noted(chunk.domains, size, names)))
    hours = Counter(str(marks.hour_of(sent_at(chunk, number))) for number in accepted)
    if hours:
        hours.update(chunk.hours or {})
        actions.append(Chunk.hours.set(dict(hours)))
    return actions


def _name(send: Send, chunk: Chunk, person: Contact, text: str | None) -> str | None:
    """What results group a recipient's message by."""
    address = channels.get(send.channel).address(person)
    if address is None or send.channel not in ("email", "sms"):
        return None
    if send.channel == "email":
        return domains.domain(address)
    number = None if text is None else len(parts.count(text).parts)
    return destinations.of_launch(send.launch).kept(address, number, chunk.account or send.account)
