"""What a drip of five mails costs, by how its contacts come (tests.bench.journey_run)."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from tests.bench import prices
from tests.bench.budgets import Verdict
from tests.bench.journey_run import MAILS, Entering

RUNS: tuple[tuple[int, Entering], ...] = ((1_000, "together"), (100_000, "together"), (10_000, "trickle"))
TRANSITIONS = 4.0
# Functions and machines that carry messages, whatever sent them; the rest is the journey.
SENDING = ("sends.", "campaigns.", "feedback.", "govern", "dispatch")


def named(contacts: int, entering: Entering) -> str:
    return f"{contacts:,} enter together" if entering == "together" else f"{contacts:,} enter over a day"


def wakes(runs: Iterable[Mapping[str, Any]]) -> Verdict:
    """The budget of the design: state transitions a wake, at most."""
    measured = max(run["transitions"] / run["wakes"] for run in runs)
    why = "a wake has up to 1,000 members: Wait, Advance, the decision that nothing is left, end"
    return Verdict("state transitions a wake", f"≤ {TRANSITIONS:.0f}", f"{measured:.2f}", measured <= TRANSITIONS, why)


def table(runs: Iterable[Mapping[str, Any]], traced: Mapping[str, bool]) -> Table:
    """Dollars a thousand contacts and a million messages, the journey and its sending apart."""
    shown = Table(title=f"A drip of {MAILS} mails over {MAILS - 1} days", title_justify="left")
    for name in ("", "wakes", "transitions a wake", "requests a member and step", "$ a thousand contacts"):
        shown.add_column(name, justify="right")
    for name in ("… the journey", "… its mails", "$ a million mails in all"):
        shown.add_column(name, justify="right")
    for run in runs:
        many = int(run["contacts"])
        cost = prices.by_function(run["used"], many, traced)
        sending = sum(dollars for name, dollars in cost.items() if name.startswith(SENDING))
        total = sum(cost.values())
        requests = sum(number for name, kind, number in run["used"] if kind == "requests" and _is_step(name))
        shown.add_row(
            named(many, run["entering"]), f"{run['wakes']:,}", f"{run['transitions'] / run['wakes']:.1f}",
            f"{requests / many / (2 * MAILS - 1):.2f}", f"{total / 1000:.4f}", f"{(total - sending) / 1000:.4f}",
            f"{sending / 1000:.4f}", f"{total * many / run['mailed']:.2f}",
        )  # fmt: skip
    return shown


def _is_step(function: str) -> bool:
    return function.startswith("journeys.")
