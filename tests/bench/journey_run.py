"""A drip of five mails, a day apart, from the first entry to the last mail, metered:
`python -m tests.bench.journey_run 1000 together` and `python -m tests.bench.journey_run 10000 trickle`.

`together` are a segment whose members enter at one moment; `trickle` are contacts whom a program enrols one by one,
over a day, as customers register. Nobody opens or clicks: that costs what it costs in any send (tests.bench.send_run).
"""

import gc
import json
import sys
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any, Literal

from drumbeat import clock, ids
from drumbeat.journeys.wakes import Wake
from drumbeat.segments import model as segments

from tests import harness
from tests.bench.audience import TENANT, newsletter, seed
from tests.bench.deployment import Deployment
from tests.bench.send_run import RATE, SWEEPER, key_of_tenant

MAILS = 5
DAY = 86_400
SWEEPERS = (SWEEPER, "journeys.sweep_journeys")
Entering = Literal["together", "trickle"]


def drip() -> list[dict[str, Any]]:
    """The steps: a mail, a day, a mail, …"""
    subject, html = newsletter(large=False)
    said = {"subject": subject, "html": html}
    mails = [{"id": f"mail{number}", "type": "send", "channel": "email", "message": said} for number in range(MAILS)]
    waits = [{"id": f"day{number}", "type": "wait", "duration": DAY} for number in range(1, MAILS)]
    return [step for pair in zip(mails, [*waits, None], strict=True) for step in pair if step is not None]


class Run:
    """A published journey and everybody in it."""

    def __init__(self, contacts: int, entering: Entering) -> None:
        self.contacts, self.entering = contacts, entering
        self.deployment = Deployment(RATE)
        self.mailed = 0

    def go(self) -> dict[str, Any]:
        """Everything; gives what was used per function and kind, and what happened."""
        deployment = self.deployment
        deployment.build()
        deployment.mailed = self._count
        key, segment = key_of_tenant(events=False), ids.new("seg")
        segments.create_hidden(TENANT, segment, "Customers", clock.business())
        people = seed(deployment.cloud.table, self.contacts, segment)
        deployment.run()
        idle = self._idle()
        gc.disable()  # the emulated table is large, and nothing here makes cycles that matter
        at = clock.iso(clock.business() + timedelta(minutes=5))
        trigger = {"type": "schedule", "at": at, "segment": segment} if self.entering == "together" else {"type": "api"}
        body = {"name": "Welcome", "trigger": trigger, "steps": drip(), "activate": True}
        journey = self._asked(key, "journeys.create_journey", body=body)["id"]
        deployment.meter.used.clear()
        if self.entering == "trickle":
            for number, contact in enumerate(people):
                enrol = partial(self._enrol, key, journey, contact)
                deployment.at(deployment.now + DAY * number / len(people), enrol)
        self._sweep_each_minute(deployment.now + DAY * (MAILS + 1))
        deployment.run()
        self._without_idle_sweeps(idle)
        wakes = sum(sk == "WAKE" and pk.startswith(f"{Wake.TYPE}#") for pk, sk in deployment.cloud.table.items)
        return {
            "contacts": self.contacts,
            "entering": self.entering,
            "mailed": self.mailed,
            "wakes": wakes,
            "transitions": deployment.meter.used["advance", "transitions"],
            "used": [[name, kind, number] for (name, kind), number in sorted(deployment.meter.used.items())],
        }

    def _count(self, asked: dict[str, Any]) -> None:
        self.mailed += len(asked["BulkEmailEntries"])

    def _asked(self, key: str, name: str, **request: Any) -> Any:
        answer = self.deployment.ask(name, headers={"x-api-key": key}, **request)
        assert answer["statusCode"] < 300, answer["body"]
        return json.loads(answer["body"])["data"]

    def _enrol(self, key: str, journey: str, contact: str) -> None:
        body = {"contact_ids": [contact]}
        self._asked(key, "journeys.enrol_contacts", path={"journey_id": journey}, body=body)

    def _idle(self) -> Counter[tuple[str, str]]:
        """What sweeps use that find nothing: of that, the idle month is made."""
        for _ in range(2):
            self.deployment.meter.used.clear()
            for name in SWEEPERS:
                self.deployment.invoke(harness.function(name), {})
        return Counter(self.deployment.meter.used)

    def _sweep_each_minute(self, until: float) -> None:
        """As the schedules do, until nothing can be left to do."""

        def sweep() -> None:
            for name in SWEEPERS:
                self.deployment.invoke(harness.function(name), {})
            if self.deployment.now < until:
                self.deployment.at(self.deployment.now + 60, sweep)

        self.deployment.at(self.deployment.now + 60, sweep)

    def _without_idle_sweeps(self, idle: Counter[tuple[str, str]]) -> None:
        """Sweepers run each minute of the year: a journey is charged with what its sweeps use more than others."""
        used = self.deployment.meter.used
        for (name, kind), number in idle.items():
            used[name, kind] = max(0, used[name, kind] - number * used[name, "invocations"])


def main() -> None:
    told = sys.stdout
    entering: Entering = "trickle" if sys.argv[2] == "trickle" else "together"
    told.write(json.dumps(Run(int(sys.argv[1]), entering).go()))


if __name__ == "__main__":
    main()
