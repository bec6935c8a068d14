"""What a wake does: acts for its members until none is left.

It may run twice, at the same time, or die anywhere. Whatever it does for a member is on condition that nothing has
happened to the entry since it was read; whoever was moved by somebody else is left to them. A message is handed over in
the transaction that moves the entry past its step, so nobody is handed over twice.
"""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any

from drumbeat import clock
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.journeys import lifecycle, wakes
from drumbeat.journeys.acting import Acting
from drumbeat.journeys.entries import Entry, State
from drumbeat.journeys.model import Journey, Status
from drumbeat.journeys.sending import NotSendable
from drumbeat.journeys.wakes import Wake
from drumbeat.logs import logger
from drumbeat.sends import environment

# Members that act together: as many as one read of contacts takes.
TOGETHER = 100


def advance(state: dict[str, Any]) -> dict[str, Any]:
    """The task of a wake's machine: `tenant`, `journey` and `wake` in; the same, `done` and `wait_seconds` out."""
    wake = Wake.fetch(*Wake.key(state["tenant"], state["journey"], state["wake"]))
    if wake is None or wake.done_at is not None or not environment.is_home():
        return {**state, "done": True}  # once restored data is adopted, a sweep starts its wakes again
    early = ceil((wake.due_at - clock.business()).total_seconds())
    if early > 0:
        return {**state, "done": False, "wait_seconds": early}
    journey = Journey.fetch(*Journey.key(wake.tenant, wake.journey_id))
    if journey is not None and journey.status == Status.PAUSED and _held(wake):
        return {**state, "done": True}
    wakes.close(wake)
    try:
        _act(wake, journey)
    except NotSendable as refused:
        logger.warning("a journey pauses", extra={"journey": wake.journey_id, "reason": refused.reason})
        lifecycle.pause_itself(wake.tenant, wake.journey_id, refused.reason)
        wakes.hold(wake)
        return {**state, "done": True}
    wakes.finish(wake)
    return {**state, "done": True}


def _held(wake: Wake) -> bool:
    """Keep the wake for its journey's resumption, unless that came at the same time: it may have missed this wake."""
    wakes.hold(wake)
    again = Journey.fetch(*Journey.key(wake.tenant, wake.journey_id))
    return again is not None and again.status == Status.PAUSED


def _act(wake: Wake, journey: Journey | None) -> None:
    acting = Acting(journey, wake)
    try:
        _act_for_members(wake, acting)
    finally:  # those who have moved are looked after, whatever became of the others
        acting.hand_on()


def _act_for_members(wake: Wake, acting: Acting) -> None:
    keys = [row.entry_key for row in wakes.members(wake)]
    for place in range(0, len(keys), TOGETHER):
        found = Entry.many(keys[place : place + TOGETHER])
        _find_again([entry for entry in found if entry.wake != wake.place])
        left = [entry for entry in found if _is_here(entry, wake)]
        people = _contacts(wake.tenant, left)
        while left:
            again = acting.act(left, people)
            found = Entry.many((one.pk, one.sk) for one in again)
            _find_again([entry for entry in found if entry.wake != wake.place])
            left = [entry for entry in found if _is_here(entry, wake)]
            people = _contacts(wake.tenant, left)


def _is_here(entry: Entry, wake: Wake) -> bool:
    return bool(entry.state == State.WAITING and entry.wake == wake.place)


def _contacts(tenant: str, entries: Iterable[Entry]) -> dict[str, Contact]:
    return {one.contact_id: one for one in contacts.many(tenant, [entry.contact_id for entry in entries])}


def _find_again(elsewhere: Sequence[Entry]) -> None:
    """Whoever was moved by a run that died right then may wait in a wake that had closed before: they wait in the next
    minute."""
    waiting = [entry for entry in elsewhere if entry.state == State.WAITING and entry.wake]
    places = {(entry.tenant, entry.journey_id, entry.wake) for entry in waiting}
    closed = {
        (wake.tenant, wake.journey_id, wake.place)
        for wake in Wake.many(Wake.key(tenant, journey, str(place)) for tenant, journey, place in places)
        if wake.closed_at is not None
    }
    lost = [entry for entry in waiting if (entry.tenant, entry.journey_id, entry.wake) in closed]
    for version in {int(entry.version) for entry in lost}:
        wakes.move([entry for entry in lost if int(entry.version) == version], clock.business())
