"""Work that was given up: where it lies, and that a replay loses nothing and does nothing twice."""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from drumbeat import table
from drumbeat.feedback import known
from drumbeat.sends import rollups
from drumbeat.sends.model import Content
from rich.console import Console

from infra import discovery, replay
from infra.catalogue import Catalogue, checked
from infra.dead_letters import Place, inventory
from tests import rewind
from tests.sends import Sent, sent
from tests.unit.sends.conftest import TENANT, Clocked
from tests.unit.system.sqs import TRIES, Poller
from tests.world import BUCKET


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return checked(discovery.functions(), discovery.documented())


@pytest.fixture
def poller(clocked: Clocked) -> Poller:
    known.forget()
    rollups.forget()
    return Poller(clocked.world, "deliver", "feedback")


class Operator:
    """Who types the command, and reads what it says."""

    def __init__(self, places: list[Place]) -> None:
        self.places, self.said = {place.name: place for place in places}, io.StringIO()
        self.console = Console(file=self.said, width=200)

    def lists(self) -> str:
        return self._does(lambda: replay.listed(self.places.values(), self.console))[1]

    def replays(self, place: str, most: int | None = None) -> tuple[int, str]:
        return self._does(lambda: replay.replayed(self.places[place], most, self.console))

    def shows(self, place: str) -> str:
        return self._does(lambda: replay.shown(self.places[place], None, self.console))[1]

    def _does(self, work: Any) -> tuple[int, str]:
        self.said.truncate(self.said.seek(0))
        return work(), self.said.getvalue()


@pytest.fixture
def operator(catalogue: Catalogue, poller: Poller) -> Operator:
    return Operator(inventory.places(catalogue, poller.client, BUCKET))


@contextmanager
def broken(partition: str) -> Iterator[None]:
    """A defect of ours: every change of this partition's items raises, whatever the rest of the batch is."""

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if params["Key"]["pk"]["S"] == partition:
            raise RuntimeError("a defect")

    events = table.connection().connection.client.meta.events
    events.register("before-parameter-build.dynamodb.UpdateItem", refuse, unique_id="broken")
    try:
        yield
    finally:
        events.unregister("before-parameter-build.dynamodb.UpdateItem", unique_id="broken")


def dead(operator: Operator) -> dict[str, int]:
    return {name: number for name in ("deliver", "feedback") if (number := operator.places[name].count())}


def messages_of(clocked: Clocked, campaign: str) -> list[dict[str, Any]]:
    """The messages by which workers hear of a campaign's chunks."""
    chunks = [chunk.place for chunk in clocked.chunks(campaign)]
    return [{"tenant": place[0], "send": place[1], "shard": place[2], "number": place[3]} for place in chunks]


def delivered(send: Sent) -> Counter[str]:
    """How many rows of being delivered to each recipient of a send has."""
    people = {person.contact_id for persons in send.people for person in persons}
    rows = [
        (pk.rpartition("#")[2], item["name"]["S"])
        for (pk, _), item in rewind.rows().items()
        if pk.startswith("TIMELINE#")
    ]
    return Counter(contact for contact, name in rows if name == "email.delivered" and contact in people)


def test_after_the_repair_and_a_replay_nothing_is_lost_and_nothing_happened_twice(
    clocked: Clocked, poller: Poller, operator: Operator
) -> None:
    clocked.people(24)
    good, bad = clocked.planned(chunk=2), clocked.planned(chunk=2)
    content = Content.fetch(*Content.key(TENANT, clocked.send_of(bad).send_id))
    assert content is not None
    content.delete()  # the campaign's chunks cannot be sent until somebody brings it back
    reported, defect = sent(sizes=(50,) * 9), sent(sizes=(10,))
    gone = {"tenant": TENANT, "send": "snd_00000000000000000000000000", "shard": 0, "number": 0}
    to_deliver = [*messages_of(clocked, good), gone] * 2
    raising = messages_of(clocked, bad)
    poison = 40 - len(raising)
    poller.put("deliver", ['{"tenant": ', *[{"version": 3, "chunk": "0-1"}] * 4, *raising, *to_deliver])
    faulty = [defect.event("Delivery", number) for number in range(10)]
    reports = [reported.event("Delivery", number, chunk) for chunk in range(9) for number in range(50)]
    reports = reports[: 450 - len(to_deliver)]
    poller.put("feedback", [*faulty, *["no JSON"] * 5, *[{"eventType": "Delivery"}] * (poison - 10), *reports])

    with broken(defect.place().stat_key[0]):
        poller.poll()

    # Poison comes five times, and everything else once, whatever it came with in a batch.
    assert poller.tries == 450 + TRIES * 50
    assert dead(operator) == {"deliver": 5 + len(raising), "feedback": 5 + poison}
    assert delivered(reported).total() == len(reports) and set(delivered(reported).values()) == {1}
    told = operator.lists()
    assert f"deliver: {5 + len(raising)} messages" in told and "4: unreadable: tenant: Field required" in told
    assert "5: unreadable: message: " in told or "5: unreadable" in told

    content.create()
    assert "nothing was changed" in operator.shows("deliver")
    assert operator.replays("deliver", most=4)[1].startswith("deliver: 4 messages are back at work, 0 stayed")
    assert dead(operator) == {"deliver": 1 + len(raising), "feedback": 5 + poison}
    assert operator.replays("deliver")[0] == operator.replays("feedback")[0] == 0
    assert dead(operator) == {}
    poller.poll()

    assert dead(operator) == {"deliver": 5, "feedback": poison - 5}  # what nobody can read is here again, and says so
    assert "5 replayed before" in operator.lists()
    mailed = Counter(clocked.mails.addresses())
    assert mailed == {f"p{number}@town.example": 2 for number in range(24)}  # by two campaigns
    assert delivered(defect) == {person.contact_id: 1 for person in defect.people[0]}
    assert defect.stats()["delivered"] == set(range(10))
    stats = [reported.stats(chunk) for chunk in range(9)]

    for place in ("deliver", "feedback"):
        operator.replays(place)
    poller.poll()

    assert Counter(clocked.mails.addresses()) == mailed
    assert [reported.stats(chunk) for chunk in range(9)] == stats
    assert delivered(reported).total() == len(reports) and delivered(defect).total() == 10
    assert dead(operator) == {"deliver": 5, "feedback": poison - 5}
