"""schemathesis over the whole API as one caller, for as long as asked: {"seed", "seconds", "caller", "phases",
"examples"} → {"problems", "judged", "routes"}."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests import conftest as conftest  # first: it says where the layer finds everything

from moto import mock_aws  # isort: skip

from tests import conformance, quick_moto  # isort: skip
from tests.unit.mail import provider  # isort: skip
from tests.world import World  # isort: skip


def asked(seed: int, seconds: float, caller: str, phases: list[str], examples: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, provider(Path(folder)) as ses, mock_aws():
        world = World()
        world.build()
        conformance.verify_senders(ses)
        who = conformance.callers(world)[caller]
        found = conformance.run(
            world, who, phases=frozenset(phases), examples=examples, seed=seed,
            seconds=max(1, int(seconds)),
        )  # fmt: skip
    return {"problems": found.problems, "judged": found.judged, "routes": len(found.asked)}


if __name__ == "__main__":
    quick_moto.quicken()
    sys.stdout.write(json.dumps(asked(**json.loads(sys.argv[1]))) + "\n")
