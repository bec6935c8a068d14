"""Customers who are to enter a journey and whose contact is still to come (drumbeat.contacts.customers)."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

from drumbeat import clock
from drumbeat.contacts.customers import wanting
from drumbeat.contacts.customers.model import Wish
from drumbeat.contacts.customers.wanting import NewWish
from drumbeat.contacts.model import Contact
from drumbeat.errors import NotFound
from drumbeat.journeys import enrolments, model
from drumbeat.journeys.model import Journey, Status
from drumbeat.segments.views import MembersNamed

KIND = "journey"


def keep(journey: Journey, named: MembersNamed, unknown: Iterable[str | int], cause: str) -> list[str | int]:
    """Those of the unknown whom the customer system may have: they enter once their profiles have been read. Writes
    `wanting.WRITES`, sends `wanting.SENDS`."""
    theirs = [one for one in unknown if one in named.external_ids]
    wish = NewWish(KIND, f"{journey.journey_id}#{cause}", {"journey": journey.journey_id, "cause": cause})
    coming = wanting.want(journey.tenant, {one: [wish] for one in theirs})
    return [one for one in theirs if str(one) in coming]


def enter(contact: Contact, wishes: Sequence[Wish]) -> None:
    """Let somebody in who was awaited, once for what let them in; not into a journey that has ended since."""
    for wish in wishes:
        with suppress(NotFound):
            journey = model.get(contact.tenant, str(wish.wanted["journey"]))
            if journey.status in (Status.ACTIVE, Status.PAUSED):
                cause = f"{wish.wanted['cause']}:{contact.contact_id}"
                enrolments.named(journey, [contact.contact_id], cause, clock.business())
