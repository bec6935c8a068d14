"""Broken on purpose: sends a chunk and then writes down that it did. Whoever comes between the two sends it again."""

import json
from typing import Any

from drumbeat.channels import ses
from drumbeat.channels.outcomes import CallState, Fate
from drumbeat.contacts import addresses, consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.sends import due, rendering
from drumbeat.sends.ledger import merged
from drumbeat.sends.model import Chunk, ChunkState, Content, Outcome, Place, Send, SendKey


def handler(event: dict[str, Any]) -> dict[str, Any]:
    """The consumer of the queue of due chunks, without a claim."""
    failed = [record for record in event["Records"] if not _send(json.loads(record["body"]))]
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def _send(message: dict[str, Any]) -> bool:
    place = Place(message["tenant"], message["send"], message["shard"], message["number"])
    send, chunk = Send.fetch(*Send.key(place[0], place[1])), Chunk.fetch(*place.chunk_key)
    content, key = Content.fetch(*Content.key(place[0], place[1])), SendKey.fetch(*SendKey.key(place[1]))
    if not (send and chunk and content and key) or chunk.state == ChunkState.DONE:
        return True
    allowed = _allowed(send.tenant, chunk)
    mails = {n: rendering.mail(content, person, place, n, key.secret, 1) for n, person in allowed.items()}
    outcomes = dict.fromkeys((number for number in chunk.to_do if number not in mails), Outcome.NO_CONSENT)
    if mails:
        result = ses.send(rendering.sender(content), None, rendering.template(content), list(mails.values()))
        if result.state != CallState.ANSWERED:
            return False
        answers = zip(mails, result.entries, strict=True)
        outcomes |= {number: Outcome.ACCEPTED for number, entry in answers if entry.fate == Fate.ACCEPTED}
    left = merged(chunk.outcomes, outcomes)
    state = Chunk.state.set(ChunkState.DONE.value)
    Chunk.change_at(
        *place.chunk_key, Chunk.outcomes.set(left), *([] if Outcome.TO_DO in left else [state, *due.nothing()])
    )
    return Outcome.TO_DO not in left


def _allowed(tenant: str, chunk: Chunk) -> dict[int, Contact]:
    found = {person.contact_id: person for person in contacts.many(tenant, chunk.contacts)}
    held = suppressions.many(tenant, [person.email for person in found.values() if person.email])
    allowed = {}
    for number in chunk.to_do:
        person = found[chunk.contacts[number]]
        suppression = held.get(addresses.claim(person.email)) if person.email else None
        if consent.may_market(person, "email", suppression) is None:
            allowed[number] = person
    return allowed
