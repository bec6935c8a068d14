"""Segments as the API shows them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic_core import to_jsonable_python

from drumbeat import clock, lists, money
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.contacts import model as contacts
from drumbeat.fields import Listing, Page
from drumbeat.segments import definitions, figures, model, people
from drumbeat.segments.model import Definitions, Member, Segment
from drumbeat.segments.rules import Explanation, explain, next_change
from drumbeat.segments.views import ExplanationView, Part, SegmentView
from drumbeat.slugs import Slug

# What a function that shows segments declares, with writes of `Segment`: counting stores what it found.
READS = (Tenant, Definitions, Member, Slug)


def view(segment: Segment, now: datetime, kept: timedelta = timedelta(0)) -> SegmentView:
    """What the API shows of a segment, counted now unless its figures are younger than `kept`."""
    tenant = segment.tenant
    about = settings.of(tenant)
    found = figures.fresh(tenant, segment, now, kept)
    today = now.astimezone(ZoneInfo(about.time_zone)).date()
    return SegmentView(
        id=segment.segment_id,
        name=segment.name,
        names=segment.names or {},
        description=segment.description,
        segment_type=segment.segment_type,
        dynamic=segment.dynamic,
        criteria=segment.criteria,
        slug=segment.slug,
        state=segment.state,
        version=int(segment.version),
        member_count=found.members,
        counted_at=segment.counted_at,
        growth_rate=figures.growth(segment.days or {}, today, found.members),
        avg_customer_lifetime_value=money.shown(found.avg_value, about.currency),
        avg_order_value=money.shown(found.avg_order, about.currency),
        currency=about.currency,
        created_by=segment.created_by,
        created_at=segment.created_at,
        updated_at=segment.updated_at,
    )


def page(tenant: str, listing: Listing, now: datetime) -> Page[SegmentView]:
    """The tenant's segments, newest first, without hidden ones."""
    found = lists.page(Segment, [Segment.partition(tenant)], listing, total=lambda: model.listed(tenant))
    return lists.shown(found, lambda segment: view(segment, now, figures.KEPT))


def explained(tenant: str, reference: str, contact_id: str, now: datetime) -> ExplanationView:
    """Raises NotFound for an unknown segment or contact. Reads `READS`, Segment, Contact, RollUp."""
    segment = model.get(tenant, reference)
    contact = contacts.get(tenant, contact_id)
    about = settings.of(tenant)
    zone = ZoneInfo(about.time_zone)
    known = definitions.of(tenant)
    one = known.all[segment.segment_id]
    person = people.load(tenant, [contact_id], one.references.events, about)[contact.contact_id]
    inside = people.segments(tenant, [contact_id], one.references.segments).get(contact_id, set())
    facts = people.within(person.facts, inside)
    held = Member.fetch(*Member.key(tenant, segment.segment_id, contact_id))
    told = explain(one.criteria, facts, now, zone)
    return ExplanationView(
        segment_id=segment.segment_id,
        contact_id=contact_id,
        member=held is not None,
        since=held.since if held else None,
        matches=told.held,
        next_change=next_change(one.criteria, facts, now, zone) if one.dynamic else None,
        explanation=_part(told),
    )


def _part(told: Explanation) -> Part:
    return Part(
        path=told.path,
        condition=_plain(dict(told.condition)),
        held=told.held,
        actual=_plain(told.actual),
        parts=[_part(inner) for inner in told.parts],
    )


def _plain(value: object) -> Any:
    """As JSON: money as a number, instants as ISO 8601 in UTC, tags in the order of text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return clock.iso(value) if isinstance(value, datetime) and value.tzinfo else to_jsonable_python(value)
