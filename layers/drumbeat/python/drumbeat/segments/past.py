"""Answers about a segment's past: who was in it when, and what defined it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from drumbeat.accounts import settings
from drumbeat.contacts import model as contacts
from drumbeat.fields import Listing, Page
from drumbeat.segments import history, model
from drumbeat.segments.views import MembershipView, StayView, VersionView


def membership(tenant: str, reference: str, contact_id: str, on: str | None, now: datetime) -> MembershipView:
    """Whether a contact was in a segment. Raises NotFound, and Invalid as `history.moment_of`. Reads `history.READS`.

    A contact that was deleted since is known as long as it was in the segment once.
    """
    segment = model.get(tenant, reference)
    zone = ZoneInfo(settings.of(tenant).time_zone)
    when = now if on is None else history.moment_of(on, segment, zone, now)
    stays = history.of_contact(tenant, segment.segment_id, contact_id)
    if not stays:
        contacts.get(tenant, contact_id)
    return MembershipView(
        segment_id=segment.segment_id, contact_id=contact_id, on=when,
        member=any(stay.joined <= when and (stay.left is None or when < stay.left) for stay in stays),
        version=history.version_at(tenant, segment.segment_id, when),
        stays=[StayView(joined_at=stay.joined, left_at=stay.left) for stay in stays],
    )  # fmt: skip


def page_of_versions(tenant: str, reference: str, listing: Listing) -> Page[VersionView]:
    """The segment's definitions, the latest first. Raises NotFound. Reads Segment, Slug, SegmentVersion."""
    found = history.versions(tenant, model.get(tenant, reference).segment_id)
    ends = [*(row.since for row in found[1:]), None]
    shown = [
        VersionView(version=int(row.version), criteria=row.criteria, since=row.since, until=until)
        for row, until in zip(found, ends, strict=True)
    ][::-1]
    start = ((listing.page or 1) - 1) * listing.limit
    return Page(items=shown[start : start + listing.limit], total_count=len(shown), limit=listing.limit)
