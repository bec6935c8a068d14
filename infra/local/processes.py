"""The processes of a local stack: each with a clean environment, in a group of its own, ended with their owner."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.places import ROOT

# Whatever else the shell has (AWS profiles, proxies, PYTHONPATH) would leak into the functions.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TERM", "USER", "SystemRoot")
HEALTH_SECONDS = 30.0
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class Died(Exception):
    """A process of the stack ended, or never answered; the text has the last lines that it wrote."""


def environment(**more: str) -> dict[str, str]:
    """For what the functions inherit from."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | more


def shell(**more: str) -> dict[str, str]:
    """For tools: they need the shell's registries and proxies, but never its AWS account."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | more


def _ignored(_: str) -> None:
    """What a command writes is in its log."""


@dataclass
class Processes:
    """What was started, by name. `logs` is where each writes `<name>.log`."""

    logs: Path
    tell_warden: Callable[[str], object]
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: list[str], env: dict[str, str]) -> None:
        with (self.logs / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.started[name] = process
        self._tell(f"group {process.pid}")

    def run(self, name: str, command: list[str], env: dict[str, str], line: Callable[[str], None] = _ignored) -> None:
        """Runs a command to its end; `line` sees each line that it writes. Raises Died when it fails."""
        log = self.logs / f"{name}.log"
        with (
            log.open("w") as file,
            subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace", start_new_session=True,
            ) as process,
        ):  # fmt: skip
            self._tell(f"group {process.pid}")
            for text in process.stdout or ():
                file.write(text)
                line(text)
        self._tell(f"forget {process.pid}")
        if process.returncode:
            raise Died(f"{' '.join(command[:4])} … failed ({process.returncode}); all of it: {log}\n{self._tail(name)}")

    def remove_at_end(self, folder: Path) -> None:
        self._tell(f"folder {folder}")

    def wait_until_healthy(self, name: str, url: str) -> None:
        """Until `url` answers with 200. Raises Died."""
        deadline = time.monotonic() + HEALTH_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - ours
                if reply.status == 200:
                    return
            time.sleep(0.05)
        raise Died(f"{name} does not answer at {url}.\n{self._tail(name)}")

    def wait_until_open(self, name: str, port: int) -> None:
        """Until something listens there. Raises Died."""
        deadline = time.monotonic() + HEALTH_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.05)
        raise Died(f"{name} does not listen on {port}.\n{self._tail(name)}")

    def check(self) -> None:
        """Raises Died when one of them has ended."""
        for name, process in self.started.items():
            if process.poll() is not None:
                raise Died(f"{name} ended with code {process.returncode}.\n{self._tail(name)}")

    def _tell(self, line: str) -> None:
        self.tell_warden(line + "\n")

    def _tail(self, name: str) -> str:
        return "\n".join((self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-20:])


@contextlib.contextmanager
def processes(logs: Path) -> Iterator[Processes]:
    """Runs processes for as long as the block; afterwards, or when this process is killed, the warden ends them."""
    logs.mkdir(parents=True, exist_ok=True)
    told, tell = os.pipe()
    command = [sys.executable, "-m", "infra.local.warden"]
    warden = subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=told, start_new_session=True)
    os.close(told)
    with open(tell, "w", buffering=1) as pipe:  # noqa: PTH123 - a file descriptor
        running = Processes(logs, pipe.write)
        try:
            yield running
        finally:
            pipe.close()
            while warden.poll() is None:
                # To the warden, a process that has ended but was not collected still looks alive.
                for process in running.started.values():
                    process.poll()
                time.sleep(0.02)
