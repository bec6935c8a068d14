"""Keeping segments: `python -m tests.bench.membership 100000`.

The backfill of a new segment over so many contacts, of whom two in five belong to it; and one contact's change held
against fifty segments, of all kinds of conditions. The functions' own handlers run; storage is the one in memory: units
and requests are counted by its rules, `seconds` are our own processor time with the SDK's part of each request.
"""

import gc
import json
import sys
import time
from typing import Any

from drumbeat import clock, ids
from drumbeat.accounts.model import Tenant
from drumbeat.contacts.model import Contact
from drumbeat.segments import changes, model
from drumbeat.segments.model import Segment
from drumbeat.segments.views import NewSegment

from tests import harness
from tests.bench.audience import TENANT, seed
from tests.bench.cloud import WAIT
from tests.bench.deployment import Deployment
from tests.bench.worker import megabytes

SEGMENTS, CHANGES = 50, 40
MANY = {"conditions": [
    {"field": "customer_lifetime_value", "operator": "less_than", "value": 300},
    {"field": "city", "operator": "starts_with", "value": "dhaka"},
]}  # fmt: skip


class Metered:
    """A deployment with a tenant and contacts, and what a handler's call takes."""

    def __init__(self, contacts: int) -> None:
        self.deployment = Deployment(rate=200.0)
        self.deployment.build()
        now = clock.wall()
        Tenant(
            *Tenant.key(TENANT), gsi1pk="TENANTS#all", gsi1sk=TENANT, tenant=TENANT, name="Shop", slug="shop",
            created_at=now, settings={"currency": "BDT", "time_zone": "Asia/Dhaka"},
        ).create()  # fmt: skip
        self.people = seed(self.deployment.cloud.table, contacts, ids.new("seg"))
        gc.collect()
        gc.freeze()  # what is emulated is not in a function's memory

    def segment(self, name: str, criteria: dict[str, Any]) -> Segment:
        new = NewSegment(name=name, criteria=criteria)
        made = changes.create(TENANT, new, segment_id=ids.new("seg"), created_by="bench", now=clock.business())
        assert made.state == "building"
        return made

    def call(self, name: str, event: Any) -> tuple[Any, dict[str, float]]:
        """What the handler gave, and took."""
        meter, handler = self.deployment.meter, harness.function(name)
        meter.used.clear()
        meter.aside = meter.waited = 0.0
        began = time.process_time()
        answer = handler(event, None)
        seconds = time.process_time() - began - meter.aside
        used = {kind: sum(many for (_, one), many in meter.used.items() if one == kind) for _, kind in meter.used}
        return answer, {
            "seconds": seconds,
            "requests": round(meter.waited * 1000 / WAIT["dynamodb"]),
            "read_units": used.get("reads", 0) + used.get("stale reads", 0),
            "write_units": used.get("table writes", 0) + used.get("index writes", 0),
        }


def backfill(metered: Metered) -> dict[str, float]:
    """All rounds of the walk over one segment; between two of them the machine may wait."""
    made = metered.segment("Many", MANY)
    state: dict[str, Any] = {"tenant": TENANT, "segment": made.segment_id, "version": 1, "phase": "evaluate"}
    total: dict[str, float] = {}
    while not state.get("done"):
        state, took = metered.call("segments.backfill_segment", state)
        total = {name: total.get(name, 0) + number for name, number in took.items()}
    return {**total, "members": model.count(TENANT, made.segment_id), "contacts": len(metered.people)}


def one_change(metered: Metered) -> dict[str, float]:
    """The middle one of several changes that move a contact in and out of a segment."""
    made = [metered.segment(f"Segment {number}", _criteria(number)) for number in range(SEGMENTS - 1)]
    taken = []
    for number in range(CHANGES):
        contact_id = metered.people[number]
        city = json.dumps({"city": f"city {number % 7}", "points": number})
        Contact.change_at(*Contact.key(TENANT, contact_id), Contact.attributes.set(json.loads(city)))
        keys = {"pk": {"S": f"CONTACT#{TENANT}#{contact_id}"}, "sk": {"S": "CONTACT"}}
        record = {"eventName": "MODIFY", "dynamodb": {"Keys": keys, "SequenceNumber": "1"}}
        failed, took = metered.call("segments.evaluate_changes", {"Records": [record]})
        assert failed == {"batchItemFailures": []}, metered.deployment.lines.error
        taken.append(took)
    assert made
    return {**sorted(taken, key=lambda one: one["seconds"])[CHANGES // 2], "segments": SEGMENTS}


def _criteria(number: int) -> dict[str, Any]:
    """Fifty segments as a shop has them: most by fields, some by behaviour, samples, and segments of segments."""
    city = {"field": "city", "operator": "equals", "value": f"city {number % 7}"}
    more: dict[int, dict[str, Any]] = {
        0: {"event": "purchase", "within_days": 30 + number},
        1: {"segment": "many"},
        2: {"sample_percent": 10, "salt": str(number)},
        3: {"event": "purchase", "where": [{"field": "category", "operator": "equals", "value": "shoes"}]},
    }
    return {"logic": "OR", "conditions": [city, more.get(number % 10, {"tag": f"tag {number}"})]}


def main() -> None:
    told, metered = sys.stdout, Metered(int(sys.argv[1]))
    found = {"backfill": backfill(metered), "change": one_change(metered), "peak": megabytes()}
    told.write(json.dumps(found))


if __name__ == "__main__":
    main()
