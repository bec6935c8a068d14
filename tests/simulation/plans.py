"""What is drawn for a seed before it begins, how the table is made to fit, and what is known of a tenant's part."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from drumbeat import clock
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.segments.model import Member, Segment, State
from drumbeat.table import raw

from tests.simulation import fallbacks, towns
from tests.simulation.expressions import Item
from tests.simulation.store import Store

# Of a hundred: who never agreed, has revoked, is suppressed, has no address.
REASONS = ["no_consent"] * 4 + ["consent_revoked"] * 3 + ["suppressed"] * 4 + ["no_address"] * 2
ZONES = (None, "Atlantic/Azores", None, "Asia/Kathmandu")
# Up to so many a seed is to take as little time as it can.
FEW = 1000
SEGMENT = "seg_00000000000000000000000001"


class OptOut(NamedTuple):
    """Somebody has opted out, and the answer said so at this time."""

    contact: str
    at: float
    way: str


class Pause(NamedTuple):
    """A send was paused from the one time until it was resumed."""

    start: float
    end: float


@dataclass(frozen=True)
class Plan:
    """What is drawn for a seed before it begins."""

    people: int
    rate: float
    storm: float
    scheduled: bool
    local: bool
    an_hour: int | None
    publish: bool
    policies: Mapping[str, str]
    opt_outs: int
    paused: bool
    cancelled: bool
    sharded: bool
    segment: bool
    quiet: bool = False
    capped: bool = False
    fallback: bool = False


def planned(chance: random.Random, people: int) -> Plan:
    local = chance.random() < 0.05
    return Plan(
        people=people,
        rate=chance.choice((25.0, 50.0, 50.0, 200.0)),
        storm=chance.choice((600.0, 600.0, 1200.0, 1200.0, 1800.0, 7500.0)) if people <= FEW else 7500.0,
        scheduled=chance.random() < 0.25,
        local=local,
        an_hour=int(people * 0.8) if local or chance.random() < 0.05 else None,
        publish=chance.random() < 0.15,
        policies={tenant: chance.choice(("never", "after_grace")) for tenant in towns.TENANTS},
        opt_outs=chance.choice((0, 1, 2, 3)),
        paused=chance.random() < 0.3,
        cancelled=chance.random() < 0.12,
        sharded=chance.random() < 0.03,
        segment=chance.random() < 0.12,
    )


@dataclass
class Side:
    """A tenant's part: its campaign, who is barred from it and why, and what people and callers did."""

    tenant: str
    campaign: str
    policy: str
    send: str = ""
    barred: dict[str, str] = field(default_factory=dict)
    opt_outs: list[OptOut] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    movers: set[str] = field(default_factory=set)
    pauses: list[Pause] = field(default_factory=list)
    pausing: float | None = None
    cancelling: bool = False


def prepare(store: Store, plan: Plan, side: Side, people: Sequence[str], chance: random.Random) -> None:
    """Make the town fit a tenant's part: who is barred, the tenant's policy, and how the campaign is sent."""
    one = max(1, plan.people // 100)
    for place, number in enumerate(chance.sample(range(len(people)), one * len(REASONS))):
        who, reason = people[number], REASONS[place % len(REASONS)]
        side.barred[who] = reason
        _bar(store, side.tenant, who, towns.address(number), reason)
    row = store.items[f"TENANT#{side.tenant}", "TENANT"]
    settings = json.loads(row["settings"]["S"]) | {"unknown_policy": side.policy, "message_events": plan.publish}
    settings |= fallbacks.NAMES if plan.fallback else {}
    store.write({**row, "settings": {"S": json.dumps(settings)}})
    if plan.sharded:  # as many as a tenant has for whom plans are sharded
        count = store.items[f"COUNT#{side.tenant}#contacts", "0"]
        store.write({**count, "number": {"N": "30000"}})
    _configure(store, plan, side)
    if plan.local:
        _spread(store, side.tenant, people)
    if plan.segment:
        _gather(store, side, people, chance)


def _bar(store: Store, tenant: str, who: str, address: str, reason: str) -> None:
    if reason == "suppressed":
        at = start()
        row = Suppression(
            *Suppression.key(tenant, address), gsi1pk=Suppression.partition(tenant), gsi1sk=clock.iso(at),
            address=address, scope="marketing", reason="manual", at=at,
        )  # fmt: skip
        store.write(raw(row))
        return
    item = store.items[Contact.key(tenant, who)]
    if reason == "no_address":
        store.write({name: value for name, value in item.items() if name != "email"})
        return
    said = json.loads(item["consent"]["S"]) if reason == "consent_revoked" else {}
    if said:
        said["email"]["status"] = "revoked"
    store.write({**item, "consent": {"S": json.dumps(said, separators=(",", ":"))}})


def _configure(store: Store, plan: Plan, side: Side) -> None:
    changed: Item = dict(store.items[f"CAMPAIGN#{side.tenant}#{side.campaign}", "CAMPAIGN"])
    if plan.an_hour:
        changed["limits"] = {"S": json.dumps({"per_hour": plan.an_hour})}
    if plan.local:
        changed["send_in_recipient_zone"] = {"BOOL": True}
        changed["local_send_at"] = {"S": "2026-03-02T09:15:00"}
        changed["when_local_time_passed"] = {"S": "at_once"}
    if plan.segment:
        changed["audience"] = {"S": json.dumps({"segments": [SEGMENT]})}
    store.write(changed)


def _spread(store: Store, tenant: str, people: Sequence[str]) -> None:
    """People live in different time zones."""
    for number, who in enumerate(people):
        zone = ZONES[number % len(ZONES)]
        if zone:
            store.write({**store.items[Contact.key(tenant, who)], "time_zone": {"S": zone}})


def _gather(store: Store, side: Side, people: Sequence[str], chance: random.Random) -> None:
    """Everybody is in a segment, and some will leave it and come back."""
    at = start()
    row = Segment(
        *Segment.key(side.tenant, SEGMENT), gsi1pk=Segment.partition(side.tenant), gsi1sk=SEGMENT, tenant=side.tenant,
        segment_id=SEGMENT, name="Town", kind="static", state=State.READY.value, created_at=at, updated_at=at,
    )  # fmt: skip
    store.write(raw(row))
    side.movers = set(chance.sample([who for who in people if who not in side.barred], max(1, len(people) // 20)))
    for who in people:
        store.write(raw(Member(*Member.key(side.tenant, SEGMENT, who), since=at)))


def move(store: Store, side: Side, who: str) -> None:
    """A member leaves the segment, or comes back."""
    key = Member.key(side.tenant, SEGMENT, who)
    if store.find(*key):
        store.remove(key)
    else:
        store.write(raw(Member(*key, since=start())))


def start() -> datetime:
    """When the stories begin."""
    return datetime.fromtimestamp(towns.START, UTC)
