"""A shop with journeys, whose clocks a test moves; what is in the mailbox, and where everybody is."""

from collections import Counter
from datetime import timedelta
from typing import Any, TypeVar

from drumbeat import clock
from drumbeat.journeys import entries, lifecycle, model, sending, triggering, wakes
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.model import Journey
from drumbeat.journeys.steps import Definition
from drumbeat.journeys.triggering import Became, Candidate
from drumbeat.journeys.wakes import Wake
from drumbeat.sends.model import Chunk
from drumbeat.table import Entity

from tests import table_server
from tests.unit.sends.conftest import TENANT, Clocked

Row = TypeVar("Row", bound=Entity)


def mail(step: str, **fields: Any) -> dict[str, Any]:
    """A step that sends a mail whose subject is the step's id."""
    return {"id": step, "type": "send", "message": {"subject": step, "html": f"<p>{step}</p>"}, **fields}


def wait(step: str, duration: str, **fields: Any) -> dict[str, Any]:
    return {"id": step, "type": "wait", "duration": duration, **fields}


def on(event: str, *filters: dict[str, Any]) -> dict[str, Any]:
    """A trigger by an event."""
    return {"type": "event", "event": event, "filters": list(filters)}


def contact(place: int) -> str:
    return f"con_{place:026d}"


def stored(entity: type[Row], prefix: str) -> list[Row]:
    """All items whose partition key begins so: found without a query of each partition."""
    store = table_server.current()
    assert store is not None
    return entity.many(sorted(key for key in store.items if key[0].startswith(prefix)))


class Engine:
    """Journeys in a shop with `people` p0, p1, …"""

    def __init__(self, clocked: Clocked, people: int = 0) -> None:
        self.clocked, self.world, self.time = clocked, clocked.world, clocked.time
        if people:
            clocked.people(people)
            self.world.settle()

    def drafted(self, trigger: dict[str, Any], *steps: dict[str, Any], **terms: Any) -> Journey:
        said = Definition.model_validate({"trigger": trigger, "steps": list(steps), "terms": terms})
        journey = model.make(TENANT, model.new_id(), "Welcome", said, "usr_1", clock.business())
        return model.add(journey)

    def running(self, trigger: dict[str, Any], *steps: dict[str, Any], **terms: Any) -> str:
        """A journey that was published."""
        journey = self.drafted(trigger, *steps, **terms)
        return str(lifecycle.publish(journey, "usr_1", clock.business()).journey_id)

    def enter(self, journey_id: str, *places: int, cause: str = "cause") -> dict[str, Became]:
        """Let contacts in, past events."""
        journey, now = self.get(journey_id), clock.business()
        definition = model.version(TENANT, journey_id, int(journey.version)).read
        who = [Candidate(contact(place), cause, now, now, {}) for place in places]
        return triggering.enter(journey, definition, who)

    def due(self, journey_id: str) -> dict[str, Any]:
        """The state of the wake of the journey that is due first; its time has come."""
        wake = min(wakes.of_journey(TENANT, journey_id), key=lambda one: one.due_at)
        self.time.passes(max(wake.due_at - clock.business(), timedelta(0)))
        return {"tenant": TENANT, "journey": journey_id, "wake": wake.place, "wait_seconds": 0}

    def handed_over(self, journey_id: str) -> Counter[tuple[str, str]]:
        """(contact, step) of everyone in a chunk of the journey's sends, with how often."""
        steps = {row.send_id: row.step for row in sending.of_journey(TENANT, journey_id)}
        chunks = [chunk for chunk in stored(Chunk, f"CHUNK#{TENANT}#") if chunk.place[1] in steps]
        return Counter((person, steps[chunk.place[1]]) for chunk in chunks for person in chunk.contacts)

    def is_safe(self, journey_id: str, place: int) -> bool:
        """Whether a waiting entry waits in a wake that is open and knows it."""
        entry = self.entry(journey_id, place)
        wake = Wake.fetch(*Wake.key(TENANT, journey_id, str(entry.wake)))
        rows = {row.entry_key for row in wakes.members(wake)} if wake else set()
        return wake is not None and wake.closed_at is None and (entry.pk, entry.sk) in rows

    def get(self, journey_id: str) -> Journey:
        return model.get(TENANT, journey_id)

    def revised(self, journey_id: str, *steps: dict[str, Any], migrate: bool = False, **terms: Any) -> None:
        """Publish another version."""
        journey = self.get(journey_id)
        said = {**journey.draft, "steps": list(steps), **({"terms": terms} if terms else {})}
        draft = Definition.model_validate(said).stored
        model.change(journey, clock.business(), draft=draft, changed=True)
        lifecycle.publish(journey, "usr_1", clock.business(), migrate=migrate)

    def happens(self, place: int, event: str, **more: Any) -> None:
        """A contact does something; nothing has come of it yet."""
        body = {"name": event, "contact_id": contact(place), **more}
        assert self.world.call("activity.record_events", body=body).status == 202

    def passes(self, *, sweep: bool = False, **duration: float) -> None:
        """Let time pass, with all that happens in it, day by day."""
        left, step = timedelta(**duration), timedelta(days=1)
        while left > timedelta(0):
            self.time.passes(min(left, step))
            left -= step
            self.settle(sweep=sweep)

    def settle(self, *, sweep: bool = False) -> None:
        if sweep:
            self.world.run("journeys.sweep_journeys", {})
            self.world.run("sends.sweep_sends", {})
        self.world.settle()

    def soon(self) -> None:
        """Let the next minute come, and the next ones that follow from it."""
        for _ in range(3):
            self.time.passes(timedelta(minutes=1, seconds=1))
            self.settle()

    def entry(self, journey_id: str, place: int = 0) -> Entry:
        found = entries.latest(TENANT, journey_id, contact(place))
        assert found is not None
        return found

    def entries(self, journey_id: str, place: int = 0) -> list[Entry]:
        return list(entries.of(TENANT, journey_id, contact(place)))

    def told(self, journey_id: str, place: int = 0) -> list[tuple[str, str]]:
        """(step, outcome) of the contact's latest entry."""
        return [(said["step"], said["outcome"]) for said in self.entry(journey_id, place).said]

    def mails(self) -> Counter[tuple[str, str]]:
        """(address, subject) of what reached the provider, with how often."""
        listed = self.clocked.mails.http.get("/mailbox.json", params={"order": "asc", "limit": "1000"}).json()["mails"]
        return Counter((address, mail["subject"]) for mail in listed for address in mail["to"])
