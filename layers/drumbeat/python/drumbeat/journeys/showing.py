"""Who is in a journey, and where a contact is: what happened at each step and why, and when the next one comes."""

from collections.abc import Iterable
from datetime import datetime

from drumbeat import lists, table
from drumbeat.campaigns import recipients
from drumbeat.contacts import model as contacts
from drumbeat.fields import Listing, Page
from drumbeat.journeys import awaiting, enrolments, entries
from drumbeat.journeys.entries import SHARDS, Entry
from drumbeat.journeys.model import Journey, Status
from drumbeat.journeys.triggering import Became
from drumbeat.journeys.views import (
    ContactInJourney,
    Enrolled,
    EntryQuery,
    EntryView,
    MessageRecord,
    entry_view,
    place_of,
)
from drumbeat.segments import static_lists
from drumbeat.segments.views import MembersNamed

# Entries of one contact that are shown at once, and counted at most of a journey's shard.
MOST_SHOWN, MOST_COUNTED = 50, 5_000


def page(journey: Journey, query: EntryQuery) -> Page[EntryView]:
    """Entries, the latest first. With a filter at most 10,000 are read, and the total says so."""
    paused, number = journey.status == Status.PAUSED, 1
    parts = [Entry.listing(journey.tenant, journey.journey_id, shard) for shard in range(SHARDS)]
    if query.contact_id is not None:  # of all journeys: nobody is in so many
        parts, number = [Entry.entered(journey.tenant, query.contact_id)], 3
    filtered = any(one is not None for one in (query.state, query.step, query.contact_id))
    sizes = [] if filtered else [table.count(part, number=1, most=MOST_COUNTED) for part in parts]
    listed = lists.page(
        Entry, parts, query, total=lambda: sum(sizes),
        keep=(lambda one: _wanted(one, journey, query)) if filtered else None, number=number,
    )  # fmt: skip
    shown_page = lists.shown(listed, lambda one: entry_view(one, paused))
    exact = listed.total_count_exact and all(size <= MOST_COUNTED for size in sizes)
    return shown_page.model_copy(update={"total_count_exact": exact})


def _wanted(entry: Entry, journey: Journey, query: EntryQuery) -> bool:
    if entry.journey_id != journey.journey_id:
        return False
    return query.state in (None, entry.state) and query.step in (None, entry.step)


def enrolled(journey: Journey, named: MembersNamed, cause: str, now: datetime) -> Enrolled:
    """Let named contacts in, once for a cause. Raises WrongStatus."""
    journey.require(Status.ACTIVE, Status.PAUSED)
    found, unknown = static_lists.named(journey.tenant, named)
    counts = dict(enrolments.named(journey, found, cause, now).counts) if found else {}
    entered, held_out = counts.pop(Became.ENTERED, 0), counts.pop(Became.HOLDOUT, 0)
    awaited = awaiting.keep(journey, named, unknown, cause)
    return Enrolled(entered=entered, held_out=held_out, not_entered=counts, unknown=unknown, awaited=awaited)


def of_contact(journey: Journey, contact_id: str) -> ContactInJourney:
    """A contact in one journey, with what became of its messages. Raises NotFound for a contact that there is not."""
    found = list(entries.of(journey.tenant, journey.journey_id, contact_id))
    if not found:
        contacts.get(journey.tenant, contact_id)
    return _shown(journey, contact_id, found[:MOST_SHOWN])


def journeys_of(tenant: str, contact_id: str, query: Listing) -> Page[ContactInJourney]:
    """The entries of a contact in all journeys, the latest first; one item an entry. Raises NotFound."""
    contacts.get(tenant, contact_id)
    part = Entry.entered(tenant, contact_id)
    listed = lists.page(Entry, [part], query, total=lambda: table.count(part, number=3), number=3)
    keys = {one.journey_id: Journey.key(tenant, one.journey_id) for one in listed.items}
    known = {journey.journey_id: journey for journey in Journey.many(keys.values())}
    items = [_shown(known[one.journey_id], contact_id, [one]) for one in listed.items if one.journey_id in known]
    return Page(items=items, total_count=listed.total_count, limit=listed.limit, next_cursor=listed.next_cursor)


def _shown(journey: Journey, contact_id: str, found: list[Entry]) -> ContactInJourney:
    messages, paused = _messages(journey.tenant, found), journey.status == Status.PAUSED
    return ContactInJourney(
        journey_id=journey.journey_id, journey_name=journey.name, journey_status=journey.status, contact_id=contact_id,
        inside=any(one.is_open for one in found), entries=[entry_view(one, paused, messages) for one in found],
    )  # fmt: skip


def _messages(tenant: str, found: Iterable[Entry]) -> dict[str, MessageRecord]:
    """What became of the messages of these entries, by id."""
    places = [place_of(tenant, said["message"]) for one in found for said in one.said if said.get("message")]
    return {
        one.message_id: MessageRecord(
            message_id=one.message_id, outcome=one.outcome, reason=one.reason, held_until=one.held_until,
            events=one.events,
        )
        for one in recipients.of_messages(tenant, places)
    }  # fmt: skip
