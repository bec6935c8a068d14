"""What `infra.scale` computes with: a benchmark's figures a recipient, in one small object."""

import datetime
from collections.abc import Mapping
from typing import Any

from tests import harness
from tests.bench import budgets

# Whoever is at work while a send goes out; the rest is started a few times a send.
BUSY = ("sends.deliver_chunk", "sends.govern_account", "feedback.apply_feedback", "tracking.record_open",
        "tracking.follow_link", "segments.evaluate_changes")  # fmt: skip


def of(found: Mapping[str, Any], traced: Mapping[str, bool], totals: Mapping[int, float]) -> dict[str, Any]:
    """From the run of 20,000 without message events and the one with them. `totals`: dollars a million by size."""
    off, on = found["off"], found["on"]
    many = float(off["recipients"])
    used: dict[tuple[str, str], float] = {(name, kind): number / many for name, kind, number in off["used"]}

    def total(*kinds: str) -> float:
        return sum(number for (_, kind), number in used.items() if kind in kinds)

    def seconds(name: str) -> float:
        return used[name, "GB-seconds"] / (harness.function(name).declaration.memory / 1024)

    planned = sum(
        used.get((name, "table writes"), 0.0)
        for name in ("sends.deliver_chunk", "sends.govern_account", "sends.plan_chunks")
    )
    limit = {name: harness.function(name).declaration for name in (*BUSY, "campaigns.roll_up_send")}
    worker = limit["campaigns.roll_up_send"]
    rolled = float(found["performance"]["roll_up"]["seconds"]) / float(found["performance"]["answer"]["recipients"])
    return {
        "measured": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "sizes": [min(totals), max(totals)],
        "spread": round(budgets.spread(totals), 3),
        "dollars": {
            "without events": round(budgets.cost(off, traced)[1], 2),
            "with events": round(budgets.cost(on, traced)[1], 2),
        },
        "each": {
            "writes": round(total("table writes"), 3),
            "reads": round(total("reads", "stale reads"), 3),
            # One row of the recipient's timeline is no chunk's.
            "chunk_writes": round(planned - 1, 4),
            "index_writes": round(total("index writes"), 4),
            "api": round(total("api requests"), 3),
            "sns": round(total("sns publishes"), 3),
            "transitions": round(total("transitions"), 5),
            "bus": round(sum(number for _, kind, number in on["used"] if kind == "bus events") / many, 3),
            "stored_bytes": round(off["stored_bytes"] / many),
        },
        "seconds": {name: round(seconds(name), 6) for name in BUSY},
        # A processor's share at this memory: 1,769 MB have a whole one.
        "roll_up_seconds": round(rolled * 1769 / worker.memory, 7),
        "limits": {
            "workers": limit["sends.deliver_chunk"].concurrency,
            "feedback": limit["feedback.apply_feedback"].concurrency,
            "roll_up": worker.timeout,
        },
        "worker_mb": round(max(run["peak"] for run in found["apart"])),
    }
