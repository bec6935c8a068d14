"""`python -m infra.local up | down | status | logs [context]`: the local stack of this checkout."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from rich.console import Console

from infra.local.fixtures import Refused
from infra.local.logs import followed
from infra.local.places import KEPT, Busy, holder
from infra.local.processes import Died, Processes
from infra.local.stack import TIME_SCALE, Plan, Stack, read, up

console = Console(highlight=False)
SHOWN = ("api_url", "api_key", "tenant", "docs_url", "mailbox_url", "sign_url")


def main() -> int:
    parser = argparse.ArgumentParser(prog="infra.local", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status", "logs"))
    parser.add_argument("context", nargs="?", default="", help="whose logs: contacts, sends, …")
    parser.add_argument("--folder", type=Path, default=KEPT, help="where stack.json, logs and the mailbox are")
    parser.add_argument("--time-scale", type=float, default=float(os.environ.get("TIME_SCALE", TIME_SCALE)))
    parser.add_argument("--for", type=float, dest="seconds", help="end after so many seconds, not on ctrl-C")
    options = parser.parse_args()
    # `kill` and `down` end the stack as ctrl-C does: through every `finally`.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.command == "up":
            return _up(Plan(options.folder, options.time_scale), options.seconds)
        if options.command == "logs":
            return _logs(options.folder, options.context)
        return _down(options.folder) if options.command == "down" else _status(options.folder)
    except KeyboardInterrupt:
        return 0
    except (Busy, Died, Refused) as trouble:
        console.print(str(trouble), style="red", markup=False, soft_wrap=True)
        return 1


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _up(plan: Plan, seconds: float | None) -> int:
    with up(plan) as (stack, running):
        _show(stack)
        console.print(f"Also in {plan.folder / 'stack.json'}; logs in {stack.logs}.", soft_wrap=True)
        _stay(running, seconds)
    return 0


def _stay(running: Processes, seconds: float | None) -> None:
    console.print(f"Ends after {seconds:g} s." if seconds else "Ends with ctrl-C.")
    end = time.monotonic() + seconds if seconds else None
    while end is None or time.monotonic() < end:
        running.check()
        time.sleep(min(1.0, max(0.0, end - time.monotonic())) if end else 1.0)


def _down(folder: Path) -> int:
    process = holder(folder / "stack.lock")
    if process is None:
        console.print("No local stack is running here.")
        return 0
    os.kill(process, signal.SIGTERM)
    while holder(folder / "stack.lock") == process:
        time.sleep(0.1)
    console.print("Stopped.")
    return 0


def _status(folder: Path) -> int:
    _show(read(folder))
    return 0


def _logs(folder: Path, context: str) -> int:
    for line in followed(read(folder).client("logs"), context):
        console.print(line, markup=False, soft_wrap=True)
    return 0


def _show(stack: Stack) -> None:
    shown = [(name, getattr(stack, name)) for name in SHOWN]
    shown += [(f"callback {name}", url) for name, url in sorted(stack.callback_urls.items())]
    shown.append(("clock", f"{stack.time_scale:g} times faster than real time"))
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        console.print(f"{name.replace('_', ' '):<{width}}  {value}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
