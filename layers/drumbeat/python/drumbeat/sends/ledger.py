"""How outcomes are written down, by whoever learned of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from drumbeat import clock
from drumbeat.activity import frames
from drumbeat.activity.model import Timeline, message_row
from drumbeat.contacts.model import Contact
from drumbeat.segments import definitions
from drumbeat.sends import domains, marks
from drumbeat.sends.model import Chunk, Outcome, Send


def merged(letters: str, found: dict[int, Outcome]) -> str:
    """The outcomes with what was found put in."""
    return "".join(found.get(number, letter) for number, letter in enumerate(letters))


def sent_rows(send: Send, chunk: Chunk, people: dict[int, Contact], message_ids: dict[int, str]) -> list[Timeline]:
    """The timeline rows of accepted mails. Their time is their claim's: writing them again gives the same rows.

    Reads Definitions, Segment.
    """
    asked = definitions.asked(send.tenant)
    rows = []
    for number, provider_id in message_ids.items():
        person = people.get(number)
        if person is None:
            continue
        message = chunk.place.message(number)
        data = frames.email(send.campaign, person.external_id or person.contact_id, person.email or "", message)
        row = message_row(
            send.tenant, person.contact_id, "sent", sent_at(chunk, number), send.send_id, send.campaign, message, data,
            bool(send.publish), asked=asked,
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
        return [Chunk.doubtful.remove(), Chunk.called_at.remove()]
    return [Chunk.doubtful.set({int(number) for number in times}), Chunk.called_at.set(times)]


def facts(chunk: Chunk, people: Mapping[int, Contact], accepted: Iterable[int]) -> list[Any]:
    """What the write of outcomes also keeps with the chunk, for results: whose domains the recipients' are, and how
    many mails were accepted in the hours of their claims."""
    actions: list[Any] = []
    if addresses := {number: person.email for number, person in people.items() if person.email}:
        actions.append(Chunk.domains.set(domains.merged(chunk.domains, len(chunk.outcomes), addresses)))
    hours = Counter(str(marks.hour_of(sent_at(chunk, number))) for number in accepted)
    if hours:
        hours.update(chunk.hours or {})
        actions.append(Chunk.hours.set(dict(hours)))
    return actions
