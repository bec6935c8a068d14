"""Campaigns of 20,000 recipients through the real handlers in sixteen threads, against an AWS emulator with faults.

Messages come twice, late, to ten workers at once; workers die at every point of a delivery; requests to the table, the
queues, the machines and the provider are refused, lost, or answered to nobody; what the provider reports comes three
times, in any order and up to two hours late. Then: everybody once, everybody accounted for, and true numbers.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from infra.local.places import ROOT
from infra.local.processes import CREDENTIALS, environment
from tests.soak.engine.emulator import Emulated, emulated

RECIPIENTS, CHUNK, GRACE = 20_000, 50, 9_000
POLICIES = ("never", "after_grace", "after_grace")


def campaign(seed: int, recipients: int, chunk: int, grace: int = GRACE) -> dict[str, Any]:
    """What happened with a seed: a campaign of so many recipients, with an emulator and a provider of its own."""
    with tempfile.TemporaryDirectory(prefix="drumbeat-soak-") as folder, emulated(Path(folder)) as places:
        return played(seed, recipients, chunk, places, grace)


def played(seed: int, recipients: int, chunk: int, places: Emulated, grace: int = GRACE) -> dict[str, Any]:
    """The same with an emulator and a provider that run already; the provider tells of no mail by itself."""
    name = f"soak-{seed}-{os.getpid()}"
    wanted = {
        "seed": seed, "recipients": recipients, "chunk": chunk, "policy": POLICIES[seed % len(POLICIES)],
        "provider": places.provider, "name": name, "grace": grace,
    }  # fmt: skip
    child = environment(
        **CREDENTIALS, AWS_REGION=CREDENTIALS["AWS_DEFAULT_REGION"], TABLE=name, BUS="drumbeat", BUCKET="drumbeat",
        PUBLIC_URL="https://track.example", SHARED_SENDERS="acme.example", ENVIRONMENT_ID="soak",
        AWS_ENDPOINT_URL=places.aws, AWS_ENDPOINT_URL_SESV2=places.provider,
        DNS_SERVER=places.provider.removeprefix("http://"), POWERTOOLS_SERVICE_NAME="soak",
        POWERTOOLS_LOG_LEVEL="CRITICAL", POWERTOOLS_METRICS_NAMESPACE="Soak",
        PYTHONPATH=os.pathsep.join([str(ROOT), str(ROOT / "layers" / "drumbeat" / "python")]),
    )  # fmt: skip
    command = [sys.executable, "-m", "tests.soak.engine.campaign", json.dumps(wanted)]
    done = subprocess.run(command, env=child, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        return {"problems": [f"it ended with {done.returncode}: {said}"], "policy": wanted["policy"]}
    return {**json.loads(done.stdout.splitlines()[-1]), "policy": wanted["policy"]}


def replay(seed: int) -> str:
    return f".venv/bin/python -m tests.soak threads --seed {seed}"


def run(until: float, console: Console, seed: int | None = None) -> int:
    """Seed after seed for as long as another one is likely to fit; at least one."""
    shown, failed, longest = _table(), 0, 0.0
    for number in itertools.count(1) if seed is None else (seed,):
        if number > 1 and seed is None and time.monotonic() + longest > until:
            break
        began = time.monotonic()
        found = campaign(number, RECIPIENTS, CHUNK)
        longest = max(longest, time.monotonic() - began)
        shown.add_row(*_cells(number, found))
        if found["problems"]:
            failed += 1
            console.print(f"seed {number} fails. Again: {replay(number)}", style="bold red", soft_wrap=True)
            for problem in found["problems"][:20]:
                console.print(f"  {problem}", markup=False)
        for exception in found.get("exceptions", [])[:20]:
            console.print(f"  seed {number}, excepted: {exception}", style="dim", markup=False)
    console.print(shown)
    return failed


def _table() -> Table:
    table = Table(title=f"Campaigns of {RECIPIENTS:,} in sixteen threads", title_justify="left")
    columns = (
        "seed", "policy", "eligible", "accepted", "duplicates", "missing", "opted out", "excepted", "threads",
        "strikes", "killed", "hours", "seconds",
    )  # fmt: skip
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _cells(seed: int, found: dict[str, Any]) -> list[str]:
    if "eligible" not in found:
        return [str(seed), found["policy"], *["-"] * 11]
    struck, killed = sum(found["struck"].values()), found["happened"].get("killed", 0)
    numbers = (
        found["eligible"], found["accepted"], found["duplicates"], found["missing"], found["opted_out"],
        len(found["exceptions"]), found["at_once"], struck, killed,
    )  # fmt: skip
    times = (f"{found['business_hours']:.1f}", f"{found['seconds']:.0f}")
    return [str(seed), found["policy"], *(f"{number:,}" for number in numbers), *times]
