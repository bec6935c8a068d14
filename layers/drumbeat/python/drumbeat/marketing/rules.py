"""What follows from a marketing campaign's dates, budget and goals. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drumbeat.errors import Conflict, Forbidden
from drumbeat.marketing.model import MarketingCampaign, State, Status

# Whoever approved this much did not approve more: changing one of these asks for approval again.
APPROVED_FIELDS = frozenset({"budget", "currency", "starts_at", "ends_at", "channels", "target_audience"})
# Which of the figures each documented goal is about.
GOALS: Mapping[str, str] = {
    "target_reach": "reach",
    "target_clicks": "clicks",
    "target_conversions": "conversions",
    "target_revenue": "revenue",
}


class WrongStatus(Conflict):
    """The marketing campaign is not in a state in which this can be done."""

    code = "MARKETING_CAMPAIGN_STATUS"


class NotRunning(Conflict):
    """A campaign under a marketing campaign starts only while that one runs."""

    code = "MARKETING_CAMPAIGN_NOT_RUNNING"


class BudgetExceeded(Conflict):
    code = "BUDGET_EXCEEDED"


def status(campaign: MarketingCampaign, now: datetime) -> Status:
    """What it is at a moment: once approved it is scheduled, active and completed by its dates alone."""
    if campaign.state in (State.DRAFT, State.CANCELLED):
        return Status(campaign.state)
    if now > campaign.ends_at:
        return Status.COMPLETED
    if campaign.state == State.PAUSED:
        return Status.PAUSED
    return Status.SCHEDULED if now < campaign.starts_at else Status.ACTIVE


def require(campaign: MarketingCampaign, now: datetime, *allowed: Status) -> None:
    """Raise WrongStatus unless it is one of these now."""
    found = status(campaign, now)
    if found not in allowed:
        raise WrongStatus(f"The marketing campaign is {found}; this needs it to be {' or '.join(allowed)}.")


def require_second_person(campaign: MarketingCampaign, actor: str) -> None:
    """Whoever made it, or changed what is to be approved, cannot approve it; and a program cannot. Raises Forbidden."""
    if actor.startswith("key:"):
        raise Forbidden("An approval is a person's: sign in as a user instead of using an API key.")
    if actor in (campaign.created_by, *(campaign.changed_by or ())):
        raise Forbidden("Whoever made or changed a marketing campaign cannot approve it; ask a second person.")


def require_running(campaign: MarketingCampaign, now: datetime) -> None:
    """Raise NotRunning, with the way out, unless campaigns under it may be launched now."""
    ways = {
        Status.DRAFT: "has not been approved; approve it first",
        Status.SCHEDULED: f"starts on {campaign.starts_at:%Y-%m-%d}; schedule for then, or move its start_date",
        Status.PAUSED: "is paused; resume it first",
        Status.COMPLETED: f"ended on {campaign.ends_at:%Y-%m-%d}; move its end_date",
        Status.CANCELLED: "was cancelled; take this campaign out of it",
    }
    way = ways.get(status(campaign, now))
    if way:
        raise NotRunning(f"The marketing campaign {campaign.name!r} {way}.")


def require_budget(campaign: MarketingCampaign, spent: int, wanted: int) -> None:
    """Raise BudgetExceeded when what is wanted (minor units) is more than what is left."""
    if campaign.budget is not None and spent + wanted > int(campaign.budget):
        raise BudgetExceeded(
            f"The budget of the marketing campaign {campaign.name!r} does not cover this: raise it, or make the "
            "audience smaller."
        )


def progress(goals: Mapping[str, Any], figures: Mapping[str, float]) -> list[dict[str, Any]]:
    """Each goal that has a figure: target, actual, the fraction that was reached, and whether it was met."""
    shown = []
    for name, target in goals.items():
        figure = GOALS.get(name)
        if figure is None or isinstance(target, bool) or not isinstance(target, int | float):
            continue
        actual = figures[figure]
        reached = round(actual / target, 4) if target else 1.0
        shown.append({"goal": name, "target": target, "actual": actual, "reached": reached, "met": actual >= target})
    return shown
