"""Journeys of weeks on bad days, through the real handlers: each step once, everybody to an end. Each seed is another
journey and another storm; a seed that fails says how to play it again."""

import json

from tests.faults import Fault
from tests.simulation.test_sending import played

# More, larger ones, and those that are broken on purpose are a part of the soak: `python -m tests.soak journeys`.
SEEDS, PEOPLE = 8, 40
HAPPENED = (
    *Fault, "killed", "skewed", "together", "message: late", "message: doubled", "stream: reordered",
)  # fmt: skip


def test_everybody_goes_each_way_once_whatever_fails() -> None:
    code, said = played("journeys", f"1-{SEEDS}", "--people", f"{PEOPLE}")

    assert code == 0, said
    happened = json.loads(said.splitlines()[-1])["happened"]
    assert [name for name in HAPPENED if not happened.get(name)] == []
