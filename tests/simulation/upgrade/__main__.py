"""Plays an upgrade in the middle of sends: `python -m tests.simulation.upgrade 7`, or `1-50`.

Workers of this release and of a next one (`next_release`) are at one table, in turns that chance decides, on the bad
days of the simulation. Sets of texts have the same order each time: PYTHONHASHSEED says 0.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

PEOPLE = 40


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.upgrade", description=__doc__)
    parser.add_argument("seeds", help="one, or a range such as 1-50")
    first, _, last = parser.parse_args().seeds.partition("-")
    from tests import conftest  # the environment, before the layer is imported

    conftest.pytest_collection_finish()
    os.environ.update(POWERTOOLS_LOG_LEVEL="CRITICAL", POWERTOOLS_METRICS_DISABLED="true")
    from tests.simulation.upgrade import rollout

    failed, calls = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder, rollout.both_releases(Path(folder)):
        for seed in range(int(first), int(last or first) + 1):
            made, problems = rollout.played(seed, PEOPLE)
            calls += made
            if problems:
                failed += 1
                again = f"again: .venv/bin/python -m tests.simulation.upgrade {seed}"
                sys.stdout.write("\n    ".join((f"seed {seed}:", *problems[:10], again)) + "\n")
                sys.stdout.flush()
    sys.stdout.write(json.dumps({"failed": failed, "calls": dict(sorted(calls.items()))}) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        command = [sys.executable, "-m", "tests.simulation.upgrade", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606 - itself
    sys.path.insert(0, "layers/drumbeat/python")
    sys.exit(main())
