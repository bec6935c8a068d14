"""The table's stream and those who read it: batches come twice, in parts, and with the items in any order."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from drumbeat.declare import Function

from tests import harness
from tests.simulation.clockwork import Clockwork
from tests.simulation.store import Store

READERS = ("activity.forward_events", "segments.evaluate_changes")
BATCH_DOUBLED, BATCH_SPLIT, REORDERED = 0.08, 0.1, 0.5
MOST = 100
Record = dict[str, Any]


def watched() -> frozenset[str]:
    """The types whose changes a function reads."""
    return frozenset(kind for name in READERS for kind in harness.function(name).declaration.stream_types)


class Stream:
    """What was written and is not read yet. `run` invokes a function and gives None when it failed."""

    def __init__(self, work: Clockwork, store: Store, run: Callable[[str, Any], Any]) -> None:
        self._work, self._store, self._run = work, store, run
        self._unread: defaultdict[str, list[Record]] = defaultdict(list)
        self.busy = False

    def look(self) -> None:
        """Something was written: it is read soon."""
        if self._store.records and not self.busy:
            self.busy = True
            self._work.after(1.0, self._read)

    def _read(self) -> None:
        records, self._store.records = self._store.records, []
        for name in READERS:
            reader = harness.function(name)
            self._unread[name] += [record for record in records if passes(reader, record)]
            self._read_as(name)
        self.busy = bool(self._store.records) or any(self._unread.values())
        if self.busy:
            self._work.after(5.0, self._read)

    def _read_as(self, name: str) -> None:
        """Give a reader its batches until one fails; what it has not read comes again."""
        left = self._reordered(self._unread.pop(name))
        while left:
            size = self._work.chance.randint(1, len(left)) if self._work.strikes("stream: split", BATCH_SPLIT) else MOST
            failed = self._given(name, left[:size])
            left = [*failed, *left[size:]]
            if failed:
                break
        self._unread[name] = left

    def _given(self, name: str, batch: list[Record]) -> list[Record]:
        """What a reader has not read of a batch."""
        answer = self._run(name, {"Records": batch})
        if answer is not None and self._work.strikes("stream: doubled", BATCH_DOUBLED):
            answer = self._run(name, {"Records": batch})
        if answer is None:
            return batch
        failed = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
        numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
        return batch[numbers.index(failed[0]) :] if failed else []

    def _reordered(self, records: list[Record]) -> list[Record]:
        """The records with those of different items mixed: the stream has an order for each item only."""
        if len(records) < 2 or not self._work.strikes("stream: reordered", REORDERED):
            return records
        keys = [(one["dynamodb"]["Keys"]["pk"]["S"], one["dynamodb"]["Keys"]["sk"]["S"]) for one in records]
        waiting: defaultdict[tuple[str, str], list[Record]] = defaultdict(list)
        for key, record in zip(keys, records, strict=True):
            waiting[key].append(record)
        self._work.chance.shuffle(keys)
        return [waiting[key].pop(0) for key in keys]


def passes(reader: Function, record: Mapping[str, Any]) -> bool:
    """Lambda's filter of the event source mapping, as infra makes it from the declaration."""
    declared, change = reader.declaration, record["dynamodb"]
    kind = change["Keys"]["pk"]["S"].split("#")[0]
    return declared.passes(kind, record["eventName"], change.get("NewImage", {}))
