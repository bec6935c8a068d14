"""One seed: a journey of a shape that the seed has, for weeks. People enter in waves and again, buy, reach the goal,
leave, and revoke their consent; somebody pauses it, resumes it, and publishes another version in the middle.

The storm ends some time; from then on all works, and everybody must come to an end. What must hold then is in
`promises`.
"""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from drumbeat import clock, table
from drumbeat.activity.model import Timeline
from drumbeat.contacts.model import Contact
from drumbeat.segments.model import Member, Segment, State

from tests import harness
from tests.simulation import edge, towns
from tests.simulation.calls import Calls
from tests.simulation.clouds import TOGETHER
from tests.simulation.journeys import shapes
from tests.simulation.journeys.days import Days
from tests.simulation.journeys.shapes import BOUGHT, GOAL, HOME, LIST, OTHER, SHAPES

DAY, SWEEP = 86_400.0, 120.0
TENANT = towns.TENANTS[0]
SIGNED_UP = "signed_up"
# The longest way through a shape, with what a storm and a pause add to it, and the end of the last send's day.
REST = 12 * DAY
# So many seconds are clocks slow, at most, of workers who join a wake that acts.
SLOW = 90.0


@dataclass
class Known:
    """What happened, as far as an answer said so: events by contact, and since when somebody has revoked."""

    events: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    revoked: dict[str, float] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    pauses: list[list[float]] = field(default_factory=list)


class Story(Calls):
    """A seed's run. `shape` and `trigger` instead of the seed's own."""

    def __init__(self, seed: int, people: int, shape: str | None = None, trigger: str | None = None) -> None:
        town = towns.town(people)
        self.days = Days(seed, town.store, towns.START)
        super().__init__(seed, self.days)
        self.chance = random.Random(seed + 10**7)
        self.cloud.mails.bounced, self.cloud.mails.complained = 0.01, 0.0005
        self.shape = shape or list(SHAPES)[seed % len(SHAPES)]
        self.people = self.chance.sample(town.people, self.chance.choice((people // 2, people)))
        self.steps, self.terms = SHAPES[self.shape]
        drawn = self.chance.choice(("event", "event", "event", "segment", "api"))
        self.trigger = trigger or ("event" if self.shape == "home" else drawn)
        self.policy = self.chance.choice(("never", "after_grace"))
        self.storm = self.chance.choice((2.0, 4.0)) * DAY
        self.known = Known()
        self.journey = self.other = ""
        self.exceptions: list[str] = []

    @property
    def drawn_terms(self) -> dict[str, Any]:
        """Terms that go with any shape."""
        return {
            "re_entry": self.chance.choice(("never", "always", "P1D")),
            "holdout": self.chance.choice((0, 0, 20)), **self.terms,
        }  # fmt: skip

    # What happens

    def _play(self) -> None:
        self._prepare()
        self.store.records.clear()  # what was there before is no news
        self.work.storm = True
        self.days.happens = self._beside
        self._waves()
        for who in self.people:
            self._life(who)
        for _ in range(self.chance.choice((0, 0, 1, 2))):
            self.later(self.chance.uniform(0.1, self.storm), self._pause)
        if self.chance.random() < 0.4:
            self.later(self.chance.uniform(0.2, 0.9) * self.storm, self._publish)
        self.work.after(60.0, self._sweep)
        calm, end = towns.START + self.storm, towns.START + self.storm + REST
        while self.work.now < end and self.work.step(TOGETHER):
            if self.work.storm and self.work.now > calm:
                self.work.storm = False
                self.later(1.0, lambda: self._do("resume_journey"))
        edge.fresh_instances()

    def _prepare(self) -> None:
        self._settings()
        at = clock.business()
        for segment in (LIST, HOME):
            row = Segment(
                *Segment.key(TENANT, segment), gsi1pk=Segment.partition(TENANT), gsi1sk=segment, tenant=TENANT,
                segment_id=segment, name=segment, kind="static", state=State.READY.value, created_at=at, updated_at=at,
            )  # fmt: skip
            self.store.write(table.raw(row))
        if self.trigger != "segment":
            for who in self.people:
                self.store.write(table.raw(Member(*Member.key(TENANT, HOME, who), since=at)))
        other = [shapes.wait("w", "PT2H"), shapes.more("other")]
        terms = {"re_entry": "always"}
        body = {"name": OTHER, "trigger": {"type": "api"}, "steps": other, "terms": terms, "activate": True}
        self.other = str(towns.ask(TENANT, "journeys.create_journey", body=body).data["id"])
        said = {"event": {"event": SIGNED_UP}, "segment": {"segment": HOME}, "api": {}}[self.trigger]
        trigger = {"type": self.trigger, **said}
        steps = [{**step, "journey": self.other} if step["type"] == "enrol" else step for step in self.steps]
        self.steps = steps
        terms = self.drawn_terms
        body = {"name": "Journey", "trigger": trigger, "steps": steps, "terms": terms, "activate": True}
        reply = towns.ask(TENANT, "journeys.create_journey", body=body)
        assert reply.status == 201, reply.body
        self.journey = str(reply.data["id"])

    def _settings(self) -> None:
        row = self.store.items[f"TENANT#{TENANT}", "TENANT"]
        settings = json.loads(row["settings"]["S"]) | {"unknown_policy": self.policy}
        self.store.write({**row, "settings": {"S": json.dumps(settings)}})

    def _waves(self) -> None:
        """Who enters when; some again. Of those whom events let in, others come in the moment in which a wake acts."""
        left = self.people[: len(self.people) * 2 // 3] if self.trigger == "event" else list(self.people)
        while left:
            size = self.chance.choice((1, 1, 5, 20, 60))
            wave, left = left[:size], left[size:]
            at = self.chance.uniform(0, self.storm * 0.6)
            self.later(at, partial(self._enter, wave, f"w{len(left)}"))
            if self.chance.random() < 0.3:
                again = at + self.chance.choice((30.0, DAY / 2, DAY, 1.5 * DAY))
                self.later(again, partial(self._enter, wave, f"a{len(left)}"))

    def _enter(self, wave: Sequence[str], name: str) -> None:
        match self.trigger:
            case "event":
                self._happen([(who, SIGNED_UP, f"{name}-{who}") for who in wave])
            case "segment":
                path, body = {"segment_id": HOME}, {"contact_ids": list(wave)}

                def joined(reply: harness.Reply) -> None:
                    for who in wave if reply.status == 200 else ():
                        self.known.events[who].append(f"{name}-{who}")

                self.call(TENANT, "segments.add_members", joined, path=path, body=body)
            case "api":
                self._enrol(wave, name)

    def _enrol(self, wave: Sequence[str], name: str) -> None:
        def done(reply: harness.Reply) -> None:
            for who in wave if reply.status == 200 else ():
                self.known.events[who].append(f"{name}-{who}")

        self._do("enrol_contacts", done, body={"contact_ids": list(wave)}, key=name)

    def _happen(self, events: Sequence[tuple[str, str, str]]) -> None:
        """Contacts do something; their shop says so, in one request."""
        at = clock.iso(datetime.fromtimestamp(self.work.now, UTC))
        said = [{"event_id": event, "name": name, "contact_id": who, "occurred_at": at} for who, name, event in events]

        def done(reply: harness.Reply) -> None:
            if reply.status == 202:
                for who, name, event in events:
                    if name == SIGNED_UP:
                        self.known.events[who].append(event)

        self.call(TENANT, "activity.record_events", done, body={"events": said})

    def _life(self, who: str) -> None:
        """What somebody does besides."""
        draw = self.chance.random
        if draw() < 0.4:
            self.later(draw() * (self.storm + DAY), lambda: self._happen([(who, BOUGHT, f"b-{who}")]))
        if draw() < 0.2:
            self.later(draw() * (self.storm + DAY), lambda: self._happen([(who, GOAL, f"g-{who}")]))
        if draw() < 0.04:
            self.later(draw() * self.storm, lambda: self._revoke(who))
        if draw() < 0.1 and self.trigger != "segment":
            self.later(draw() * self.storm, lambda: self._leave(who))

    def _revoke(self, who: str) -> None:
        def done(reply: harness.Reply) -> None:
            if reply.status == 200:
                self.known.revoked.setdefault(who, self.work.now)

        said = {"channel": "email", "status": "revoked", "source": "call"}
        self.call(TENANT, "contacts.record_consent", done, path={"contact_id": who}, body=said)

    def _leave(self, who: str) -> None:
        self.known.left.add(who)
        body = {"contact_ids": [who]}
        self.call(TENANT, "segments.remove_members", lambda _: None, path={"segment_id": HOME}, body=body)

    def _do(
        self, name: str, then: Callable[[harness.Reply], None] = lambda _: None, *, key: str = "", **request: Any
    ) -> None:
        headers = {"Idempotency-Key": key} if key else {}
        self.call(TENANT, f"journeys.{name}", then, path={"journey_id": self.journey}, more=headers, **request)

    def _pause(self) -> None:
        def paused(reply: harness.Reply) -> None:
            self.known.pauses.append([self.work.now, self.work.now])
            self.later(self.chance.uniform(600, DAY), self._resume)

        self._do("pause_journey", paused, body={})

    def _resume(self) -> None:
        def resumed(reply: harness.Reply) -> None:
            self.known.pauses.append([self.work.now, self.work.now])

        self._do("resume_journey", resumed)

    def _publish(self) -> None:
        """Another version, with one more step at the end; those inside may go on with it."""
        moves = self.chance.random() < 0.6

        def changed(reply: harness.Reply) -> None:
            if reply.status == 200:
                self._do("publish_journey", body={"move_those_inside": moves})

        self._do("update_journey", changed, body={"steps": [*self.steps, shapes.more("added")]})

    def _beside(self, state: Mapping[str, Any]) -> tuple[Callable[[], None], bool]:
        """In the moment in which a wake acts, one of its members buys, or somebody enters, and the queue is quick. Its
        worker's clock is slow, so that it wants to join the wake that acts."""
        pk = f"WAKE#{state['tenant']}#{state['journey']}#{state['wake']}"
        members = [sk.split("#")[1] for sk in self.store.sorts.get(pk, ()) if sk.startswith("M#")]
        outside = [who for who in self.people if not self.store.sorts.get(f"ENTRY#{TENANT}#{self.journey}#{who}")]
        enters = bool(outside) and self.trigger == "event" and self.chance.random() < 0.5
        who = self.chance.choice(outside if enters else members or self.people)
        name, event = SIGNED_UP if enters else BOUGHT, f"q-{who}-{self.store.written}"

        if enters:
            self._happen([(who, name, event)])

        def act() -> None:
            if not enters:
                self._happen([(who, name, event)])
            for row in self.store.partition(Timeline.partition(TENANT, who)):
                if row.get("event_id", {}).get("S") == event:
                    self.days.tell_at_once(TENANT, who, row["sk"]["S"], -self.chance.uniform(0, SLOW))

        return act, enters

    def _sweep(self) -> None:
        if self.days.is_due():
            self.days.sweep()
            if self.chance.random() < 0.3:
                edge.fresh_instances()
        self.work.after(SWEEP, self._sweep)

    def contact(self, who: str) -> Contact | None:
        return Contact.fetch(*Contact.key(TENANT, who))
