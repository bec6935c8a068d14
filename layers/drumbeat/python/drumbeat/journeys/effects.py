"""What steps do besides messages, each once: in the transaction that moves the entry on, or under a key of its own."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from pynamodb.expressions.update import Action

from drumbeat import clock, ids
from drumbeat.contacts import changes
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import MOST_TAGS
from drumbeat.errors import Refusal
from drumbeat.events import outbox
from drumbeat.journeys.deeds import AddToSegment, AwardPoints, Effect, Enrol, UpdateContact
from drumbeat.journeys.entries import Entry, Outcome
from drumbeat.segments import static_lists
from drumbeat.segments.values import number
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

POINTS = "points.award_requested"
# A contact that others change all the time is tried again so often.
TRIES = 20
# Lets a contact enter a journey: (tenant, journey, contact, cause, its trigger) -> whether it did.
Enrols = Callable[[str, str, str, str, dict[str, Any]], str]
# An entry that was enrolled by an entry that was enrolled …: further it does not go.
DEEPEST = 10


class Moved(NamedTuple):
    """The update that moves an entry on, once it is known what became of the step."""

    actions: Callable[[Outcome, str], list[Action]]
    entry: Entry

    def into(self, transaction: Transaction, outcome: Outcome, why: str = "") -> None:
        entry = self.entry
        transaction.update(Entry, entry.pk, entry.sk, self.actions(outcome, why), entry.as_it_was())

    def alone(self, outcome: Outcome, why: str = "") -> bool:
        entry = self.entry
        try:
            entry.change(*self.actions(outcome, why), condition=entry.as_it_was())
        except ConditionFailed:
            return False
        return True


def do(step: Effect, moved: Moved, contact: Contact, enrols: Enrols, now: datetime) -> bool:
    """Do it and move the entry on; False when somebody else has moved it. A refusal is written down, and the entry goes
    on without the step's effect."""
    entry = moved.entry
    match step:
        case UpdateContact():
            return _update(step, moved, contact, now)
        case AddToSegment():
            try:
                static_lists.add_members(entry.tenant, step.segment, [entry.contact_id], now)
            except Refusal as refused:
                return moved.alone(Outcome.FAILED, refused.message)
            return moved.alone(Outcome.DONE, step.segment)
        case AwardPoints():
            return _award(step, moved, now)
        case Enrol():
            depth = int((entry.trigger or {}).get("depth", 0)) + 1
            if depth > DEEPEST:
                return moved.alone(Outcome.REFUSED, f"{DEEPEST} journeys have enrolled one another")
            # The same for each try of this visit of the step, whatever moves the entry meanwhile.
            cause = ids.derived("cau", entry.entry_id, step.id, clock.iso(entry.since))
            said = {"journey_id": entry.journey_id, "step": step.id, "depth": depth}
            try:
                became = enrols(entry.tenant, step.journey, entry.contact_id, cause, said)
            except Refusal as refused:
                return moved.alone(Outcome.REFUSED, refused.message)
            return moved.alone(Outcome.DONE if became == "entered" else Outcome.REFUSED, f"{step.journey}: {became}")


def _update(step: UpdateContact, moved: Moved, contact: Contact, now: datetime) -> bool:
    """Contact and entry change together, so that a number is raised once."""
    entry, stored = moved.entry, contact
    for _ in range(TRIES):
        try:
            wanted = changes.merged(stored.attributes or {}, changed(step, stored.attributes or {}))
        except Refusal as refused:
            return moved.alone(Outcome.FAILED, refused.message)
        transaction = Transaction().update(
            Contact, *Contact.key(entry.tenant, entry.contact_id),
            [Contact.attributes.set(wanted), Contact.updated_at.set(now), *tagged(step, stored.tags or set())],
            stored.unchanged(),
        )  # fmt: skip
        moved.into(transaction, Outcome.DONE)
        try:
            transaction.commit()
        except TransactionRefused as refused:
            if refused.found[1] is not None:
                return False
            found = refused.found[0]
            if not found:
                return True  # the contact is gone: the next look at the entry ends it
            stored = Contact.from_raw_data(found)
            continue
        return True
    return moved.alone(Outcome.FAILED, "the contact is being changed by others all the time")


def tagged(step: UpdateContact, tags: set[str]) -> list[Action]:
    """What a step does to the contact's tags; beyond the most that a contact may have it adds none."""
    wanted = (tags | set(step.add_tags)) - set(step.remove_tags)
    if wanted == tags or len(wanted) > MOST_TAGS:
        return []
    return [Contact.tags.set(wanted) if wanted else Contact.tags.remove()]


def changed(step: UpdateContact, attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes that a step changes, with what they are to be; None is none. What is no number counts as 0."""
    raised = {
        name: _plain(number(attributes.get(name)) or 0) + by for name, by in step.increment.items()
    }  # fmt: skip
    return {**step.set, **dict.fromkeys(step.unset), **raised}


def _plain(value: Any) -> int | float:
    return value if isinstance(value, int) else float(value)


def _award(step: AwardPoints, moved: Moved, now: datetime) -> bool:
    entry = moved.entry
    cause = f"{entry.entry_id}#{step.id}#{int(entry.moves)}"
    data = {
        "contact_id": entry.contact_id, "points": step.points, "reason": step.reason, "journey_id": entry.journey_id,
        "step": step.id,
    }  # fmt: skip
    transaction = Transaction().put(outbox(POINTS, entry.tenant, cause, now, data))
    moved.into(transaction, Outcome.DONE, f"{step.points} points")
    try:
        transaction.commit()
    except TransactionRefused:
        return False
    return True
