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
    return [
        message_row(
            send.tenant,
            people[number].contact_id,
            "sent",
            at,
            send.send_id,
            send.campaign,
            chunk.place.message(number),
            frames.email(
                send.campaign, people[number].contact_id, people[number].email or "", chunk.place.message(number)
            )
            | ({"provider_message_id": provider_id} if provider_id else {}),
            bool(send.publish),
        )
        for number, provider_id in message_ids.items()
        if number in people
    ]
