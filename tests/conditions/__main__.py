"""`python -m tests.conditions`: see `--help`."""

import argparse
import os
import sys
import time

import pytest

from tests.conditions import book, sites
from tests.conditions.sites import Site
from tests.conditions.trials import Trials

TESTS = ["tests/unit"]
# These are about what does not ship, or need a browser.
IGNORED = ("tests/unit/local", "tests/unit/simulators", "tests/unit/tracking/test_pages_in_a_browser.py")


def main() -> int:
    """Take conditions away; 1 when nobody missed one."""
    parser = argparse.ArgumentParser(prog="python -m tests.conditions", description="Take conditions of writes away.")
    parser.add_argument("--site", help="one site: its name, or file:line[:column]")
    parser.add_argument("--context", action="append", help="only the sites of this context (sends, table, …)")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin nothing after this time")
    parser.add_argument("--seconds", type=int, default=60, help="processor time of the tests of one site")
    parser.add_argument("--survivors", action="store_true", help="only sites without a test that is known to break")
    parser.add_argument("--keep", action="store_true", help="write the tests that broke into killed.json")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="where the tests are")
    parser.add_argument("--list", action="store_true", help="only print the sites")
    asked = parser.parse_args()
    everywhere = sites.everywhere()
    wanted = chosen(everywhere, asked)
    if asked.list:
        say(*(f"{site.at}\t{site.name}" for site in wanted))
        return 0
    trials = run(everywhere, wanted, asked.tests, time.monotonic() + asked.minutes * 60, asked.seconds)
    if asked.keep:
        book.keep_killed({n: t for n, t in trials.outcome.items() if t}, {site.name for site in everywhere})
    survivors = sum(test is None for test in trials.outcome.values())
    say(f"{len(wanted)} conditions, {len(trials.outcome)} tried, {survivors} survived")
    return min(survivors, 1)


def say(*lines: str) -> None:
    """At once, also into a pipe."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def chosen(everywhere: list[Site], asked: argparse.Namespace) -> list[Site]:
    """The sites to try: those never tried first, then by how long ago. Equivalent ones only when they are named."""
    if asked.site:
        found = [site for site in everywhere if asked.site == site.name or f"{site.at}:".endswith(f"{asked.site}:")]
        found = found or [site for site in everywhere if f"{asked.site}:" in f"{site.at}:" or asked.site in site.name]
        return found or sys.exit(f"no such site: {asked.site}")
    skipped = book.equivalent().keys() | (book.killed().keys() if asked.survivors else set())
    tried = book.Book().tried
    found = [
        site for site in everywhere
        if site.name not in skipped and (not asked.context or site.context in asked.context)
    ]  # fmt: skip
    return sorted(found, key=lambda site: tried.get(site.name, ""))


def run(everywhere: list[Site], wanted: list[Site], tests: list[str], until: float, seconds: int) -> Trials:
    """Collect the tests, and take each wanted site away."""
    trials = Trials(book.Book(), everywhere, wanted, until, seconds, say, book.killed())
    options = ["-q", "-s", "--no-header", "--no-summary", "-p", "no:cacheprovider", "-p", "no:xdist"]
    pytest.main([*options, *(f"--ignore={path}" for path in IGNORED), *tests], plugins=[trials])
    return trials


if __name__ == "__main__":
    os.nice(max(0, 10 - os.nice(0)))
    sys.exit(main())
