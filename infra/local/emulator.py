"""Starts MiniStack and supplies what it lacks. Runs in MiniStack's own virtual environment, where nothing of ours is.

Each change below makes the emulator more like AWS, or lets a day pass in seconds:

- schedules (`rate`, `cron`) follow the business clock (`drumbeat.clock`) and are looked at twice a second;
- `OPTIONS` reaches a function when the API has no CORS configuration of its own, as on AWS;
- an alarm over a formula of metrics is kept (nothing here raises alarms), where MiniStack would refuse the template;
- a layer is unpacked once and shared by all workers (a vendor layer times 150 functions fills /dev/shm);
- idle workers are ended when there are many: MiniStack keeps one process a function forever;
- workers are forked from a process that has imported what all need (`nursery.py`), where the system can (Linux);
- a queue's consumer runs in few workers: AWS would start twenty at once, each importing for a second, on two cores.
"""

import contextlib
import hashlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SCALE = float(os.environ.get("TIME_SCALE", "1"))
ANCHOR = float(os.environ.get("TIME_ANCHOR", "0"))
SWEEP_SECONDS = 0.5
# A rule of one business minute would fire each second at scale 60: with ten such rules the machine does nothing else.
LEAST_SECONDS_BETWEEN_FIRINGS = 2.0
# About 70 MB each.
MOST_BATCHES_AT_ONCE = int(os.environ.get("EMULATOR_BATCHES", "2"))
MOST_IDLE_WORKERS = int(os.environ.get("EMULATOR_IDLE_WORKERS", "40"))


def put_schedules_on_the_business_clock() -> None:
    """Rates become shorter by `TIME_SCALE`; a cron expression is answered in business time."""
    bus, scheduler = _module("services.eventbridge"), _module("services.scheduler")
    rate, next_fire = bus._parse_rate_seconds, bus._cron_next_fire

    def scaled_rate(expression: str) -> float | None:
        seconds = rate(expression)
        return None if seconds is None else max(seconds / SCALE, min(seconds, LEAST_SECONDS_BETWEEN_FIRINGS))

    def scaled_next_fire(fields: Any, after: datetime) -> datetime | None:
        fire = next_fire(fields, _shifted(after, SCALE))
        return None if fire is None else _shifted(fire, 1 / SCALE)

    bus._parse_rate_seconds, bus._cron_next_fire = scaled_rate, scaled_next_fire
    bus._SCHEDULER_TICK_INTERVAL = scheduler._SCHEDULE_TICK_INTERVAL = SWEEP_SECONDS


def _shifted(moment: datetime, factor: float) -> datetime:
    return moment if SCALE == 1 else datetime.fromtimestamp(ANCHOR + (moment.timestamp() - ANCHOR) * factor, UTC)


def let_options_reach_functions() -> None:
    """MiniStack answers every OPTIONS itself. It asks for the method with `==` once, before it looks for a route."""
    api = _module("services.apigateway")
    execute = api._handle_execute_in_scope

    class Options(str):
        """`OPTIONS` to everyone but the first comparison, which is MiniStack's own preflight."""

        asked = False
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            first, self.asked = not self.asked, True
            return not first and str.__eq__(self, other)

    async def executed(api_id: str, stage: str, path: str, method: str, *others: Any) -> Any:
        own_cors = (api._apis.get(api_id) or {}).get("corsConfiguration")
        return await execute(
            api_id, stage, path, method if method != "OPTIONS" or own_cors else Options(method), *others
        )

    api._handle_execute_in_scope = executed


def keep_alarms_over_formulas() -> None:
    """They are stored as alarms over a metric that nobody writes."""
    provisioners = _module("services.cloudformation.provisioners")
    record = provisioners._cw_metric_alarm_record

    def kept(name: str, properties: dict[str, Any]) -> Any:
        if properties.get("Metrics"):
            others = {key: value for key, value in properties.items() if key != "Metrics"}
            properties = {**others, "MetricName": "Formula", "Namespace": "Formula"}
        return record(name, properties)

    provisioners._cw_metric_alarm_record = kept


def share_layers_between_workers() -> None:
    """A worker's `extractall` of a layer becomes a link to one unpacked copy; functions' own code stays theirs."""
    runtime = _module("core.lambda_runtime")
    shared = Path(tempfile.mkdtemp(prefix="ministack-layers-"))
    lock = threading.Lock()

    class Layer(zipfile.ZipFile):
        def namelist(self) -> list[str]:
            # Asked only to refuse members that escape the folder; `extractall` cannot write outside of it.
            return []

        def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
            everything = super().namelist()
            if not Path(path).name.startswith("layer_"):
                super().extractall(path, everything)
                return
            archive = Path(str(self.filename))
            copy = shared / hashlib.sha256(archive.read_bytes()).hexdigest()
            with lock:
                if not copy.exists():
                    super().extractall(copy.with_suffix(".partial"), everything)
                    copy.with_suffix(".partial").rename(copy)
            for entry in copy.iterdir():
                (Path(path) / entry.name).symlink_to(entry)
            archive.write_bytes(b"")

    runtime.zipfile = SimpleNamespace(ZipFile=Layer, BadZipFile=zipfile.BadZipFile, LargeFileError=zipfile.LargeZipFile)


def end_idle_workers() -> None:
    """Every few seconds, ends the workers that were idle longest, beyond `MOST_IDLE_WORKERS`."""
    runtime = _module("core.lambda_runtime")

    def trim() -> None:
        while True:
            time.sleep(3)
            with runtime._lock:
                doomed = surplus(runtime._workers)
            runtime.kill_workers(doomed)

    threading.Thread(target=trim, daemon=True, name="trim-workers").start()


class Forked:
    """A worker that a nursery made; as much of `subprocess.Popen` as MiniStack uses."""

    def __init__(self, pid: int, stdin: Any, stdout: Any, stderr: Any) -> None:
        self.pid, self.stdin, self.stdout, self.stderr = pid, stdin, stdout, stderr
        try:
            self._process = os.pidfd_open(pid)
        except ProcessLookupError:
            self._process = -1  # it has ended already

    def poll(self) -> int | None:
        ended = self._process < 0 or select.select([self._process], [], [], 0)[0]
        return 0 if ended else None

    def wait(self, timeout: float | None = None) -> int:
        if self._process >= 0 and not select.select([self._process], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return 0

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._process >= 0:
                signal.pidfd_send_signal(self._process, number)

    def __del__(self) -> None:
        if self._process >= 0:
            os.close(self._process)


class Nurseries:
    """One process for each set of layers, from which workers are forked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: dict[tuple[str, ...], tuple[socket.socket, subprocess.Popen[bytes]]] = {}

    def start(self, command: list[str], *, cwd: str, env: dict[str, str], **streams: Any) -> Any:
        """In place of `Popen`: what is no Python worker with layers is started as ever."""
        layers = [folder for folder in env.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep) if folder]
        if command[0] != sys.executable or len(command) != 2 or not layers:
            return subprocess.Popen(command, cwd=cwd, env=env, **streams)
        places = tuple(str((Path(folder) / "python").resolve()) for folder in layers)
        order = {"script": command[1], "folder": cwd, "environment": env, "layers": places}
        inputs, outputs, errors = os.pipe(), os.pipe(), os.pipe()
        with self._lock:
            orders, _ = self._orders.get(places) or self._founded(places)
            socket.send_fds(orders, [json.dumps(order).encode()], [inputs[0], outputs[1], errors[1]])
            pid = int(orders.recv(32))
        for end in (inputs[0], outputs[1], errors[1]):
            os.close(end)
        return Forked(pid, os.fdopen(inputs[1], "w", 1), os.fdopen(outputs[0]), os.fdopen(errors[0]))

    def close(self) -> None:
        """End the nurseries; their workers live on until they are ended, or have read all."""
        for orders, process in self._orders.values():
            orders.close()
            process.wait()

    def _founded(self, places: tuple[str, ...]) -> tuple[socket.socket, subprocess.Popen[bytes]]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        nursery = Path(__file__).with_name("nursery.py")
        process = subprocess.Popen(
            [sys.executable, "-P", str(nursery), str(theirs.fileno()), *places],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._orders[places] = ours, process
        return ours, process


def fork_workers() -> None:
    """Where the system can pass files between processes and wait for those of others."""
    if sys.platform != "linux":
        return
    runtime = _module("core.lambda_runtime")
    names = {name: getattr(subprocess, name) for name in ("PIPE", "DEVNULL", "STDOUT", "TimeoutExpired", "run")}
    runtime.subprocess = SimpleNamespace(**names, Popen=Nurseries().start)


def run_few_batches_at_once() -> None:
    """Of one queue's consumer; a mapping that wants fewer gets fewer."""
    functions = _module("services.lambda_svc")
    wanted = functions._sqs_esm_concurrency
    functions._sqs_esm_concurrency = lambda *about, **more: min(MOST_BATCHES_AT_ONCE, wanted(*about, **more))


def surplus(pools: dict[str, list[Any]]) -> list[Any]:
    """Takes the idle workers beyond the maximum out of their pools, and gives them."""
    idle = sorted(
        (worker for pool in pools.values() for worker in pool if not worker.in_use), key=lambda worker: worker.last_used
    )
    doomed = idle[: max(0, len(idle) - MOST_IDLE_WORKERS)]
    for pool in pools.values():
        pool[:] = [worker for worker in pool if worker not in doomed]
    return doomed


def _module(name: str) -> Any:
    return importlib.import_module(f"ministack.{name}")


def main() -> None:
    put_schedules_on_the_business_clock()
    let_options_reach_functions()
    keep_alarms_over_formulas()
    share_layers_between_workers()
    end_idle_workers()
    fork_workers()
    run_few_batches_at_once()
    _module("app").main()


if __name__ == "__main__":
    main()
