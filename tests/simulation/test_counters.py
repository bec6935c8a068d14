"""17,149 events about 5,725 facts, shuffled, duplicated, cut into batches anyhow: the numbers are the facts'."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from drumbeat import table

from tests.sends import Sent, batch, sent
from tests.simulation.broken.naive_counter import NaiveCounter
from tests.simulation.broken.row_then_counter import RowThenCounter
from tests.simulation.clouds import Counting
from tests.simulation.conftest import Memory

EVENTS = 17_149
# Larger chunks than those of SES, and full batches, only to be quick.
SIZES = (229,) * 5


class Sets:
    """The product: number sets on stat items."""

    def __init__(self, memory: Memory, send: Sent) -> None:
        self._memory, self._send = memory, send

    def apply(self, messages: Sequence[Mapping[str, Any]]) -> None:
        result = self._memory.run("feedback.apply_feedback", batch(messages))
        assert result == {"batchItemFailures": []}

    def numbers(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        for chunk in range(len(self._send.people)):
            found.update({name: len(members) for name, members in self._send.stats(chunk).items()})
        return dict(found)


def nobody_left(send: Sent) -> None:
    """Delete the contacts: without timelines, which other tests look at, this one takes seconds."""
    table.write_many(deletes=[(person.pk, person.sk) for people in send.people for person in people])


def happened(send: Sent) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """What happened to each of 1,145 recipients, as reports, and how often in all."""
    reports = []
    for chunk, people in enumerate(send.people):
        for number in range(len(people)):
            reports += [
                send.event("Send", number, chunk, after=0),
                send.event("DeliveryDelay", number, chunk, after=5, delayType="MailboxFull"),
                send.bounce("Transient", number, chunk),
                send.event("Delivery", number, chunk, after=60),
                send.seen("open", number, chunk, user_agent="Mozilla/5.0"),
            ]
    each = sum(len(people) for people in send.people)
    kinds = ("processed", "deferred", "soft_bounced", "delivered", "opened_machine")
    return reports, dict.fromkeys(kinds, each)


def errors(counting: Counting, reports: list[dict[str, Any]], truth: dict[str, int], seed: int) -> dict[str, int]:
    """How far each number is from the truth after the reports came up to three times and in any order."""
    chance = random.Random(seed)
    again = [*reports * 2]
    chance.shuffle(again)
    stream = [*reports, *again[: EVENTS - len(reports)]]
    chance.shuffle(stream)
    assert (len(reports), len(stream)) == (5_725, EVENTS)
    while stream:
        size = chance.choice((1, 80, 100, 100))
        counting.apply(stream[:size])
        stream = stream[size:]
    found = counting.numbers()
    return {name: found.get(name, 0) - wanted for name, wanted in truth.items() if found.get(name, 0) != wanted}


def test_sets_count_what_happened(memory: Memory) -> None:
    send = sent(sizes=SIZES)
    nobody_left(send)
    reports, truth = happened(send)
    assert errors(Sets(memory, send), reports, truth, seed=1) == {}


def test_the_same_check_catches_a_naive_counter(memory: Memory) -> None:
    send = sent(sizes=SIZES)
    reports, truth = happened(send)
    off = errors(NaiveCounter(), reports, truth, seed=1)
    assert off and off["delivered"] > truth["delivered"]


def test_the_same_check_catches_a_counter_behind_a_row(memory: Memory) -> None:
    send = sent(sizes=SIZES)
    reports, truth = happened(send)
    off = errors(RowThenCounter(seed=1), reports, truth, seed=1)
    assert off and off["delivered"] < 0
