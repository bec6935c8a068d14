"""What a walk asks about a contact, read when it is asked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat import clock, table
from drumbeat.accounts.settings import Settings
from drumbeat.activity.model import Timeline
from drumbeat.contacts.model import Contact
from drumbeat.journeys.rules import Event
from drumbeat.segments import people, rules
from drumbeat.segments.behaviour import PropertyCondition
from drumbeat.segments.facts import Facts
from drumbeat.segments.rules import Needs
from drumbeat.sends.model import Place, Stat
from drumbeat.sends.moment import places

# What a message must show to have been received, opened or clicked.
_SIGNS = {"received": "delivered", "opened": "opened", "clicked": "clicked"}


class Person:
    """A contact as it is now. Reads RollUp, Timeline, Member, Stat."""

    def __init__(self, contact: Contact, about: Settings, now: datetime) -> None:
        self.contact, self.about, self.now = contact, about, now

    @cached_property
    def zone(self) -> str:
        """The zone on record; else the first that the telephone number or the country may be in; else the tenant's."""
        return places.of(self.contact, self.about.time_zone, None).zones[0]

    @cached_property
    def _facts(self) -> Facts:
        return people.facts_of(self.contact, self.about, {})

    def fits(self, criteria: Mapping[str, Any]) -> bool:
        """As `rules.Look.fits`; in the tenant's zone, as segments are evaluated."""
        read = rules.parse(criteria)
        wanted, facts = rules.references(read), self._facts
        tenant, contact_id = self.contact.tenant, self.contact.contact_id
        if wanted.needs != Needs():
            found = people.load(tenant, [contact_id], wanted.needs, self.about)
            facts = found[contact_id].facts if contact_id in found else facts
        if wanted.segments:
            inside = people.segments(tenant, [contact_id], wanted.segments)
            facts = people.within(facts, inside.get(contact_id, set()))
        return rules.matches(read, facts, self.now, ZoneInfo(self.about.time_zone))

    def did(self, activity: str, message: Sequence[Any]) -> bool:
        """As `rules.Look.did`."""
        send_id, shard, chunk, number = message
        stat = Stat.fetch(*Place(self.contact.tenant, send_id, int(shard), int(chunk)).stat_key_of(int(number)))
        return stat is not None and int(number) in (getattr(stat, _SIGNS[activity]) or ())

    def happened(
        self, event: str, filters: Sequence[PropertyCondition], since: datetime, besides: frozenset[str]
    ) -> Event | None:
        """As `rules.Look.happened`; what machines did is nothing."""
        partition = Timeline.partition(self.contact.tenant, self.contact.contact_id)
        for row in table.rows(Timeline, partition, start=clock.iso(since)):
            if row.name == event and not row.machine and row.event_id not in besides:
                found = event_of(row)
                if fits(found, filters, self.now, self.about):
                    return found
        return None

    def value(self, attribute: str) -> object:
        return self._facts.value(attribute)


def event_of(row: Timeline) -> Event:
    """What a row of a timeline says happened."""
    return Event(row.event_id, row.at, {**(row.data or {}), **(row.properties or {})})


def fits(event: Event, filters: Sequence[PropertyCondition], now: datetime, about: Settings) -> bool:
    """Whether an event says what it must."""
    zone = ZoneInfo(about.time_zone)
    said = Facts("", attributes=event.properties)
    return all(one.holds(said, now.astimezone(zone).date(), zone) for one in filters)
