"""Simulations run on the same deployment as the unit tests."""

from tests.unit.conftest import world as world
