"""`python -m infra.local.simulators --port 4570 --data DIR [--config FILE]`; prints its address as one line of JSON."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from .config import BadConfig, Config, merge
from .server import Simulators


def main() -> int:
    """Serve until SIGTERM, SIGINT, or the end of the process that started it (`--with-parent`)."""
    parser = argparse.ArgumentParser(
        prog="simulators", description="Simulators of SES, SendGrid and Twilio on 127.0.0.1."
    )
    parser.add_argument("--port", type=int, default=4570)
    parser.add_argument("--data", type=Path, required=True, help="folder for keys and the mailbox")
    parser.add_argument("--config", type=Path, help="JSON as PUT /config takes it")
    parser.add_argument("--with-parent", action="store_true", help="end when the starting process ends")
    options = parser.parse_args()
    try:
        config = merge(Config(), json.loads(options.config.read_text())) if options.config else Config()
    except (OSError, ValueError, BadConfig) as error:
        print(f"{options.config}: {error}", file=sys.stderr)
        return 2
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    parent = os.getppid()
    with Simulators(options.data, config, options.port) as running:
        print(json.dumps({"url": running.url, "mailbox_url": f"{running.url}/mailbox"}), flush=True)
        while not stop.wait(1.0):
            if options.with_parent and os.getppid() != parent:
                break
    return 0


if __name__ == "__main__":
    sys.exit(main())
