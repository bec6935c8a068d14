"""Ends the processes of a local stack when its owner is gone, in whatever way it went.

Its owner writes lines to its standard input: `group <id>`, `forget <id>` (it ended) and `folder <path>`. When the input
ends (a closed pipe, so also when the owner was killed) all groups get SIGTERM, what is left of them SIGKILL, and the
folders are removed.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

GRACE_SECONDS = 2.0


def end(groups: list[int]) -> None:
    """Asks each process group to end, and ends those that don't."""
    for signal_ in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + GRACE_SECONDS
        for group in groups:
            _send(group, signal_)
        while (groups := [group for group in groups if _send(group, 0)]) and time.monotonic() < deadline:
            time.sleep(0.05)


def _send(group: int, signal_: int) -> bool:
    try:
        os.killpg(group, signal_)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    words = [line.rstrip("\n").split(" ", 1) for line in sys.stdin]
    forgotten = {value for kind, value in words if kind == "forget"}
    end([int(value) for kind, value in words if kind == "group" and value not in forgotten])
    for kind, value in words:
        if kind == "folder":
            shutil.rmtree(Path(value), ignore_errors=True)


if __name__ == "__main__":
    main()
