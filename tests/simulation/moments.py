"""The right moment in some seeds: people whose clocks show night when a campaign begins or while it is sent, and a
second campaign to the same people at the same time, of which each may get one mail.

7 nothing is accepted in quiet hours; 8 nobody gets more than the cap, of both campaigns together
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat.contacts.model import Contact

from tests.simulation import towns
from tests.simulation.clockwork import ONCE, SKEW, Clockwork
from tests.simulation.plans import Plan, Side
from tests.simulation.provider import Mail
from tests.simulation.store import Store

# Shares of the seeds.
QUIET, CAPPED = 0.08, 0.06
# At nine in London it is half past eleven at night in the Marquesas, so that hours close there in two minutes and open
# an hour later; in the Gambiers they are closed for another three quarters of an hour.
OPENS, CLOSES = "00:45", "23:32"
ZONES = ("Pacific/Marquesas", None, "Pacific/Gambier", None, "Pacific/Marquesas", "Asia/Kathmandu")
HOURS = {"email": {"hours": {"every_day": {"opens": OPENS, "closes": CLOSES}}}}
SECOND = "cmp_00000000000000000000000002"
# How often workers are at work together where they get into each other's way.
TOGETHER = 0.5
# What was looked at in time may be accepted so much later.
UNDER_WAY = 60.0


def drawn(seed: int, plan: Plan) -> dict[str, Any]:
    """What a seed has of it. It has a chance of its own, so that other seeds are what they were."""
    chance = random.Random(f"moments {seed}")
    quiet, capped = chance.random() < QUIET, chance.random() < CAPPED
    return {"quiet": quiet and not plan.local, "capped": capped, "publish": plan.publish and not capped}


def prepare(store: Store, plan: Plan, side: Side, people: Sequence[str]) -> None:
    """The tenant's settings, and where its people live."""
    said: dict[str, Any] = {}
    if plan.quiet:
        said |= {"quiet_hours": HOURS, "quiet_release_minutes": 5}
        for number, who in enumerate(people):
            if zone := ZONES[number % len(ZONES)]:
                store.write({**store.items[Contact.key(side.tenant, who)], "time_zone": {"S": zone}})
    if plan.capped:
        said["frequency_caps"] = {"email": {"per_day": 1}}
    if said:
        row = store.items[f"TENANT#{side.tenant}", "TENANT"]
        settings = json.loads(row["settings"]["S"]) | said
        store.write({**row, "settings": {"S": json.dumps(settings)}})


def second(store: Store, side: Side) -> Side:
    """Another campaign to the same people."""
    row = store.items[f"CAMPAIGN#{side.tenant}#{side.campaign}", "CAMPAIGN"]
    named = {"campaign_id": {"S": SECOND}, "gsi1sk": {"S": SECOND}}
    store.write({**row, "pk": {"S": f"CAMPAIGN#{side.tenant}#{SECOND}"}, **named})
    return Side(side.tenant, SECOND, side.policy)


def broken(
    plan: Plan, work: Clockwork, sides: Sequence[Side], accepted: Mapping[tuple[str, str], list[Mail]]
) -> Iterator[str]:
    """Which of the two promises does not hold of a tenant's mails."""
    sends = {side.send for side in sides}
    mails = [mail for (send, _), found in accepted.items() if send in sends for mail in found]
    if plan.quiet:
        yield from _at_night(mails, (ONCE if work.once else SKEW) + UNDER_WAY)
    if plan.capped:
        messages: dict[str, set[Any]] = {}
        for mail in mails:
            messages.setdefault(mail.contact, set()).add(mail.message)
        yield from (
            f"{who} got {len(found)} messages of one a day" for who, found in messages.items() if len(found) > 1
        )


def _at_night(mails: Sequence[Mail], tolerance: float) -> Iterator[str]:
    """Clocks of workers may be wrong by the tolerance."""
    for mail in mails:
        zone = ZONES[towns.number_of(mail.contact) % len(ZONES)]
        near = [_clock(mail.at + wrong, zone or "UTC") for wrong in (-tolerance, 0.0, tolerance)]
        if not any(OPENS <= shown < CLOSES for shown in near):
            yield f"{mail.contact} got a mail in quiet hours, at {near[1]} in {zone}"


def _clock(at: float, zone: str) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).strftime("%H:%M")
