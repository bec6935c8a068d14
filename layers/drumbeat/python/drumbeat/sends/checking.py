"""Whom we must not write to, looked at when a chunk is claimed and not when it was planned; and again before the call,
should it have taken long to get there.

An opt-out must hold a minute after it was made. A call may take `ses.READ_TIMEOUT` and a few seconds to connect; so the
time between the look and the call is bounded by `FRESH`.
"""

from datetime import datetime, timedelta

from drumbeat import channels, clock
from drumbeat.channels import Channel, Message
from drumbeat.contacts import addresses, consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.logs import counted
from drumbeat.sends import states
from drumbeat.sends.claims import Work
from drumbeat.sends.model import Outcome, Send, SendState
from drumbeat.sends.moment import frequency, looking, terms

# Wall time for which what was read of the send and its recipients may be acted on.
FRESH = timedelta(seconds=10)
LOOKS = 3
_BLOCKED = {
    "no_consent": Outcome.NO_CONSENT,
    "not_confirmed": Outcome.NOT_CONFIRMED,
    "revoked": Outcome.REVOKED,
    "no_address": Outcome.NO_ADDRESS,
}


def check(work: Work) -> None:
    """Read the recipients as they are now and leave out whom we must not write to."""
    everyone = work.chunk.contacts
    found = {contact.contact_id: contact for contact in contacts.many(work.send.tenant, everyone)}
    open_ones = work.chunk.sendable
    present = {number: found[everyone[number]] for number in open_ones if everyone[number] in found}
    channel = channels.get(work.send.channel)
    reached = [address for person in present.values() if (address := channel.address(person))]
    held = suppressions.many(work.send.tenant, reached) if channel.consent else {}
    work.people = {}
    work.waiting = {number: (why, until) for number, (why, until) in work.waiting.items() if why == looking.FULL}
    for number in open_ones:
        person = present.get(number)
        outcome, reason = _refused(person, held, channel, work.send.purpose)
        if outcome is None and person is not None:
            outcome, reason = _at_this_moment(work, number, person)
        if outcome is None and person is not None and number not in work.waiting:
            work.people[number] = person
        elif outcome is not None:
            work.outcomes[number] = outcome
            if reason:
                work.notes[number] = reason


def _at_this_moment(work: Work, number: int, person: Contact) -> tuple[Outcome | None, str | None]:
    """Whether it is the right moment for somebody whom nothing else keeps from getting it; who waits, is noted."""
    found = looking.look(work.send, work.chunk, number, person, clock.business())
    if found.until is not None:
        work.waiting[number] = looking.QUIET, found.until
    return found.outcome, found.note


def _refused(
    person: Contact | None, held: dict[str, Suppression], channel: Channel, purpose: str
) -> tuple[Outcome | None, str | None]:
    if person is None:
        return Outcome.GONE, None
    address = channel.address(person)
    suppression = held.get(addresses.claim(address)) if address else None
    reason = consent.obstacle(person, address, channel.consent, purpose, suppression)
    if reason is None:
        return None, None
    if reason.startswith("suppressed"):
        return Outcome.SUPPRESSED, reason.partition(":")[2]
    return _BLOCKED[reason], None


def with_room(work: Work, chosen: list[int], now: datetime) -> list[int]:
    """Those who have not had enough marketing yet, each with a place for its message; who has gets it when there is
    room again, or never, as the send says."""
    people = {number: work.people[number] for number in chosen}
    full = frequency.take(work.send, work.chunk, people, work.placed, now)
    for number, until in full.items():
        if terms.waits_for_room(work.send) and until <= (work.send.expires_at or until):
            work.waiting[number] = looking.FULL, until
        else:
            work.outcomes[number] = Outcome.FREQUENCY_CAP
    return [number for number in chosen if number not in full]


def still_true(work: Work, mails: dict[int, Message]) -> dict[int, Message]:
    """The messages that may leave now. When more than `FRESH` has passed since the send and its recipients were read,
    they are read again: none for a send that was paused or ended, or if each look takes as long."""
    for _ in range(LOOKS):
        if clock.wall() - work.seen_at <= FRESH:
            return mails
        counted("LateCalls")
        work.seen_at = clock.wall()
        send = Send.fetch(*Send.key(work.send.tenant, work.send.send_id))
        if send is None or send.state != SendState.SENDING or states.is_expired(send):
            return {}
        channel = channels.get(work.send.channel)
        tracked = {number: person.tracking is not False for number, person in work.people.items()}
        check(work)
        # Whose message is another one by now is left for the next claim; of one call all are tracked, or none is.
        mails = {
            number: mail for number, mail in mails.items()
            if (person := work.people.get(number)) is not None
            and (channel.address(person), person.tracking is not False) == (mail.to, tracked[number])
        }  # fmt: skip
    return {}
