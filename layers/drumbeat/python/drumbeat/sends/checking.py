"""Whom we must not write to, looked at when a chunk is claimed and not when it was planned; and again before the call,
should it have taken long to get there.

An opt-out must hold a minute after it was made. A call may take `ses.READ_TIMEOUT` and a few seconds to connect; so the
time between the look and the call is bounded by `FRESH`.
"""

from datetime import timedelta

from drumbeat import clock
from drumbeat.channels.ses import Mail
from drumbeat.contacts import addresses, consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.logs import counted
from drumbeat.sends import states
from drumbeat.sends.claims import Work
from drumbeat.sends.model import Outcome, Send, SendState

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
    held = suppressions.many(work.send.tenant, [person.email for person in present.values() if person.email])
    work.people = {}
    for number in open_ones:
        person = present.get(number)
        outcome, reason = _refused(person, held)
        if outcome is None and person is not None:
            work.people[number] = person
        elif outcome is not None:
            work.outcomes[number] = outcome
            if reason:
                work.notes[number] = reason


def _refused(person: Contact | None, held: dict[str, Suppression]) -> tuple[Outcome | None, str | None]:
    if person is None:
        return Outcome.GONE, None
    suppression = held.get(addresses.claim(person.email)) if person.email else None
    reason = consent.may_market(person, "email", suppression)
    if reason is None:
        return None, None
    if reason.startswith("suppressed"):
        return Outcome.SUPPRESSED, reason.partition(":")[2]
    return _BLOCKED[reason], None


def still_true(work: Work, mails: dict[int, Mail]) -> dict[int, Mail]:
    """The mails that may leave now. When more than `FRESH` has passed since the send and its recipients were read, they
    are read again: none for a send that was paused or ended, or if each look takes as long."""
    for _ in range(LOOKS):
        if clock.wall() - work.seen_at <= FRESH:
            return mails
        counted("LateCalls")
        work.seen_at = clock.wall()
        send = Send.fetch(*Send.key(work.send.tenant, work.send.send_id))
        if send is None or send.state != SendState.SENDING or states.is_expired(send):
            return {}
        tracked = {number: person.tracking is not False for number, person in work.people.items()}
        check(work)
        # Whose mail is another one by now is left for the next claim; of one call all are tracked, or none is.
        mails = {
            number: mail for number, mail in mails.items()
            if (person := work.people.get(number)) is not None
            and (person.email, person.tracking is not False) == (mail.to, tracked[number])
        }  # fmt: skip
    return {}
