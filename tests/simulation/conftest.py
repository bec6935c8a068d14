"""Small tests of what the simulation looks at as well: the functions on the store in memory, without any trouble."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import harness
from tests.simulation import clouds, edge, towns
from tests.simulation.store import Store
from tests.simulation.streams import watched
from tests.unit.conftest import world as world


class Memory:
    """A deployment on the store in memory."""

    def __init__(self, cloud: clouds.Cloud) -> None:
        self._cloud = cloud

    def run(self, name: str, event: Any) -> Any:
        """Invoke a function, held to what it declares."""
        return harness.invoke(name, event)

    def ask(self, name: str, **request: Any) -> harness.Reply:
        """Call a route without a credential."""
        return harness.ask(name, **request)

    def settle(self) -> None:
        """Let come what is on its way."""
        while self._cloud.under_way:
            self._cloud.work.step(0.0)


@pytest.fixture
def memory() -> Iterator[Memory]:
    cloud = clouds.Cloud(0, Store(lambda: towns.START, watched()), towns.START)
    with edge.installed(), edge.played(cloud, 0):
        yield Memory(cloud)
