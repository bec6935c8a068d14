"""Static segments: lists of contacts that somebody keeps.

A contact that is deleted leaves its lists by the stream, as it leaves all segments. A list and a contact may go while
members are added to it: whoever adds looks again afterwards, and takes back what nobody else would find any more.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from drumbeat import clock, table
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.activity import people as known
from drumbeat.activity.interest import Interest
from drumbeat.activity.views import ContactReference
from drumbeat.contacts import model as contacts
from drumbeat.contacts.customers import wanting
from drumbeat.contacts.customers.model import Wish
from drumbeat.contacts.customers.wanting import NewWish
from drumbeat.contacts.model import Contact, ContactAddress, ContactExternalId
from drumbeat.contacts.opt_in import inviting
from drumbeat.errors import Conflict, NotFound
from drumbeat.segments import history, model, people
from drumbeat.segments.events import Telling
from drumbeat.segments.history import Spell
from drumbeat.segments.model import Member, Segment, State
from drumbeat.segments.rules import Needs
from drumbeat.segments.views import MembersAdded, MembersNamed, MembersRemoved
from drumbeat.slugs import Slug

# What functions that add members by id, or by any reference, declare; and what removing writes.
READS = (Tenant, Segment, Slug, Contact, Interest)
FINDS = (*READS, ContactAddress, ContactExternalId)
WRITES = (Member, Spell)
# What waits for a customer to become a contact.
KIND = "segment"


class SegmentIsDynamic(Conflict):
    code = "SEGMENT_IS_DYNAMIC"


class SegmentIsBuilding(Conflict):
    code = "SEGMENT_IS_BUILDING"


def get(tenant: str, reference: str) -> Segment:
    """A static segment, by id or slug. Raises NotFound, SegmentIsDynamic. Reads Segment, Slug."""
    segment = model.get(tenant, reference)
    if segment.dynamic:
        raise SegmentIsDynamic("This segment follows its criteria. Make one with `dynamic: false` to name its members.")
    return segment


def add_members(tenant: str, reference: str, contact_ids: Iterable[str], now: datetime) -> int:
    """Add contacts to a static segment; gives how many were not in it. Ids that are no contact's are left out.

    Doing it again adds nobody. Raises NotFound, SegmentIsDynamic. Reads `READS`, writes Member.
    """
    segment, about = get(tenant, reference), settings.of(tenant)
    telling = Telling(tenant, bus=about.segment_events)
    added: list[str] = []
    for page in people.pages(dict.fromkeys(contact_ids)):
        there = people.segments(tenant, page, [segment.segment_id])
        found = people.load(tenant, [one for one in page if one not in there], Needs(), about)
        told = telling.joined(segment.segment_id)
        rows = [
            Member(*Member.key(tenant, segment.segment_id, contact_id), since=now, **{**told, **person.profile})
            for contact_id, person in found.items()
        ]
        table.put_many(rows)
        left = {contact.contact_id for contact in contacts.many(tenant, found)}
        _take_back(tenant, segment, (contact_id for contact_id in found if contact_id not in left))
        added += left
    stored = model.find(tenant, segment.segment_id)
    if stored is None or stored.state == State.DELETING:
        _take_back(tenant, segment, added)
        raise NotFound("There is no such segment any more.")
    return len(added)


def _take_back(tenant: str, segment: Segment, contact_ids: Iterable[str]) -> None:
    table.write_many(deletes=(Member.key(tenant, segment.segment_id, contact_id) for contact_id in contact_ids))


def remove_members(tenant: str, reference: str, contact_ids: Iterable[str], now: datetime) -> int:
    """Remove contacts from a static segment; gives how many were in it. Raises NotFound, SegmentIsDynamic,
    SegmentIsBuilding. Reads Tenant, Segment, Slug; writes `WRITES`."""
    segment, telling = get(tenant, reference), Telling(tenant, bus=settings.of(tenant).segment_events)
    if segment.state == State.BUILDING:
        raise SegmentIsBuilding("The segment is still being filled. Try again when its state is ready.")
    keys = [Member.key(tenant, segment.segment_id, contact_id) for contact_id in dict.fromkeys(contact_ids)]
    held = table.raw_many(keys)
    table.put_many(
        history.spell(tenant, segment.segment_id, row["sk"]["S"], clock.parse(row["since"]["S"]), now, telling)
        for row in held
    )
    table.write_many(deletes=((row["pk"]["S"], row["sk"]["S"]) for row in held))
    return len(held)


def add_named(tenant: str, reference: str, said: MembersNamed, now: datetime) -> MembersAdded:
    """Add the contacts that a request names; a list with double opt-in asks those who have said nothing about e-mail.

    Raises as `add_members`. Reads `FINDS` and `inviting.READS`, writes Member, `inviting.WRITES` and `wanting.WRITES`,
    sends `wanting.SENDS`.
    """
    found, unknown = named(tenant, said)
    added = add_members(tenant, reference, found, now)
    segment, asked = get(tenant, reference), 0
    if segment.double_opt_in:
        asked = inviting.invite_many(tenant, found, source=segment.slug or segment.name, now=now)
    return MembersAdded(
        added=added, already_members=len(found) - added, asked_to_confirm=asked, unknown=unknown,
        awaited=_awaited(tenant, segment, said, unknown),
    )  # fmt: skip


def _awaited(tenant: str, segment: Segment, said: MembersNamed, unknown: Iterable[str | int]) -> list[str | int]:
    """Those of the unknown whom the customer system may have: they are added once their profiles have been read."""
    theirs = [one for one in unknown if one in said.external_ids]
    wish = NewWish(KIND, segment.segment_id, {"segment": segment.segment_id})
    coming = wanting.want(tenant, {one: [wish] for one in theirs})
    return [one for one in theirs if str(one) in coming]


def join(contact: Contact, wishes: Sequence[Wish]) -> None:
    """Add somebody who was awaited, to those of the segments that are still there. Reads `READS`, writes Member."""
    for wish in wishes:
        with suppress(NotFound, SegmentIsDynamic):
            add_members(contact.tenant, str(wish.wanted["segment"]), [contact.contact_id], clock.business())


def remove_named(tenant: str, reference: str, said: MembersNamed, now: datetime) -> MembersRemoved:
    """Remove the contacts that a request names. Raises as `remove_members`. Reads `FINDS`, writes `WRITES`."""
    found, unknown = named(tenant, said)
    removed = remove_members(tenant, reference, found, now)
    return MembersRemoved(removed=removed, not_members=len(found) - removed, unknown=unknown)


def named(tenant: str, said: MembersNamed) -> tuple[Sequence[str], list[str | int]]:
    """The ids of the contacts that are named, each once, and the names that are no contact's."""
    asked: dict[ContactReference, str | int] = {
        **{ContactReference(contact_id=one): one for one in said.contact_ids},
        **{ContactReference(email=one): one for one in said.emails},
        **{ContactReference(external_id=one): one for one in said.external_ids},
    }
    found = known.find(tenant, asked)
    ids = dict.fromkeys(contact.contact_id for contact in found.values())
    return list(ids), [one for reference, one in asked.items() if reference not in found]
