"""What a tenant has, as rows: one function for each kind of thing. A row is JSON by field.

Each gives (rows, place behind them), see `walks`. Instants are ISO 8601 in UTC with milliseconds; money is in major
units where a field says `currency` beside it, in minor units where its name ends in `_minor`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from pydantic_core import to_jsonable_python

from drumbeat import clock, table
from drumbeat.accounts import settings
from drumbeat.accounts.settings import Settings
from drumbeat.activity import timeline
from drumbeat.activity.model import RollUp, Timeline
from drumbeat.campaigns import model as campaigns
from drumbeat.campaigns import recipients
from drumbeat.campaigns.conversions import Conversion
from drumbeat.campaigns.model import Campaign
from drumbeat.contacts import ledger, suppressions, unsubscribes
from drumbeat.contacts import model as contacts
from drumbeat.contacts.ledger import Entry
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.contacts.unsubscribes import Unsubscribe
from drumbeat.exports import people, walks
from drumbeat.exports.walks import Place
from drumbeat.journeys import entries as journeys
from drumbeat.journeys.model import ARCHIVED, Face, Journey
from drumbeat.segments import model as segments
from drumbeat.segments.model import Segment
from drumbeat.sends.model import Content
from drumbeat.table import Entity
from drumbeat.templates.blocks import Block
from drumbeat.templates.model import Template, TemplateVersion

Row = dict[str, Any]
Rows = Iterator[tuple[Sequence[Row], Place]]
# Nothing of an instant sorts behind this: sort keys are `<instant>#<event id>`.
_BEHIND = "#\U0010ffff"
# What of an item is how it is kept, not what it says.
_KEPT = frozenset({"pk", "sk", "gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "gsi3pk", "gsi3sk", "attempt", "ttl", "tenant"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose things are wanted, which, and how the tenant counts money and days."""

    tenant: str
    filters: Mapping[str, Any]
    settings: Settings


def people_of(asked: Asked, place: Place) -> Rows:
    """Contacts: all, those with a tag, or those of a segment."""
    if segment_id := asked.filters.get("segment_id"):
        yield from members_of(asked, segments.get(asked.tenant, segment_id), place)
        return
    tag = asked.filters.get("tag")
    for contact, behind in walks.people(asked.tenant, place):
        wanted = contact is not None and (tag is None or tag in (contact.tags or ()))
        yield [people.row(contact, asked.settings)] if contact and wanted else [], behind


def members_of(asked: Asked, segment: Segment, place: Place) -> Rows:
    """The members of a segment with their contacts."""
    tag = asked.filters.get("tag")
    for (raw, contact), behind in walks.members(segment, place):
        if contact is None or (tag is not None and tag not in (contact.tags or ())):
            yield [], behind
        else:
            yield [{**people.row(contact, asked.settings), "since": raw["since"]["S"]}], behind


def memberships(asked: Asked, place: Place) -> Rows:
    """Who is in which segment, as ids."""
    found = walks.nested(
        lambda behind: walks.listed(Segment, [Segment.partition(asked.tenant)], behind),
        _members,
        lambda segment: segment.segment_id,
        place,
    )
    return ((row or [], behind) for row, behind in found)


def _members(segment: Segment, place: Place) -> Rows:
    for raw, behind in walks.raw_members(segment, place):
        row = {"segment_id": segment.segment_id, "contact_id": raw["sk"]["S"], "since": raw["since"]["S"]}
        yield [row], behind


def timelines(asked: Asked, place: Place) -> Rows:
    """The events of one contact or of all, oldest first, in a range of time (`after` excluded, `before` excluded)."""
    filters = asked.filters
    start = filters["after"] + _BEHIND if filters.get("after") else "0"
    end = filters["before"] if filters.get("before") else "9" + _BEHIND
    name = (filters.get("name") or "").lower()

    def inside(contact: Contact, within: Place) -> Rows:
        if start > end:
            return
        pk = Timeline.partition(asked.tenant, contact.contact_id)
        for event, behind in walks.items(Timeline, pk, within, start=start, end=end):
            if event is not None and event.name.startswith(name):
                yield [{"contact_id": contact.contact_id, **timeline.view(event).model_dump(mode="json")}], behind
            else:
                yield [], behind

    return _of_people(asked, inside, place)


def activity(asked: Asked, place: Place) -> Rows:
    """How often each event happened to each contact on each day of the tenant's zone."""

    def inside(contact: Contact, within: Place) -> Rows:
        for found, behind in walks.items(RollUp, RollUp.partition(asked.tenant, contact.contact_id), within):
            if found is not None:
                counted = {"name": found.name, "date": found.day, "count": found.total}
                yield [{"contact_id": contact.contact_id, **counted}], behind

    return _of_people(asked, inside, place)


def _of_people(asked: Asked, inside: Callable[[Contact, Place], Rows], place: Place) -> Rows:
    outer = partial(walks.people, asked.tenant)
    if contact_id := asked.filters.get("contact_id"):
        outer = walks.one(contacts.get(asked.tenant, contact_id))  # type: ignore[assignment]
    found = walks.nested(outer, inside, lambda contact: contact.contact_id, place)
    return ((row or [], behind) for row, behind in found)


def recipients_of(asked: Asked, place: Place) -> Rows:
    """The recipients of one campaign or of all, and what became of each."""
    outcome, reason = asked.filters.get("outcome"), asked.filters.get("reason")

    def inside(campaign: Campaign, within: Place) -> Rows:
        for send in walks.sends(campaign):
            for chunk, behind in walks.chunks(send, within):
                shown = recipients.of_chunk(asked.tenant, chunk)
                yield (
                    [
                        {"campaign_id": campaign.campaign_id, "send_id": send.send_id, **_recipient(row)}
                        for row in shown
                        if (outcome is None or row.outcome == outcome) and (reason is None or row.reason == reason)
                    ],
                    behind,
                )

    return _of_campaigns(asked, inside, place)


def _recipient(row: recipients.RecipientView) -> Row:
    shown = row.model_dump(mode="json", exclude={"events"})
    return {**shown, **{name: name in row.events for name in recipients.EVENTS}}


def conversions(asked: Asked, place: Place) -> Rows:
    """The purchases credited to campaigns."""

    def inside(campaign: Campaign, within: Place) -> Rows:
        partition = Conversion.partition(asked.tenant, campaign.campaign_id)
        for found, behind in walks.items(Conversion, partition, within):
            if found is not None:
                yield [{"campaign_id": campaign.campaign_id, "event_id": found.sk, **plain(found)}], behind

    return _of_campaigns(asked, inside, place)


def sends(asked: Asked, place: Place) -> Rows:
    """Launches, and what they sent."""

    def inside(campaign: Campaign, within: Place) -> Rows:
        if within is None:
            found = list(walks.sends(campaign))
            content = {send.send_id: Content.fetch(*Content.key(asked.tenant, send.send_id)) for send in found}
            yield [{**plain(send), "content": _content(content[send.send_id])} for send in found], [True]

    return _of_campaigns(asked, inside, place)


def _content(content: Content | None) -> Row | None:
    return plain(content) if content else None


def _of_campaigns(asked: Asked, inside: Callable[[Campaign, Place], Rows], place: Place) -> Rows:
    outer = partial(walks.listed, Campaign, [Campaign.partition(asked.tenant)])
    if campaign_id := asked.filters.get("campaign_id"):
        outer = walks.one(campaigns.get(asked.tenant, campaign_id))  # type: ignore[assignment]
    found = walks.nested(outer, inside, lambda campaign: campaign.campaign_id, place)
    return ((row or [], behind) for row, behind in found)


def suppressed(asked: Asked, place: Place) -> Rows:
    """Addresses that get nothing."""
    reason = asked.filters.get("reason")
    for found, behind in walks.listed(Suppression, [Suppression.partition(asked.tenant)], place):
        wanted = found is not None and (reason is None or found.reason == reason)
        yield [suppressions.view(found).model_dump(mode="json")] if found and wanted else [], behind


def opt_outs(asked: Asked, place: Place) -> Rows:
    """Who asked for no more messages."""
    listed = unsubscribes.partitions(asked.tenant, asked.filters.get("channel"))
    for found, behind in walks.listed(Unsubscribe, listed, place):
        yield [unsubscribes.view(found).model_dump(mode="json")] if found else [], behind


def listing(
    model: type[Entity], partition: Callable[[str], str | list[str]], *without: str
) -> Callable[[Asked, Place], Rows]:
    """Rows of the entities that index 1 lists for a tenant, with all that they say but `without`."""

    def walk(asked: Asked, place: Place) -> Rows:
        for found, behind in walks.listed(model, _several(partition(asked.tenant)), place):
            yield [plain(found, *without)] if found is not None else [], behind

    return walk


def _several(partitions: str | list[str]) -> list[str]:
    return [partitions] if isinstance(partitions, str) else partitions


def journeys_of(tenant: str) -> list[str]:
    """The index partitions that list all journeys of a tenant."""
    return [Journey.partition(tenant, listed) for listed in (*(face.value for face in Face), ARCHIVED)]


def entered(asked: Asked, place: Place) -> Rows:
    """Who entered which journey, with all that happened to them in it."""

    def inside(journey: Journey, behind: Place) -> Rows:
        shards = [journeys.Entry.listing(asked.tenant, journey.journey_id, one) for one in range(journeys.SHARDS)]
        for found, further in walks.listed(journeys.Entry, shards, behind):
            yield [{"number": found.number, **plain(found)}] if found is not None else [], further

    found = walks.nested(
        partial(walks.listed, Journey, journeys_of(asked.tenant)), inside, lambda above: str(above.pk), place
    )
    return ((row or [], behind) for row, behind in found)


def within(
    outer: type[Entity],
    partition: Callable[[str], str | list[str]],
    name: str,
    inner: type[Entity],
    parts: Callable[[str, str], Iterable[str]],
) -> Callable[[Asked, Place], Rows]:
    """Rows of what the entities of a listing have below them: `name` is the attribute that identifies one, and a field
    of each row; `parts` are the partitions of its items. The last part of their keys is the field `key`."""

    def walk(asked: Asked, place: Place) -> Rows:
        def inside(above: Entity, behind: Place) -> Rows:
            partitions = list(parts(asked.tenant, getattr(above, name)))
            first, after = behind or (0, None)
            for number in range(first, len(partitions)):
                for found in table.rows(inner, partitions[number], after=after):
                    yield [{name: getattr(above, name), "key": found.sk, **plain(found)}], [number, found.sk]
                after = None

        found = walks.nested(
            partial(walks.listed, outer, _several(partition(asked.tenant))), inside, lambda above: str(above.pk), place
        )
        return ((row or [], behind) for row, behind in found)

    return walk


def consents(asked: Asked, place: Place) -> Rows:
    """The ledger: who said what about messages of a channel, and on what evidence, also of people who are gone."""
    listed = [Entry.listing(asked.tenant, shard) for shard in range(ledger.SHARDS)]
    for found, behind in walks.listed(Entry, listed, place):
        yield [_entry(found)] if found else [], behind


def _entry(entry: Entry) -> Row:
    """The salt goes along: with it, whoever has the ledger can verify it without us."""
    told = {**plain(entry, "hash", "personal_digest"), "contact_id": entry.contact_id, "number": entry.number}
    digest = entry.personal_digest
    return {**told, "hash": entry.hash.hex(), "personal_digest": digest.hex() if digest else None}


def account(asked: Asked, place: Place) -> Rows:
    """The tenant itself: name, settings, limits. It has no secrets."""
    if place is None:
        yield [plain(settings.stored(asked.tenant))], [True]


def plain(entity: Entity, *without: str) -> Row:
    """All that an item says, by the names of its attributes: nothing is left behind that a later version adds. What is
    kept packed (the sources of templates) is unpacked, as `bodies` by language."""
    values = entity.attribute_values
    if isinstance(entity, Template | TemplateVersion | Block):
        values = {**values, "bodies": {tag: asdict(body) for tag, body in entity.bodies.items()}}
        without = (*without, "body")
    kept = {name: value for name, value in values.items() if name not in _KEPT and name not in without}
    return {name: _json(value) for name, value in kept.items() if value is not None}


def columns(model: type[Entity], *without: str) -> tuple[str, ...]:
    """The fields of `plain` of such entities."""
    packed = issubclass(model, Template | TemplateVersion | Block)
    told = ("bodies" if packed and name == "body" else name for name in model.get_attributes())
    return tuple(name for name in told if name not in _KEPT and name not in without)


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return to_jsonable_python(value, fallback=str, bytes_mode="base64")
