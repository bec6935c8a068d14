"""Where the local stack keeps things, and which ports it takes."""

import contextlib
import fcntl
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Kept between runs, and shared by the developer's stack and the tests': what takes long to make.
KEPT = ROOT / ".local"
TEMPLATES = KEPT / "cdk.out"
EMULATOR = KEPT / "emulator"
_VOLATILE = "drumbeat-local-"


class Busy(Exception):
    """Someone else holds what is asked for; the text says who and what to do."""


@contextlib.contextmanager
def held(lock: Path, *, wait: bool, refusal: str = "") -> Iterator[None]:
    """Holds a lock file, which then names this process, until the block or the process ends in any way. Raises Busy."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy(refusal) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


def holder(lock: Path) -> int | None:
    """The process that holds a lock file now, or None."""
    if not lock.exists():
        return None
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return int(file.read() or 0) or None
    return None


def volatile_folder() -> Path:
    """A new folder, in memory where there is such a place, for what workers unpack. Whoever ends them removes it."""
    return Path(tempfile.mkdtemp(prefix=_VOLATILE, dir=_in_memory()))


def remove_stale_folders() -> None:
    """Removes the folders of stacks that were killed together with what cleans up after them."""
    for folder in Path(_in_memory() or tempfile.gettempdir()).glob(f"{_VOLATILE}*"):
        if folder.is_dir() and os.access(folder, os.W_OK) and holder(folder / "lock") is None and _is_old(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_old(folder: Path) -> bool:
    """Another stack that starts now has made its folder, but may not have locked it yet."""
    return time.time() - folder.stat().st_mtime > 60


def _in_memory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - mkdtemp makes the folder in it


def free_port(preferred: int = 0) -> int:
    """The preferred port of 127.0.0.1 when nobody has it, or one that the system picks."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Busy("no free port on 127.0.0.1")
