"""Broken on purpose: a time-out counts as not sent, and the second account sends it at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from drumbeat.channels.outcomes import CallResult, CallState
from drumbeat.sends import delivering
from drumbeat.sends.claims import Work

from tests.simulation import edge


@contextmanager
def broken() -> Iterator[None]:
    """What nobody knows is taken for a refusal."""
    real = delivering._act_on

    def act_on(work: Work, called: list[int], result: CallResult) -> None:
        unknown = result.state == CallState.UNKNOWN and work.send.fallback
        real(work, called, replace(result, state=CallState.QUOTA) if unknown else result)

    with edge.instead(delivering, _act_on=act_on):
        yield
