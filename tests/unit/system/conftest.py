"""A shop whose clocks a test moves, as tests of sends have it."""

from tests.unit.sends.conftest import clocked, time

__all__ = ["clocked", "time"]
