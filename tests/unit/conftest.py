"""Fixtures of the unit tests: a deployment on moto for each test."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests import quick_moto, schemas
from tests.world import World

quick_moto.quicken()


@pytest.fixture
def world() -> Iterator[World]:
    """A fresh deployment with the tenants acme and globex. Every event that it publishes is held to its schema."""
    moto = mock_aws()
    moto.start(reset=False)  # a world goes back to what the first one made, see tests.rewind
    try:
        world = World()
        world.build()
        with schemas.watch() as world.published:
            yield world
    finally:
        moto.stop(remove_data=False)
