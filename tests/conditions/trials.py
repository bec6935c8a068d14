"""Runs tests without a condition, in a process of its own for each: a fork of one that has everything loaded.

It is a plugin of pytest: the tests are collected once, then each child runs those that pass its site, the quickest
first, and stops at the first that fails.
"""

import json
import os
import resource
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.conditions import simulated
from tests.conditions.book import Book
from tests.conditions.sites import Site

# Each child is one process at work; the machine has other things to do, too.
AT_ONCE = 2
SECONDS_A_FILE = 600.0

Say = Callable[[str], None]


class Trials:
    """The plugin. `outcome` has for each tried site the test that failed without it, or None for a survivor."""

    def __init__(
        self, book: Book, sites: list[Site], wanted: list[Site], until: float, seconds: int, say: Say,
        killers: dict[str, str],
    ) -> None:  # fmt: skip
        self.book, self.sites, self.wanted, self.until, self.seconds = book, sites, wanted, until, seconds
        self.say, self.killers = say, killers
        self.outcome: dict[str, str | None] = {}
        self.items: dict[str, pytest.Item] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        # Not before: the layer reads its environment once, and tests/conftest.py sets it.
        from tests.conditions import mutants

        self.mutants = mutants
        mutants.load()
        self._warm_up()
        self._watch()
        self._try()
        return True

    def _warm_up(self) -> None:
        """Make a deployment here once: each child would spend a second on it."""
        with _quiet():
            _fails(next(item for item in self.items.values() if "world" in getattr(item, "fixturenames", ())))

    def _watch(self) -> None:
        """Learn what the tests of new and changed files pass."""
        files: dict[str, list[pytest.Item]] = {}
        for item in self.items.values():
            files.setdefault(item.nodeid.split("::")[0], []).append(item)
        stale = [file for file in files if self.book.stale(file)]
        work = ((file, lambda file=file: self._watched(files[file]), SECONDS_A_FILE) for file in stale)
        for file, told in _children(work, self.until):
            if told is not None:
                self.book.watched(file, told)
                self.book.keep()
            self.say(f"watched {file}: {len(told or ())} tests" + (" (broke or took too long)" if told is None else ""))
        for file in [file for file in self.book.files if not Path(file).exists()]:
            del self.book.files[file]
        self.book.keep()

    def _watched(self, items: Iterable[pytest.Item]) -> dict[str, Any]:
        passed: set[int] = set()
        self.mutants.watched(self.sites, passed.add)
        told: dict[str, Any] = {}
        for item in items:
            passed.clear()
            start = time.perf_counter()
            fails = _fails(item)
            seconds = round(time.perf_counter() - start, 3)
            if not fails:  # a test that fails anyway shows nothing
                told[item.nodeid] = [seconds, sorted(self.sites[index].name for index in passed)]
        return told

    def _try(self) -> None:
        # A busy machine gives a process a part of its time only.
        longest = self.seconds * 20.0
        work = ((site.name, lambda site=site: self._tried(site), longest) for site in self.wanted)
        for name, told in _children(work, self.until):
            self.outcome[name] = told and told["killed"]
            what = f"killed by {told['killed']}" if told and told["killed"] else "SURVIVED"
            if told is None:
                what = f"SURVIVED the tests of {self.seconds} s (or broke: CONDITIONS_LOUD=1 shows it)"
            elif not told["killed"]:
                what += f" {told['tests']} tests"
            self.say(f"{name}\t{what}")
            self.book.tried[name] = time.strftime("%Y-%m-%dT%H:%M:%S")
            self.book.keep()

    def _tried(self, site: Site) -> dict[str, Any]:
        self.mutants.without(site)
        tests = self._tests(site)
        resource.setrlimit(resource.RLIMIT_CPU, (self.seconds, self.seconds))
        for test in tests:
            if _fails(self.items[test]):
                return {"killed": test, "tests": len(tests)}
        return {"killed": simulated.broken(site, self.seconds), "tests": len(tests)}

    def _tests(self, site: Site) -> list[str]:
        """The test that noticed it the last time, then those of its context, then the others."""
        near = f"tests/unit/{site.context}/"
        seconds = self.book.passing(site)
        if not seconds:  # a new condition, in a function that no watched test has passed
            seconds = {test: 1.0 for test in self.items if test.startswith(near)}
        before = self.killers.get(site.name)

        def order(test: str) -> tuple[bool, bool, float]:
            return test != before, not test.startswith(near), seconds.get(test, 0.0)

        return sorted({*seconds, *([before] if before else ())} & self.items.keys(), key=order)


def _fails(item: pytest.Item) -> bool:
    """Run a test with its fixtures."""
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _children(work: Iterable[tuple[str, Callable[[], Any], float]], until: float) -> Iterator[tuple[str, Any]]:
    """Do each piece of work in a fork; gives (name, its result) as they end, None for what took too long or broke."""
    left = iter(work)
    running: dict[int, tuple[str, Path, float]] = {}
    folder = Path(tempfile.mkdtemp())
    done = False
    while running or not done:
        while not done and len(running) < AT_ONCE:
            piece = next(left, None) if time.monotonic() < until else None
            if piece is None:
                done = True
                break
            name, run, seconds = piece
            file = folder / str(time.monotonic_ns())
            running[_fork(run, file)] = (name, file, time.monotonic() + seconds)
        time.sleep(0.02)
        for pid, (name, file, deadline) in list(running.items()):
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                del running[pid]
                yield name, json.loads(file.read_text()) if file.exists() else None
                file.unlink(missing_ok=True)
            elif time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                del running[pid]
                yield name, None
    folder.rmdir()


def _fork(run: Callable[[], Any], file: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        with _quiet():
            told = run()
        file.with_suffix(".new").write_text(json.dumps(told))
        file.with_suffix(".new").rename(file)
        status = 0
    finally:
        os._exit(status)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what tests and functions print, unless somebody wants to see it."""
    if "CONDITIONS_LOUD" in os.environ:
        yield
        return
    kept, nowhere = [os.dup(1), os.dup(2)], os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    try:
        yield
    finally:
        for number, before in zip((1, 2), kept, strict=True):
            os.dup2(before, number)
            os.close(before)
        os.close(nowhere)
