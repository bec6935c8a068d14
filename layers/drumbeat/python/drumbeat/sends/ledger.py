"""How outcomes are written down, by whoever learned of them."""

from drumbeat import clock
from drumbeat.activity import frames
from drumbeat.activity.model import Timeline, message_row
from drumbeat.contacts.model import Contact
from drumbeat.sends.model import Chunk, Outcome, Send


def merged(letters: str, found: dict[int, Outcome]) -> str:
    """The outcomes with what was found put in."""
    return "".join(found.get(number, letter) for number, letter in enumerate(letters))


def sent_rows(send: Send, chunk: Chunk, people: dict[int, Contact], message_ids: dict[int, str]) -> list[Timeline]:
    """The timeline rows of accepted mails. Their time is the claim's: writing them again gives the same rows."""
    at = chunk.claimed_at or clock.business()
    rows = []
    for number, provider_id in message_ids.items():
        person = people.get(number)
        if person is None:
            continue
        message = chunk.place.message(number)
        data = frames.email(send.campaign, person.external_id or person.contact_id, person.email or "", message)
        row = message_row(
            send.tenant, person.contact_id, "sent", at, send.send_id, send.campaign, message, data, bool(send.publish)
        )
        row.properties = {"provider_message_id": provider_id} if provider_id else None
        rows.append(row)
    return rows
