"""Hostile values in every field of every body, for as long as asked: {"seed", "seconds"} →
{"problems", "examples", "whole": examples that met all values}."""

import itertools
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests import conftest as conftest  # first: it says where the layer finds everything

from moto import mock_aws  # isort: skip

from tests import hostile, quick_moto  # isort: skip
from tests.unit.mail import provider  # isort: skip


def walked(seed: int, seconds: float) -> dict[str, Any]:
    """Each example gets its share of the time that is left, so that a short walk looks at all of them."""
    problems: list[str] = []
    chance, until = random.Random(seed), time.monotonic() + seconds
    examples = hostile.examples()
    chance.shuffle(examples)
    done = 0
    with mock_aws(), tempfile.TemporaryDirectory() as folder:
        for number, example in enumerate(examples):
            values = itertools.cycle(chance.sample(sorted(hostile.VALUES), len(hostile.VALUES)))
            end = time.monotonic() + (until - time.monotonic()) / (len(examples) - number)
            if example.simulated:
                with provider(Path(folder) / str(number)):
                    problems += hostile.walk(example, values, len(hostile.VALUES), end)
            else:
                problems += hostile.walk(example, values, len(hostile.VALUES), end)
            done += time.monotonic() < end
    return {"problems": problems, "examples": len(examples), "whole": done}


if __name__ == "__main__":
    quick_moto.quicken()
    sys.stdout.write(json.dumps(walked(**json.loads(sys.argv[1]))) + "\n")
