"""A shop whose clocks a test moves, and campaigns that need no template."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.contacts.model import Contact
from drumbeat.sends import delivering, planning, rollups
from drumbeat.sends.model import Chunk, Send

from tests.clocks import START, Time, moved
from tests.unit.campaigns.conftest import Shop
from tests.unit.mail import provider
from tests.world import World

TENANT = "ten_acme"
SAID = {
    "name": "Eid offers", "subject": "Hi", "html": '<p><a href="https://shop.example/eid">Eid</a></p>',
    "audience": {"everyone": True},
}  # fmt: skip


class Clocked(Shop):
    """A shop in which minutes pass when the test says so."""

    def __init__(self, world: World, mails: Any, time: Time) -> None:
        super().__init__(world, mails)
        self.time = time

    def said(self, **fields: Any) -> str:
        """A campaign of its own words."""
        return str(self.world.call("campaigns.create_campaign", body={**SAID, **fields}).data["id"])

    def people(self, number: int) -> None:
        """Contacts p0, p1, … who agreed to get mails."""
        said = {"email": {"status": "granted", "at": clock.iso(START), "source": None, "method": "api"}}
        table.put_many(
            Contact(
                *Contact.key(TENANT, made), gsi1pk=Contact.partition_of(TENANT, made), gsi1sk=made, tenant=TENANT,
                contact_id=made, email=f"p{place}@town.example", consent=said, created_at=START, updated_at=START,
            )
            for place in range(number) for made in [f"con_{place:026d}"]
        )  # fmt: skip

    def planned(self, chunk: int, **fields: Any) -> str:
        """A campaign that is launched and planned, in chunks of a size; nobody is at work on it yet."""
        made = self.said(**fields)
        assert self.do("launch", made).status == 200
        send = self.send_of(made)
        send.change(Send.chunk_size.set(chunk))
        while not planning.plan({"tenant": TENANT, "send": send.send_id})["done"]:
            pass
        return made

    def work(self, made: str, **duration: float) -> None:
        """Let time pass, and workers look at the chunks that are due then, until none is."""
        self.time.passes(timedelta(**duration))
        for _ in range(3):
            now = clock.iso(clock.business())
            for chunk in self.chunks(made):
                if chunk.gsi2sk and chunk.gsi2sk <= now:
                    delivering.look_at(chunk.place)

    def later(self, **duration: float) -> None:
        """Let time pass, and the schedules do what they do each minute."""
        self.time.passes(timedelta(**duration))
        rollups.forget()
        self.world.run("campaigns.sweep_schedules", {})
        self.world.settle()
        self.world.run("sends.sweep_sends", {})
        self.world.settle()

    def send_of(self, campaign: str) -> Send:
        send = Send.fetch(*Send.key(TENANT, self.do("get", campaign).data["send_id"]))
        assert send is not None
        return send

    def chunks(self, campaign: str) -> list[Chunk]:
        send = self.send_of(campaign)
        shards = [f"CHUNK#{TENANT}#{send.send_id}#{shard}" for shard in range(int(send.plan_shards))]
        return [chunk for shard in shards for chunk in table.rows(Chunk, shard)]


@pytest.fixture
def time() -> Iterator[Time]:
    made = Time()
    with moved(made):
        yield made


@pytest.fixture
def clocked(time: Time, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Clocked]:
    with provider(tmp_path / "mail") as mails:
        yield Clocked(request.getfixturevalue("world"), mails, time)
