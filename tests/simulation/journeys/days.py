"""The cloud for weeks: besides what campaigns need, the queue and the machines of journeys."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from drumbeat.activity.work import HappenedMessage

from tests.simulation import clouds
from tests.simulation.clouds import Cloud
from tests.simulation.store import Store

# The share of executions that never begin.
START_LOST = 0.05
# Workers die more often than those of campaigns: most of their calls are writes between which they must not.
KILLED = 0.004
# How often something happens to a member in the moment in which its wake acts.
BESIDE, IN_THE_MIDDLE = 0.6, 0.8
ACTING, HAPPENING = frozenset({"journeys.advance_wake"}), frozenset({"journeys.meet_event", "activity.record_events"})
# Seconds after which there is a sweep even though nothing is due.
MOST_APART = 6 * 3600.0


class Days(Cloud):
    """An account with a deployment in it. `happens` gives what happens while a journey's wake acts, and whether
    somebody enters with that."""

    consumers = {**clouds.CONSUMERS, "happened": "journeys.meet_event"}
    steps = {
        **clouds.STEPS, "advance": "journeys.advance_wake", "enrol": "journeys.enrol_audience",
        "measure": "journeys.measure_journey",
    }  # fmt: skip
    sweeps = ("sends.sweep_sends", "journeys.sweep_journeys")
    swept = ("deliver", "roll_up")
    happens: Callable[[Mapping[str, Any]], tuple[Callable[[], None], bool]] | None = None

    def __init__(self, seed: int, store: Store, start: float) -> None:
        super().__init__(seed, store, start)
        self.wire.killed = KILLED
        self._swept = start
        # Rows whose message was quicker than the stream.
        self._told: set[str] = set()

    def first_after(self, machine: str, state: Mapping[str, Any]) -> float:
        return max(0.1, float(state.get("wait_seconds", 0))) if machine == "advance" else 0.1

    def _start_execution(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        machine = kwargs["stateMachineArn"].rpartition("-")[2]
        new = machine in ("advance", "enrol") and (machine, kwargs["name"]) not in self._executions
        if new and self.work.strikes("execution never began", START_LOST):
            self._executions.add((machine, kwargs["name"]))
            return {"executionArn": kwargs["name"]}
        return super()._start_execution(kwargs)

    def beside(self, machine: str, state: Mapping[str, Any]) -> tuple[list[Callable[[], None]], int | None]:
        """Who enters wants to join a wake, and the wake acts in the middle of that; who does what a member waits for
        does it in the middle of the wake's work. Or both take turns at all calls."""
        self.work.quick = frozenset()
        if machine != "advance" or self.happens is None or not self.work.drawn(BESIDE):
            return [], None
        act, enters = self.happens(state)
        if self.work.drawn(IN_THE_MIDDLE):
            self.work.quick = ACTING if enters else HAPPENING
            return [act], 0 if enters else 1
        return [act], None

    def tell_at_once(self, tenant: str, contact: str, row: str, skew: float) -> None:
        """The message of a timeline's row comes in the moment in which it was written, to a worker whose clock is so
        wrong; the stream brings it no more."""
        self._told.add(row)
        self.work.next_skew = skew
        self._consume("happened", [HappenedMessage(tenant=tenant, contact=contact, row=row).model_dump_json()])

    def put(self, queue: str, body: str, delay: float = 0.0) -> None:
        if queue != "happened" or json.loads(body).get("row") not in self._told:
            super().put(queue, body, delay)

    def is_due(self) -> bool:
        """Whether a sweep would find anything, as good as: sends that are open all day are looked at every few minutes
        in life, and here every few hours unless a chunk is due."""
        now = datetime.fromtimestamp(self.work.now, UTC).isoformat()[:19]
        return self.work.now > self._swept + MOST_APART or any(
            entries and partition.startswith("DUE#") and entries[0][0][:19] <= now
            for partition, entries in self.store.indexes["gsi2"].items()
            if not partition.startswith(("DUE#sends#", "DUE#campaigns#"))
        )

    def sweep(self) -> None:
        """The functions that run by the clock."""
        self._swept = self.work.now
        super().sweep()
