"""Settled by asking: where a provider tells what it has accepted, a message in doubt need not wait for its events.

Before such a call the chunk keeps an imprint of what it says, so that the message is known again even if the worker
died. The provider's answer is the truth of what it has; what it does not have was not sent.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial

from drumbeat import channels, clock, providers
from drumbeat.channels import Question
from drumbeat.channels.outcomes import Entry, Fate
from drumbeat.contacts import model as contacts
from drumbeat.errors import NotFound
from drumbeat.sends import ledger, provider_messages
from drumbeat.sends.model import Chunk, Send

# Wall time after which it is asked first, and then again when twice as much has passed.
FIRST_ASK = timedelta(seconds=10)


def possible(send: Send) -> bool:
    """Whether the send's provider can be asked."""
    return channels.provider(send.channel, send.provider).ask is not None


def answers(send: Send, chunk: Chunk, numbers: Iterable[int]) -> dict[int, Entry]:
    """What the provider says of recipients in doubt, by number: ACCEPTED, or AGAIN for whom nothing was sent for sure.
    Nothing about whom it cannot tell of, and none where nobody can be asked. Writes ProviderMessage."""
    imprints: Mapping[str, str] = chunk.imprints or {}
    asked = [number for number in numbers if str(number) in imprints]
    try:
        return _answers(send, chunk, asked, imprints) if asked else {}
    except NotFound:  # the account was deleted since, or its credentials are gone
        return {}


def _answers(send: Send, chunk: Chunk, asked: list[int], imprints: Mapping[str, str]) -> dict[int, Entry]:
    account = providers.account(send.tenant, send.channel, chunk.account or send.account)
    ask = channels.provider(account.channel, account.provider).ask
    if ask is None:
        return {}
    everyone, channel = chunk.contacts, channels.get(send.channel)
    found = {person.contact_id: person for person in contacts.many(send.tenant, [everyone[n] for n in asked])}
    people = {number: found[everyone[number]] for number in asked if everyone[number] in found}
    addressed = {number: address for number, person in people.items() if (address := channel.address(person))}
    questions = {
        number: Question(
            address, imprints[str(number)], clock.wall_time_of(ledger.sent_at(chunk, number)),
            partial(_is_of_another, chunk, number),
        )
        for number, address in addressed.items()
    }  # fmt: skip
    told = ask(account, list(questions.values()))
    result = {number: told[place] for place, number in enumerate(questions) if place in told}
    # Who was changed since may have another address by now, of which the provider knows nothing.
    return {
        number: entry for number, entry in result.items()
        if entry.fate == Fate.ACCEPTED or people[number].updated_at <= ledger.sent_at(chunk, number)
    }  # fmt: skip


def _is_of_another(chunk: Chunk, number: int, provider_id: str) -> bool:
    return not provider_messages.take(chunk.place, number, provider_id)
