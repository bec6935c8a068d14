"""From a request to results: who is meant, what is wrong with an event by itself, and what was written."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from drumbeat.accounts import settings
from drumbeat.accounts.settings import Settings
from drumbeat.activity import people, rollups, rules
from drumbeat.activity.recording import Pending, Recorder
from drumbeat.activity.views import BadEvent, EventResult, EventResults, FieldProblem, OneEvent
from drumbeat.contacts.model import Contact
from drumbeat.errors import Detail, Invalid, NotFound, Refusal

_TIMES = {
    "in_the_future": "must not be more than a day in the future",
    "too_old": "must not be before 1970",
}


def record(
    tenant: str,
    events: Sequence[OneEvent | BadEvent],
    *,
    now: datetime,
    new_id: Callable[[int], str],
    create_contacts: bool = False,
    apart: Callable[[OneEvent], bool] = lambda _: False,
    awaited: Callable[[Mapping[int, OneEvent]], Mapping[int, str]] = lambda _: {},
) -> EventResults:
    """Record events, each once by its id; `new_id` names the one at a position that has none. Those that are `apart`
    are only looked at: the caller does something else with them. Of those whose contact is unknown, by position,
    `awaited` gives the ids of the ones that it keeps for later.

    Reads Tenant and the entities of contacts; writes Timeline, RollUp, Event, Order and Contact.
    """
    terms = settings.of(tenant)
    known = people.find(tenant, [event.who for event in events if isinstance(event, OneEvent)])
    results: list[EventResult | None] = []
    pending: dict[str, Pending] = {}
    bad = [_bad(event) if isinstance(event, BadEvent) else _wrong(event, now, terms) for event in events]
    sound = {place: one for place, one in enumerate(events) if bad[place] is None and isinstance(one, OneEvent)}
    kept = awaited({position: event for position, event in sound.items() if event.who not in known})
    for position, event in enumerate(events):
        found = bad[position]
        if found is None and isinstance(event, OneEvent):
            contact = known.get(event.who)
            if contact is None and create_contacts and event.who.email is not None:
                contact = known[event.who] = people.created(tenant, event.who.email, now)
            if contact is None and position in kept:
                found = EventResult(event_id=kept[position], status="waiting", reason="unknown_contact")
            elif contact is None:
                found = EventResult(event_id=event.event_id, status="rejected", reason="unknown_contact")
            else:
                event_id = event.event_id or new_id(position)
                if apart(event):
                    results.append(EventResult(event_id=event_id, status="recorded"))
                    continue
                found = EventResult(event_id=event_id, status="duplicate") if event_id in pending else None
                pending.setdefault(event_id, _pending(event, event_id, contact, now, terms))
        results.append(found)
    Recorder(tenant, terms.currency, known.values()).record(list(pending.values()))
    return _in_order(results, list(pending.values()))


def _bad(event: BadEvent) -> EventResult:
    return EventResult(event_id=event.event_id, status="rejected", reason="invalid", details=event.details)


def _wrong(event: OneEvent, now: datetime, terms: Settings) -> EventResult | None:
    """What is wrong with an event that is well-formed."""
    reason = rules.time_problem(event.occurred_at or now, now)
    problem = FieldProblem(field="occurred_at", message=_TIMES[reason]) if reason else None
    if event.name == rules.PURCHASE and reason is None:
        try:
            rules.purchase(event.properties, terms.currency)
        except rules.NotAPurchase as error:
            reason, problem = error.code, FieldProblem(field=error.field, message=str(error))
    if problem is None:
        return None
    return EventResult(event_id=event.event_id, status="rejected", reason=reason, details=[problem])


def _pending(event: OneEvent, event_id: str, contact: Contact, now: datetime, terms: Settings) -> Pending:
    at = event.occurred_at or now
    bought = rules.purchase(event.properties, terms.currency) if event.name == rules.PURCHASE else None
    day = rollups.day_of(at, terms.time_zone)
    return Pending(event_id, contact.contact_id, event.name, at, day, dict(event.properties), bought)


def _in_order(results: Sequence[EventResult | None], pending: Sequence[Pending]) -> EventResults:
    """The written events fill the places that are still open."""
    written = iter(pending)
    filled = [found or _result(next(written)) for found in results]
    count = [result.status for result in filled].count
    return EventResults(
        results=filled, recorded=count("recorded"), duplicates=count("duplicate"), rejected=count("rejected"),
        waiting=count("waiting"),
    )  # fmt: skip


def _result(one: Pending) -> EventResult:
    return EventResult.model_validate({"event_id": one.event_id, "status": one.status, "reason": one.reason})


def refuse(result: EventResult) -> None:
    """A request with a single event is refused as a whole when that is rejected. Raises NotFound or Invalid."""
    if result.status == "rejected":
        raise _refusal(result)


def _refusal(result: EventResult) -> Refusal:
    if result.reason == "unknown_contact":
        return NotFound("There is no such contact. Create it first, or send create_contacts with an e-mail address.")
    return Invalid(
        "Some fields are not valid; see details.", [Detail(one.field, one.message) for one in result.details]
    )
