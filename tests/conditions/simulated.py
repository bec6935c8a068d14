"""Plays seeds of the simulation without a condition: what no test notices may still break a promise of a send.

`python -m tests.conditions.simulated '<site>'` prints the first promise that is broken, and ends with 1 then.
"""

import os
import subprocess
import sys
from collections.abc import Mapping

from tests.conditions import sites
from tests.conditions.sites import LAYER, ROOT, Site

# What the simulation plays.
CONTEXTS = ("sends", "feedback", "campaigns", "table")
SEEDS = range(1, 21)
BROKEN = 1


def broken(site: Site, seconds: float) -> str | None:
    """The promise that does not hold without the condition, with its seed; None when all hold or time is up.

    It is a process of its own, as the simulation wants it: sets of texts have the same order in each."""
    if site.context not in CONTEXTS:
        return None
    command = [sys.executable, "-m", "tests.conditions.simulated", site.name]
    environment: Mapping[str, str] = {**os.environ, "PYTHONHASHSEED": "0"}
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip().splitlines()[-1] if done.returncode == BROKEN and done.stdout else None


def main() -> int:
    (site,) = (one for one in sites.everywhere() if one.name == sys.argv[1])
    sys.path.insert(0, str(LAYER.parent))
    from tests import conftest  # the environment, before the layer is imported

    os.environ.update(POWERTOOLS_LOG_LEVEL="CRITICAL", POWERTOOLS_METRICS_DISABLED="true")
    from tests.conditions import mutants
    from tests.simulation import runs

    conftest.pytest_collection_finish()
    mutants.load()
    mutants.without(site)
    for result in runs.runs(SEEDS):
        if result.problems:
            sys.stdout.write(f"simulation, seed {result.seed}: {result.problems[0]}\n")
            return BROKEN
    return 0


if __name__ == "__main__":
    sys.exit(main())
