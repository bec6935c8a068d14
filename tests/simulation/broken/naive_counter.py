"""Broken on purpose: counts events as they come. Providers report a thing three times (sendgrid/docs#2933)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from drumbeat.feedback.facts import read


class NaiveCounter:
    """One number for each kind of event, one more for each event."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def apply(self, messages: Sequence[Mapping[str, Any]]) -> None:
        for message in messages:
            fact = read(message)
            if fact is not None:
                self._seen[fact.kind] += 1

    def numbers(self) -> dict[str, int]:
        return dict(self._seen)
