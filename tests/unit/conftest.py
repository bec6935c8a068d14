"""Fixtures of the unit tests: a deployment on moto for each test, its table on the simulation's store."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from moto import mock_aws

from tests import quick_moto, rewind, schemas, sendgrid, table_server
from tests.world import World, watched

quick_moto.quicken()


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A fresh deployment with the tenants acme and globex. Every event that it publishes is held to its schema.

    Its table is the simulation's store (tests.table_server); with the marker `moto` it is moto's.
    """
    moto = mock_aws()
    moto.start(reset=False)  # a world goes back to what the first one made, see tests.rewind
    try:
        world = World()
        world.build()
        with ExitStack() as stack:
            if request.node.get_closest_marker("moto") is None:
                stack.enter_context(table_server.serving(rewind.store_as_made(watched())))
            world.sendgrid = stack.enter_context(sendgrid.sendgrid())
            world.published = stack.enter_context(schemas.watch())
            yield world
    finally:
        moto.stop(remove_data=False)
