"""Plays seeds of the simulation: `python -m tests.simulation 7`, or `1-50`, and says what does not hold; with
`journeys` before them, those of journeys.

Sets of texts have another order in each process unless PYTHONHASHSEED says otherwise, so it always says 0 here.
"""

import argparse
import importlib
import json
import os
import sys
from collections import Counter

KINDS = {"campaigns": "tests.simulation.runs", "journeys": "tests.simulation.journeys.runs"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("of", nargs="?", choices=sorted(KINDS), default="campaigns", help="what is played (campaigns)")
    parser.add_argument("seeds", help="one, or a range such as 1-50")
    parser.add_argument("--people", type=int, default=100, help="of each of the two tenants")
    parser.add_argument("--variant", nargs="+", help="broken ones in the product's place, each until it is caught")
    parser.add_argument("--log", default="CRITICAL", help="the level of the functions' own log")
    parser.add_argument("--digests", action="store_true", help="of each run, to compare it with another one")
    asked = parser.parse_args()
    first, _, last = asked.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)

    sys.path.insert(0, "layers/drumbeat/python")
    from tests import conftest  # the environment, before the layer is imported

    os.environ.update(POWERTOOLS_LOG_LEVEL=asked.log, POWERTOOLS_METRICS_DISABLED="true")
    played = importlib.import_module(KINDS[asked.of])

    conftest.pytest_collection_finish()
    failed, happened, seconds = 0, Counter[str](), 0.0
    for variant in asked.variant or [None]:
        if variant:
            _say(f"variant {variant}:")
        for result in played.runs(seeds, asked.people, variant):
            happened.update(result.happened)
            seconds += result.seconds
            if asked.digests:
                _say(f"seed {result.seed}: digest {result.digest}")
            for exception in () if variant else result.exceptions:
                _say(f"seed {result.seed}: excepted: {exception}")
            if result.problems:
                failed += 1
                _say("\n    ".join((f"seed {result.seed}:", *result.problems[:10])))
                _say(f"    again: {played.replay(result.seed, asked.people, variant)}")
                if variant:
                    break
    sys.stderr.write(f"{seconds:.1f} s of processor time\n")
    _say(json.dumps({"failed": failed, "happened": dict(sorted(happened.items()))}))
    return 1 if failed else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        command = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})  # noqa: S606 - itself
    sys.exit(main())
