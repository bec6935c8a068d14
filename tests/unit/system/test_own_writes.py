"""The table knows its own writes again: an answer that is lost is asked for once more, and nothing is done twice."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from drumbeat import table
from drumbeat.accounts.model import Sequence
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from tests.meanwhile import changed, stored, vanished
from tests.world import World

CONFLICT = json.dumps(
    {
        "__type": "com.amazonaws.dynamodb#TransactionCanceledException",
        "message": "conflict",
        "CancellationReasons": [{"Code": "TransactionConflict"}],
    }
)
KEY = Sequence.key("ten_acme", "user")


def made(number: int = 5) -> Sequence:
    row = Sequence(*KEY, last=number)
    row.create()
    return row


@contextmanager
def answer_lost() -> Iterator[None]:
    """The first answer of the table never comes, though what was asked for was done."""
    lost: list[Any] = []

    def lose(request: Any, **_: Any) -> None:
        if not lost:
            lost.append(botocore_stubber("before-send", request))
            raise ReadTimeoutError(endpoint_url=request.url)

    events = table.connection().connection.client.meta.events
    events.register_first("before-send.dynamodb.*", lose)
    try:
        yield
    finally:
        events.unregister("before-send.dynamodb.*", lose)
    assert lost[0].status_code == 200


def last() -> int:
    return int((stored(KEY) or {})["last"])


def test_a_change_is_made_once(world: World) -> None:
    made()

    with answer_lost():
        after = Sequence.change_at(*KEY, Sequence.last.add(1), condition=Sequence.last == 5)

    assert (last(), after["last"]) == (6, {"N": "6"})


def test_a_change_whose_condition_still_holds_is_made_once(world: World) -> None:
    made()

    with answer_lost():
        Sequence.change_at(*KEY, Sequence.last.add(1), condition=Sequence.pk.exists())

    assert last() == 6


def test_an_item_is_created_once(world: World) -> None:
    with answer_lost():
        made()

    with pytest.raises(ConditionFailed) as refused:
        made(7)
    assert refused.value.found is not None and refused.value.found["last"] == {"N": "5"}
    with pytest.raises(TransactionRefused) as together:
        Transaction().create(Sequence(*KEY, last=7)).commit()
    assert together.value.found[0] is not None and together.value.found[0]["last"] == {"N": "5"}
    assert last() == 5


def test_a_copy_that_was_read_before_notices_every_other_write(world: World) -> None:
    made()
    for write in (
        lambda: Transaction().update(Sequence, *KEY, [Sequence.last.set(6)]).commit(),
        lambda: Transaction().put(Sequence(*KEY, last=6)).commit(),
        lambda: Sequence(*KEY, last=6).save(),
    ):
        copy = Sequence.fetch(*KEY)
        assert copy is not None
        write()

        with pytest.raises(ConditionFailed):
            copy.change(Sequence.last.set(7), unchanged=True)


def test_an_item_that_is_gone_is_not_changed(world: World) -> None:
    for att in ("known", None):
        changed(KEY, att=att, last=5)
        copy = Sequence.fetch(*KEY)
        assert copy is not None
        vanished(KEY)

        for unchanged in (False, True):
            with pytest.raises(ConditionFailed):
                copy.change(Sequence.last.set(7), unchanged=unchanged)
    assert stored(KEY) is None


def test_an_item_that_got_its_first_mark_meanwhile_has_changed(world: World) -> None:
    """It was restored without one."""
    changed(KEY, att=None, last=5)
    copy = Sequence.fetch(*KEY)
    assert copy is not None
    changed(KEY, last=6)

    with pytest.raises(ConditionFailed):
        copy.change(Sequence.last.set(7), unchanged=True)


def test_a_transaction_that_met_another_one_is_asked_for_by_another_name(world: World) -> None:
    """Nothing of it was done; the name of a request that failed gives its failure again. One whose answer was lost
    keeps its name."""
    names: list[str] = []
    answers = [CONFLICT, None]

    def refuse(request: Any, **_: Any) -> AWSResponse | None:
        names.append(json.loads(request.body)["ClientRequestToken"])
        code = answers.pop(0) if answers else None
        if code is None:
            return None
        address, request.url = request.url, "https://nowhere.invalid/"  # or moto does it all the same
        return AWSResponse(address, 400, {}, MockRawResponse(code))

    events = table.connection().connection.client.meta.events
    events.register_first("before-send.dynamodb.TransactWriteItems", refuse)
    try:
        Transaction().create(Sequence(*KEY, last=1)).commit()
    finally:
        events.unregister("before-send.dynamodb.TransactWriteItems", refuse)

    assert len(names) == len(set(names)) == 2


@contextmanager
def refused_for_a_transaction(times: int) -> Iterator[list[str]]:
    """So many requests meet a transaction at work on their item; gives the operations that did."""
    met: list[str] = []

    def refuse(request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        if len(met) == times:
            return None
        met.append(event_name.rpartition(".")[2])
        said = {"__type": "com.amazonaws.dynamodb#TransactionConflictException", "message": "ongoing"}
        address, request.url = request.url, "https://nowhere.example/"  # moto is led to believe that it is not meant
        return AWSResponse(address, 400, {}, MockRawResponse(json.dumps(said)))

    events = table.connection().connection.client.meta.events
    events.register_first("before-send.dynamodb.*", refuse)
    try:
        yield met
    finally:
        events.unregister("before-send.dynamodb.*", refuse)


def test_a_single_write_waits_for_a_transaction_on_its_item(world: World) -> None:
    row = made()

    with refused_for_a_transaction(3) as met:
        row.change(Sequence.last.add(1))

    assert (last(), met) == (6, ["UpdateItem"] * 3)
