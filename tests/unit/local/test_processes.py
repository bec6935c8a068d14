"""Nothing of a local stack outlives it, however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.local.places import ROOT, Busy, held, holder
from infra.local.processes import Died, environment, processes, shell

OWNER = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it
from pathlib import Path
from infra.local.processes import environment, processes
with processes(Path(sys.argv[1])) as running:
    (Path(sys.argv[1]) / "memory").mkdir()
    running.remove_at_end(Path(sys.argv[1]) / "memory")
    running.start("sleeper", [sys.executable, "-c", sys.argv[2]], environment())
    print(running.started["sleeper"].pid, flush=True)
    time.sleep(60)
"""
SLEEPER = "import subprocess, sys, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def gone(group: int, within: float) -> bool:
    """Whether nothing of the process group runs any more; those that nobody has collected yet don't run."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        listed = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
        if not any(
            int(pgid) == group and not state.startswith("Z") for pgid, state in map(str.split, listed.splitlines())
        ):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_they_end_with_their_owner(tmp_path: Path, end: signal.Signals) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path), SLEEPER]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdout
        group = int(owner.stdout.readline())
        owner.send_signal(end)
        owner.wait(20)

    assert gone(group, within=10)
    deadline = time.monotonic() + 10
    while (tmp_path / "memory").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not (tmp_path / "memory").exists()


def test_one_that_ignores_the_first_signal_gets_the_second(tmp_path: Path) -> None:
    with processes(tmp_path) as running:
        running.start("stubborn", [sys.executable, "-c", STUBBORN], environment())
        group = running.started["stubborn"].pid
        time.sleep(0.3)

    assert gone(group, within=1)


def test_a_failed_command_shows_what_it_wrote(tmp_path: Path) -> None:
    with processes(tmp_path) as running, pytest.raises(Died, match="no such stack"):
        running.run("deploy", [sys.executable, "-c", "print('no such stack'); raise SystemExit(3)"], environment())


def test_one_that_dies_early_is_noticed(tmp_path: Path) -> None:
    with processes(tmp_path) as running:
        running.start("emulator", [sys.executable, "-c", "print('port taken')"], environment())
        with pytest.raises(Died, match="port taken"):
            running.wait_until_healthy("emulator", "http://127.0.0.1:1/health")


def test_the_shells_account_never_reaches_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")

    assert "AWS_PROFILE" not in shell() | environment()
    assert "PYTHONPATH" not in environment()


def test_a_folder_has_one_stack(tmp_path: Path) -> None:
    lock = tmp_path / "stack.lock"
    with held(lock, wait=False):
        assert holder(lock) == os.getpid()
        with pytest.raises(Busy, match="already"), held(lock, wait=False, refusal="already running"):
            pass

    assert holder(lock) is None
