"""Campaigns on the deployed local stack, with faults of requests by the proxy and those of the simulated provider."""

import itertools
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from infra.local.stack import Plan, Stack, up
from tests.stack.company import founded
from tests.stack.provider import provider
from tests.stack.storm import weathered

RECIPIENTS = 1_000


def run(until: float, console: Console, seed: int | None = None) -> int:
    """One stack, and a tenant with a campaign for each seed; at least one."""
    shown = Table(
        "seed", "recipients", "faults", "seconds", title="Campaigns on the deployed stack", title_justify="left"
    )
    failed, longest = 0, 0.0
    with (
        tempfile.TemporaryDirectory(prefix="drumbeat-soak-") as folder,
        up(Plan(Path(folder), ports=(0, 0))) as (stack, _),
    ):
        for number in itertools.count(1) if seed is None else (seed,):
            if number > 1 and seed is None and time.monotonic() + longest > until:
                break
            began = time.monotonic()
            try:
                struck = _campaign(stack, number)
            except Exception as problem:  # noqa: BLE001 - whatever ends a campaign, its command plays it again
                failed += 1
                again = f".venv/bin/python -m tests.soak stack --seed {number}"
                console.print(f"seed {number} fails. Again: {again}", style="bold red", soft_wrap=True)
                console.print(f"{type(problem).__name__}: {problem}"[:2_000], markup=False)
                continue
            longest = max(longest, time.monotonic() - began)
            shown.add_row(f"{number}", f"{RECIPIENTS:,}", f"{sum(struck.values())}", f"{time.monotonic() - began:.0f}")
    console.print(shown)
    return failed


def _campaign(stack: Stack, seed: int) -> dict[str, int]:
    with founded(stack, f"storm{seed}") as shop, provider(stack) as simulated:
        return weathered(stack, shop, simulated, name=f"storm{seed}", many=RECIPIENTS, seed=seed, proxied=True)
