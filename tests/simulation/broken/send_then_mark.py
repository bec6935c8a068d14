"""Broken on purpose: sends a chunk and then writes down that it did. Whoever comes between the two sends it again."""

import json
from typing import Any

from drumbeat.channels import Call
from drumbeat.channels.email import ses
from drumbeat.channels.outcomes import CallState, Fate
from drumbeat.contacts import addresses, consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.sends import due, rendering, senders
from drumbeat.sends.ledger import merged
from drumbeat.sends.model import Chunk, ChunkState, Content, Outcome, Place, SendKey

OUTCOMES = {
    "no_consent": Outcome.NO_CONSENT, "revoked": Outcome.REVOKED, "no_address": Outcome.NO_ADDRESS,
    "gone": Outcome.GONE,
}  # fmt: skip


def handler(event: dict[str, Any]) -> dict[str, Any]:
    """The consumer of the queue of due chunks, without a claim."""
    failed = [record for record in event["Records"] if not send_chunk(json.loads(record["body"]))]
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def send_chunk(message: dict[str, Any]) -> bool:
    """Send, then mark; whether nobody is left."""
    place = Place(message["tenant"], message["send"], message["shard"], message["number"])
    chunk = Chunk.fetch(*place.chunk_key)
    if chunk is None or chunk.state == ChunkState.DONE:
        return True
    outcomes = called(place, chunk)
    if outcomes is None:
        return False
    left = merged(chunk.outcomes, outcomes)
    state = Chunk.state.set(ChunkState.DONE.value)
    Chunk.change_at(
        *place.chunk_key, Chunk.outcomes.set(left), *([] if Outcome.TO_DO in left else [state, *due.nothing()])
    )
    return Outcome.TO_DO not in left


def called(place: Place, chunk: Chunk) -> dict[int, Outcome] | None:
    """Make the call, and give what became of whom; None when the call failed."""
    tenant, send_id, _, _ = place
    content, key = Content.fetch(*Content.key(tenant, send_id)), SendKey.fetch(*SendKey.key(send_id))
    if content is None or key is None:
        return None
    allowed, outcomes = _allowed(tenant, chunk)
    mails = {n: rendering.message(content, person, place, n, key.secret, 1) for n, person in allowed.items()}
    if mails:
        result = ses.send(
            Call(senders.OWN, rendering.sender(content), rendering.template(content), list(mails.values()))
        )
        if result.state != CallState.ANSWERED:
            return None
        answers = zip(mails, result.entries, strict=True)
        outcomes |= {number: Outcome.ACCEPTED for number, entry in answers if entry.fate == Fate.ACCEPTED}
    return outcomes


def _allowed(tenant: str, chunk: Chunk) -> tuple[dict[int, Contact], dict[int, Outcome]]:
    """Whom we may write to, and why not to the others."""
    found = {person.contact_id: person for person in contacts.many(tenant, chunk.contacts)}
    held = suppressions.many(tenant, [person.email for person in found.values() if person.email])
    allowed: dict[int, Contact] = {}
    others: dict[int, Outcome] = {}
    for number in chunk.to_do:
        person = found.get(chunk.contacts[number])
        suppression = held.get(addresses.claim(person.email)) if person and person.email else None
        reason = consent.may_market(person, "email", suppression) if person else "gone"
        if person and reason is None:
            allowed[number] = person
        else:
            others[number] = OUTCOMES.get(str(reason), Outcome.SUPPRESSED)
    return allowed, others
