"""What people did who are in a journey, or in its holdout group: both by the same measure, whether they got a message
or not, so that the two can be compared (intention to treat).

A journey with a goal converts by its event, within the goal's time after entering; one without by purchases, within the
tenant's lookback window. An event counts for the latest entry before it, so once. Where people are compared, each
counts by the first entry and its whole time: members may enter again, and the holdout group does not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from drumbeat import clock, table
from drumbeat.accounts.settings import Settings
from drumbeat.activity.model import Timeline
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.journeys import leaving, looking
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.steps import Definition
from drumbeat.journeys.tallies import Conversion
from drumbeat.journeys.terms import TermGoal
from drumbeat.journeys.versions import Versions

PURCHASE = "purchase"
# The event type of timeline rows of orders that count (activity.purchases).
PURCHASED = "contact.purchased"
_NOTHING = Conversion()


class Window(NamedTuple):
    """When an event counts for an entry: after `start`, until `end`."""

    start: datetime
    end: datetime


def of(entries: Sequence[Entry], versions: Versions, about: Settings) -> dict[str, Conversion]:
    """The conversion of each entry, by its key. Reads Entry, JourneyVersion, Contact, Timeline."""
    if not entries:
        return {}
    people = {one.contact_id: one for one in contacts.many(entries[0].tenant, {one.contact_id for one in entries})}
    later = _next_entries([one for one in entries if _returns(versions.of(int(one.version))[0])])
    found: dict[str, Conversion] = {}
    for entry in entries:
        definition, _ = versions.of(int(entry.version))
        person = people.get(entry.contact_id)
        if person is None:
            found[entry.pk + entry.sk] = replace(_NOTHING, person=_NOTHING if entry.number == 1 else None)
            continue
        again = later.get((entry.contact_id, entry.number + 1))
        told = _conversion(person, _window(entry, again, definition, about), entry, definition, about)
        if entry.number == 1:
            whole = _window(entry, None, definition, about)
            told = replace(told, person=_conversion(person, whole, entry, definition, about) if again else told)
        found[entry.pk + entry.sk] = told
    return found


def longest(definition: Definition, about: Settings) -> timedelta:
    """After this nothing counts any more for an entry of the version."""
    return definition.terms.goal.within if definition.terms.goal else timedelta(days=about.lookback_days)


def _returns(definition: Definition) -> bool:
    """Whether a contact may be in the journey more than once."""
    return definition.terms.re_entry != "never"


def _next_entries(entries: Sequence[Entry]) -> dict[tuple[str, int], Entry]:
    keys = [Entry.key(one.tenant, one.journey_id, one.contact_id, one.number + 1) for one in entries]
    return {(one.contact_id, one.number): one for one in Entry.many(keys, consistent=False)}


def _window(entry: Entry, later: Entry | None, definition: Definition, about: Settings) -> Window:
    end = entry.entered_at + longest(definition, about)
    return Window(entry.caused_at, min(end, later.caused_at) if later else end)


def _conversion(person: Contact, window: Window, entry: Entry, definition: Definition, about: Settings) -> Conversion:
    goal = definition.terms.goal
    if goal is None or goal.event == PURCHASE:
        bought = person.last_purchase_at
        if bought is None or bought < window.start:
            return _NOTHING  # and nobody need read the timeline
    rows = _rows(person, window, entry)
    found = _purchases(rows) if goal is None else _goals(rows, goal, about)
    values = list(found)
    revenue: Counter[str] = Counter()
    for value in values:
        revenue.update(value)
    return Conversion(len(values), revenue)


def _rows(person: Contact, window: Window, entry: Entry) -> Iterator[Timeline]:
    """What happened in the window, besides what let the entry in."""
    pk = Timeline.partition(person.tenant, person.contact_id)
    found = table.rows(Timeline, pk, start=clock.iso(window.start), end=clock.iso(window.end) + "~", consistent=False)
    return (row for row in found if row.event_id != entry.cause and not row.machine)


def _purchases(rows: Iterator[Timeline]) -> Iterator[Mapping[str, int]]:
    for row in rows:
        if row.event_type == PURCHASED:
            yield {row.data["currency"]: int(row.data["value_minor"])}


def _goals(rows: Iterator[Timeline], goal: TermGoal, about: Settings) -> Iterator[Mapping[str, int]]:
    for row in rows:
        event = looking.event_of(row)
        if row.name != goal.event or not looking.fits(event, goal.filters, row.at, about):
            continue
        if row.event_type == PURCHASED:
            yield {row.data["currency"]: int(row.data["value_minor"])}
        else:
            told = leaving.as_goal(event, about.currency)
            yield {told["currency"]: told["value"]} if "value" in told else {}
