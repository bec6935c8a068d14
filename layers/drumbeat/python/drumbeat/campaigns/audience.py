"""Whom a launch is for: the campaign's stored audience, or that of its marketing campaign, frozen."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drumbeat import clock, counts, ids
from drumbeat.campaigns import content
from drumbeat.campaigns.model import Campaign
from drumbeat.contacts import model as contacts
from drumbeat.errors import Detail
from drumbeat.marketing import model as marketing
from drumbeat.marketing.model import MarketingCampaign
from drumbeat.segments import changes
from drumbeat.segments import model as segments
from drumbeat.segments.audience import audience_filters
from drumbeat.segments.model import Segment, State
from drumbeat.segments.views import NewSegment
from drumbeat.sends.audience import Audience
from drumbeat.sends.totals import Totals


def of(campaign: Campaign, now: datetime) -> Audience:
    """The stored audience. Raises NotReady when the campaign names nobody."""
    stored = require_somebody(campaign)
    wanted = stored.pop("filters", None)
    return Audience(**stored, only=_filtered(campaign, wanted, now) if wanted else None)


def require_somebody(campaign: Campaign) -> dict[str, Any]:
    """The audience as it is stored; one that names nobody is for those of the marketing campaign. Raises NotReady
    where there are none."""
    stored = dict(campaign.audience or {})
    if not _names_somebody(stored) and campaign.marketing_campaign_id is not None:
        stored |= _of_umbrella(marketing.get(campaign.tenant, campaign.marketing_campaign_id))
    if not _names_somebody(stored):
        raise content.NotReady(
            "The campaign cannot be sent yet; see details.", [Detail("audience", "name a segment, or set everyone")]
        )
    _require_there(campaign.tenant, stored)
    return stored


def _require_there(tenant: str, stored: Mapping[str, Any]) -> None:
    """A segment that was deleted since leaves nobody out any more, so nothing may be sent. Raises NotReady."""
    parts = [(part, segment_id) for part in ("segments", "exclude") for segment_id in stored.get(part) or ()]
    rows = Segment.many(Segment.key(tenant, segment_id) for _, segment_id in parts)
    there = {row.segment_id for row in rows if row.state != State.DELETING}
    missing = [
        Detail(f"audience.{part}", f"the segment {segment_id} was deleted; name another one, or leave it out")
        for part, segment_id in parts
        if segment_id not in there
    ]
    if missing:
        raise content.NotReady("The campaign cannot be sent yet; see details.", missing)


def _names_somebody(stored: Mapping[str, Any]) -> bool:
    return any(stored.get(name) for name in ("segments", "everyone", "filters", "earlier"))


def _of_umbrella(umbrella: MarketingCampaign) -> dict[str, Any]:
    """The target audience of a marketing campaign as an audience: demographics are filters too."""
    target = umbrella.target_audience or {}
    filters = {**target.get("demographics", {}), **target.get("filters", {})}
    return {"segments": target.get("segments", []), "filters": filters}


def _filtered(campaign: Campaign, wanted: dict[str, Any], now: datetime) -> str:
    """Filters become a hidden list of those who match now; planning waits until it is filled.

    Each launch makes its own: one that came to nothing has left a list of those who matched then, perhaps of other
    filters.
    """
    new = NewSegment.model_validate(
        {
            "name": f"Filters of {campaign.campaign_id}",
            "criteria": audience_filters(wanted),
            "dynamic": False,
        }
    )
    cause = (json.dumps(wanted, sort_keys=True), clock.iso(now))
    segment_id = ids.derived("seg", campaign.tenant, campaign.campaign_id, "filters", *cause)
    actor = campaign.created_by or ""
    return changes.create(
        campaign.tenant, new, segment_id=segment_id, created_by=actor, now=now, hidden=True
    ).segment_id


def known_size(tenant: str, audience: Audience) -> int:
    """As `size`, and 0 where a filter leaves nobody knows how many yet."""
    return 0 if audience.only else size(tenant, audience)


def size(tenant: str, audience: Audience) -> int:
    """About how many, rather too many: only the number of shards and the default of the expiry depend on it."""
    if audience.earlier:
        totals = Totals.fetch(*Totals.key(tenant, audience.earlier.send))
        outcomes = totals.numbers["outcomes"] if totals else {}
        return sum(number for letter, number in outcomes.items() if letter in audience.earlier.outcomes)
    named = segments.resolve(tenant, list(audience.segments))
    if audience.everyone or not named or any(segment.counted_at is None for segment in named):
        return counts.total(tenant, contacts.KIND)
    return sum(segment.member_count for segment in named)
