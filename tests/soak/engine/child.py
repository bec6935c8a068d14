"""A part's work in a process of its own, on moto: its modules are imported in an environment that is made for them."""

import json
import os
import subprocess
import sys
from typing import Any

from infra.local.places import ROOT
from infra.local.processes import CREDENTIALS, environment


def answer(module: str, asked: dict[str, Any]) -> dict[str, Any]:
    """What `python -m <module> <asked as JSON>` prints last, as JSON; {"problems": […]} when it died."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers" / "drumbeat" / "python")])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, json.dumps(asked)],
        env=environment(**CREDENTIALS, PYTHONPATH=path), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return {"problems": [f"it ended with {done.returncode}: {done.stderr[-3000:]}"]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
