"""Fixtures of the unit tests: a deployment on moto for each test."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.world import World


@pytest.fixture
def world() -> Iterator[World]:
    """A fresh deployment with the tenants acme and globex."""
    with mock_aws():
        world = World()
        world.build()
        yield world
