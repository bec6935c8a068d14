"""Fixtures of the unit tests: a deployment on moto for each test."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests import moto_transactions, schemas
from tests.world import World

moto_transactions.quicken()


@pytest.fixture
def world() -> Iterator[World]:
    """A fresh deployment with the tenants acme and globex. Every event that it publishes is held to its schema."""
    with mock_aws():
        world = World()
        world.build()
        with schemas.watch() as world.published:
            yield world
