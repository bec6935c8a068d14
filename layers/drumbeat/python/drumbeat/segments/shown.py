"""Segments as the API shows them."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from drumbeat import lists, money
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.fields import Listing, Page
from drumbeat.segments import figures, model
from drumbeat.segments.model import Definitions, Member, Segment
from drumbeat.segments.views import SegmentView
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
        double_opt_in=bool(segment.double_opt_in),
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
