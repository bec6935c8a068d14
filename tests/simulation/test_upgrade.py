"""An upgrade in the middle of a send, with all that goes wrong on a bad day: everybody gets it once, and what the next
release writes survives this one. The seeds run in a process of their own, as those of `test_sending` do."""

import json
import os
import subprocess
import sys

from tests.harness import ROOT

SEEDS = 12


def test_everybody_gets_it_once_while_two_releases_are_at_work() -> None:
    command = (sys.executable, "-m", "tests.simulation.upgrade", f"1-{SEEDS}")
    run = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    calls = json.loads(run.stdout.splitlines()[-1])["calls"]
    assert min(calls[f"{release} sends.deliver_chunk"] for release in ("this", "next")) > 3 * SEEDS, calls
    assert calls["chunks of the next format"] > SEEDS and calls["sets of the next release"] > SEEDS, calls
    assert calls["outcomes of the next release"] > SEEDS and calls["asked to come again"], calls
