"""Starts workers of Python functions by forking: what nearly all of them import is imported once, here.

A worker that starts by itself imports for most of a second; with 170 functions on two cores that is what people would
wait for. `emulator.py` runs this file with MiniStack's Python: `nursery.py <socket> <folder of a layer>…`. Each order
that comes over the socket is a worker's script, folder and environment, with its three standard streams; the answer is
its process id.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import sys
from typing import Any

# Only what belongs to nobody: our own code reads its environment when it is imported.
SHARED = (
    "aws_lambda_powertools.logging", "aws_lambda_powertools.metrics", "botocore.client", "botocore.session",
    "pydantic", "pynamodb.indexes", "pynamodb.models", "pynamodb.connection", "zoneinfo",
)  # fmt: skip
MOST_BYTES = 1 << 18


def main() -> None:
    orders = socket.socket(fileno=int(sys.argv[1]))
    sys.path[:0] = sys.argv[2:]
    for name in SHARED:
        with contextlib.suppress(ImportError):  # a layer without it: its functions do not need it
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks for exit codes
    while True:
        order, streams, _, _ = socket.recv_fds(orders, MOST_BYTES, 3)
        if not order:
            return
        child = os.fork()
        if child == 0:
            orders.close()
            work(json.loads(order), streams)
        for stream in streams:
            os.close(stream)
        orders.sendall(str(child).encode())


def work(order: dict[str, Any], streams: list[int]) -> None:
    """Be the worker, as if it had been started by itself; does not return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(os.fdopen(number, mode), encoding="utf-8", line_buffering=number > 0)
        for number, mode in enumerate(("rb", "wb", "wb"))
    )
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    sys.argv = [order["script"]]
    sys.path[:] = [place for place in sys.path if place not in order["layers"]]  # the worker puts its own there
    ended = 1
    try:
        runpy.run_path(order["script"], run_name="__main__")
        ended = 0
    except SystemExit as asked:
        ended = int(asked.code or 0) if isinstance(asked.code, int | None) else 1
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(ended)


if __name__ == "__main__":
    main()
