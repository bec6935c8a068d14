"""Seeds of journeys with up to 400 members each; those of `make test` have forty."""

from rich.console import Console

from tests.soak import simulation
from tests.soak.simulation import Kind

PEOPLE = 400


def run(until: float, console: Console, seed: int | None = None) -> int:
    """Play seeds until `until` (of time.monotonic), or the one `seed`; gives how many failed."""
    return simulation.play(Kind(("journeys",), PEOPLE, f"up to {PEOPLE} members"), until, console, seed)
