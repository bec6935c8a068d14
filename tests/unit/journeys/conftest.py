"""Journeys whose clocks a test moves."""

import pytest

from tests.unit.journeys.engine import Engine
from tests.unit.sends.conftest import Clocked, clocked, time

__all__ = ["clocked", "time"]


@pytest.fixture
def engine(clocked: Clocked) -> Engine:
    return Engine(clocked, people=1)
