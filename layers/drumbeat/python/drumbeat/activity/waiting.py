"""Events of customers whose contact is still to come: kept, and recorded once it is there (contacts.customers)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from drumbeat import clock
from drumbeat.activity import intake
from drumbeat.activity.views import OneEvent
from drumbeat.contacts.customers import wanting
from drumbeat.contacts.customers.model import Wish
from drumbeat.contacts.customers.wanting import NewWish
from drumbeat.contacts.model import Contact

KIND = "event"
# What a function that records events declares for those of customers who are not there yet.
WRITES = wanting.WRITES
SENDS = wanting.SENDS


def keep(tenant: str, now: datetime, new_id: Callable[[int], str], events: Mapping[int, OneEvent]) -> dict[int, str]:
    """Keep those of these events, by position, whose customers the tenant's customer system may have; gives their ids
    by position. Their profiles are asked for, all in one."""
    unknown = {position: event for position, event in events.items() if event.who.external_id is not None}
    ids = {position: event.event_id or new_id(position) for position, event in unknown.items()}
    wishes: dict[str | int, list[NewWish]] = {}
    for position, event in unknown.items():
        told = {**event.model_dump(mode="json", exclude_none=True), "event_id": ids[position]}
        told.setdefault("occurred_at", clock.iso(now))
        told.pop("create_contacts", None)
        wishes.setdefault(event.who.external_id or "", []).append(NewWish(KIND, ids[position], told))
    coming = wanting.want(tenant, wishes)
    return {position: ids[position] for position, event in unknown.items() if str(event.who.external_id) in coming}


def record(contact: Contact, wishes: Sequence[Wish]) -> None:
    """Record what was kept, each once by its id."""
    events = [OneEvent.model_validate(wish.wanted) for wish in wishes]
    ids = [str(event.event_id) for event in events]
    intake.record(contact.tenant, events, now=clock.business(), new_id=ids.__getitem__)
