"""Broken on purpose: writes an event's row first, so that it is counted once, and adds one behind it. A worker that
dies between the two leaves a row that nobody will count."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from drumbeat.feedback.facts import read

DIES = 0.01


class RowThenCounter:
    """Counts each event once, and now and then never."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._rows: set[str] = set()
        self._seen: Counter[str] = Counter()

    def apply(self, messages: Sequence[Mapping[str, Any]]) -> None:
        for message in messages:
            row, fact = json.dumps(message, sort_keys=True), read(message)
            if fact is None or row in self._rows:
                continue
            self._rows.add(row)
            if self._chance.random() >= DIES:  # else the message comes again, and finds its row
                self._seen[fact.kind] += 1

    def numbers(self) -> dict[str, int]:
        return dict(self._seen)
