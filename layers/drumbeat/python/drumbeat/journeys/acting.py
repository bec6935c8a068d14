"""Acting for members of a wake: where each goes is decided by itself; who goes on with the same messages is handed over
together, in one transaction with the chunk that holds them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.update import Action

from drumbeat import clock, ids, table
from drumbeat.accounts import settings
from drumbeat.contacts.model import Contact
from drumbeat.journeys import effects, entries, leaving, meeting, rules, sending, triggering, wakes
from drumbeat.journeys.effects import Moved
from drumbeat.journeys.entries import Entry, Outcome, State, record
from drumbeat.journeys.looking import Person
from drumbeat.journeys.model import Journey, Status
from drumbeat.journeys.rules import Does, Ends, Place, Waits, Walk
from drumbeat.journeys.steps import END, Definition, MessageStep
from drumbeat.journeys.versions import Versions
from drumbeat.journeys.wakes import Wake
from drumbeat.logs import logger
from drumbeat.sends import planning, rollups, senders
from drumbeat.sends.model import SHARDS, Chunk, Send
from drumbeat.table import ConditionFailed, NewerFormat, Transaction, TransactionRefused

# Trouble that says nothing about a member: the task fails, and is done again.
OURS = (BotoCoreError, ClientError, PynamoDBException, NewerFormat)
ARCHIVED = Ends(State.EXITED, "journey_archived")


@dataclass(slots=True)
class Decided:
    """An entry, the version that it goes on with, and where it goes; `target` is the wake that it waits in next."""

    entry: Entry
    version: int
    definition: Definition | None
    contact: Contact | None
    walk: Walk
    target: Wake | None = None

    @property
    def messages(self) -> tuple[str, ...]:
        return tuple(step.id for step in self.walk.messages)


class Acting:
    """What one wake does. It keeps what its members share: versions, today's sends, the wakes that they go to."""

    def __init__(self, journey: Journey | None, wake: Wake) -> None:
        self.journey, self.wake, self.now = journey, wake, clock.business()
        self.about = settings.of(wake.tenant)
        self._versions = Versions(wake.tenant, wake.journey_id)
        self._sends: dict[tuple[int, str], Send] = {}
        self._numbers: dict[str, int] = {}
        self._joined: dict[str, tuple[Wake, list[Entry]]] = {}

    def act(self, members: Sequence[Entry], people: Mapping[str, Contact]) -> list[Entry]:
        """Act for members; gives those who are to be looked at again: they go on, or somebody has touched them. Raises
        NotSendable when a message cannot be sent to anybody."""
        decided = [self._decide(entry, people.get(entry.contact_id)) for entry in members]
        for one in decided:
            for step in one.walk.messages:
                self._send(one, step)
        self._reserve(decided)
        again: list[Entry] = []
        together: defaultdict[tuple[int, tuple[str, ...]], list[Decided]] = defaultdict(list)
        for one in decided:
            if one.messages:
                together[one.version, one.messages].append(one)
            else:
                again += self._alone(one)
        for group in together.values():
            size = min(int(self._send(group[0], step).chunk_size) for step in group[0].walk.messages)
            for start in range(0, len(group), size):
                again += self._hand_over(group[start : start + size])
        return again

    def hand_on(self) -> None:
        """Start the wakes that members wait in now, and those who send."""
        for place in list(self._joined):
            wake, joined = self._joined.pop(place)
            if not wakes.confirm(wake):
                wakes.move(joined, wake.due_at)
        for send in {send.send_id: send for send in self._sends.values()}.values():
            if send.send_id in self._numbers:
                senders.add_work(send.account, send.tenant, send.send_id)
                rollups.request(send.tenant, send.send_id, send.launched_at)

    def _decide(self, entry: Entry, contact: Contact | None) -> Decided:
        try:
            if self.journey is None or self.journey.status == Status.ARCHIVED:
                return self._over(entry, contact, ARCHIVED)
            if contact is None:
                return self._over(entry, None, leaving.GONE)
            return self._walked(entry, contact)
        except OURS:
            raise
        except Exception as error:  # noqa: BLE001 - one member's trouble stalls no other
            return self._failed(entry, contact, error)

    def _failed(self, entry: Entry, contact: Contact | None, error: Exception) -> Decided:
        logger.exception("an entry failed", extra={"journey": entry.journey_id, "entry": entry.entry_id})
        return self._over(entry, contact, Ends(State.FAILED, f"{entry.step}: {type(error).__name__}"))

    def _over(self, entry: Entry, contact: Contact | None, ends: Ends) -> Decided:
        outcome = Outcome.FAILED if ends.state == State.FAILED else Outcome.EXITED
        said = record(str(entry.step), "exit", self.now, outcome, ends.reason)
        return Decided(entry, int(entry.version), None, contact, Walk(ends, [said]))

    def _walked(self, entry: Entry, contact: Contact) -> Decided:
        at = self._versions.at(entry)
        person = Person(contact, self.about, self.now)
        ends = leaving.due(at.definition, entry, person)
        if ends is not None:
            return self._over(entry, contact, ends)
        place = Place(
            entry_id=entry.entry_id, step=at.step, begun=bool(entry.begun) and at.step == entry.step, since=entry.since,
            due_at=entry.due_at or self.now, entered=entry.caused_at, cause=entry.cause, met=entry.met,
            records=entry.said,
        )  # fmt: skip
        walk = rules.walk(at.definition, place, person, self.now)
        if at.before is not None:
            why = f"from version {at.before} to {at.number}"
            walk.records.insert(0, record(at.step, "version", self.now, Outcome.DONE, why))
        return Decided(entry, at.number, at.definition, contact, walk)

    def _send(self, one: Decided, step: MessageStep) -> Send:
        assert self.journey is not None and one.definition is not None  # noqa: S101 - only such entries have messages
        key = one.version, step.id
        if key not in self._sends:
            quiet = one.definition.terms.quiet
            self._sends[key] = sending.of_today(self.journey, one.version, step, quiet, self.now)
        return self._sends[key]

    def _reserve(self, decided: Sequence[Decided]) -> None:
        """Give those who will wait their places in wakes: rows first, so that an entry that names a wake is in it."""
        groups: defaultdict[tuple[int, Any], list[Decided]] = defaultdict(list)
        for one in decided:
            if isinstance(one.walk.stop, Waits):
                groups[one.version, wakes.minute_of(one.walk.stop.until)].append(one)
        for (version, minute), members in groups.items():
            wake = wakes.reserve(self.wake.tenant, self.wake.journey_id, version, minute, len(members))
            wakes.put(wake, [(one.entry.contact_id, one.entry.number) for one in members])
            self._joined.setdefault(wake.place, (wake, []))
            for one in members:
                one.target = wake

    def _alone(self, one: Decided) -> list[Entry]:
        """Move one entry that sends nothing; gives it if it is to be looked at again."""
        stop, entry = one.walk.stop, one.entry
        if isinstance(stop, Does):
            assert one.contact is not None  # noqa: S101 - a walk has somebody
            moved = Moved(lambda outcome, why: self._done(one, stop, outcome, why), entry)
            try:
                effects.do(stop.effect, moved, one.contact, triggering.enrol_from, self.now)
            except OURS:
                raise
            except Exception as error:  # noqa: BLE001 - one member's trouble stalls no other
                return self._alone(self._failed(entry, one.contact, error))
            return [entry]
        try:
            entry.change(*self._actions(one, {}), condition=entry.as_it_was())
        except ConditionFailed:
            return [entry]
        self._moved(one)
        return []

    def _moved(self, one: Decided) -> None:
        """Remember whom to look after in the wake that they wait in; and look whether what they wait for came while
        they began to wait: whoever met it then did not find them waiting."""
        if one.target is None:
            return
        self._joined[one.target.place][1].append(one.entry)
        assert one.definition is not None and one.contact is not None  # noqa: S101 - only a walk leads to a wait
        person = Person(one.contact, self.about, clock.business())
        meeting.look_back(one.entry, one.definition, person)

    def _hand_over(self, members: Sequence[Decided]) -> list[Entry]:
        """Hand messages over for members, and move them past their steps, together."""
        left = sorted(members, key=lambda one: one.entry.contact_id)
        again: list[Entry] = []
        while left:
            chunks = [self._chunk(left, step) for step in left[0].walk.messages]
            transaction = Transaction()
            for chunk in chunks:
                transaction.create(chunk)
            for number, one in enumerate(left):
                said = {step: [*chunk.place[1:], number] for step, chunk in zip(one.messages, chunks, strict=True)}
                actions = self._actions(one, said)
                transaction.update(Entry, one.entry.pk, one.entry.sk, actions, one.entry.as_it_was())
            try:
                transaction.commit()
            except TransactionRefused as refused:
                self._learn(chunks, refused)
                touched = refused.found[len(chunks) :]
                again += [one.entry for one, found in zip(left, touched, strict=True) if found is not None]
                left = [one for one, found in zip(left, touched, strict=True) if found is None]
                continue
            return again + self._settled(left, chunks)
        return again

    def _settled(self, members: Sequence[Decided], chunks: Sequence[Chunk]) -> list[Entry]:
        for chunk in chunks:
            self._numbers[chunk.place[1]] += 1
        again = []
        for one in members:
            if one.target is not None:
                one.entry.refresh(consistent_read=True)
                self._moved(one)
            elif isinstance(one.walk.stop, Does):
                again.append(one.entry)
        return again

    def _chunk(self, members: Sequence[Decided], step: MessageStep) -> Chunk:
        """The next chunk of a step's send; wakes have shards of their own, so they seldom want the same."""
        send, shard = self._send(members[0], step), ids.shard(self.wake.pk, SHARDS)
        if send.send_id not in self._numbers:
            self._numbers[send.send_id] = _next_number(send.tenant, send.send_id, shard)
        number = self._numbers[send.send_id]
        return planning.chunk_of(send, shard, number, [one.entry.contact_id for one in members])

    def _learn(self, chunks: Sequence[Chunk], refused: TransactionRefused) -> None:
        """Somebody else has written a chunk of this number: look where the next one is free."""
        for chunk, found in zip(chunks, refused.found, strict=False):
            if found:
                self._numbers[chunk.place[1]] = _next_number(*chunk.place[:3])

    def _actions(self, one: Decided, messages: Mapping[str, list[Any]]) -> list[Action]:
        entry, stop = one.entry, one.walk.stop
        told = [
            {**said, "message": messages[said["step"]]} if said["outcome"] == Outcome.QUEUED else said
            for said in one.walk.records
        ]
        first = self._said(one, told)
        match stop:
            case Waits():
                assert one.target is not None  # noqa: S101 - whoever waits has a place
                return [
                    *first, Entry.step.set(stop.step), Entry.begun.set(True), Entry.since.set(stop.since),
                    Entry.due_at.set(stop.until), Entry.wake.set(one.target.place), Entry.met.remove(),
                    Entry.moves.add(1),
                ]  # fmt: skip
            case Does():
                return [*first, *_about_to(stop.effect.id, stop)]
            case Ends():
                if stop.goal is not None and entry.goal is None:
                    first.append(Entry.goal.set(leaving.as_goal(stop.goal, self.about.currency)))
                return [*first, *entries.ended(stop.state, stop.reason, self.now)]
        raise AssertionError("a walk stops")

    def _said(self, one: Decided, told: Sequence[Mapping[str, Any]]) -> list[Action]:
        records = Entry.records.set(entries.kept([*one.entry.said, *told]))
        return [records, *([Entry.version.set(one.version)] if one.version != int(one.entry.version) else [])]

    def _done(self, one: Decided, stop: Does, outcome: Outcome, why: str) -> list[Action]:
        """The move past a step that has had its effect."""
        said = record(stop.effect.id, stop.effect.type, self.now, outcome, why)
        first = self._said(one, [*one.walk.records, said])
        if stop.then == END:
            return [*first, *entries.ended(State.DONE, "completed", self.now)]
        return [*first, *_about_to(stop.then, stop)]


def _about_to(step: str, stop: Does) -> list[Action]:
    return [
        Entry.step.set(step), Entry.begun.remove(), Entry.since.set(stop.since), Entry.met.remove(), Entry.moves.add(1)
    ]  # fmt: skip


def _next_number(tenant: str, send_id: str, shard: int) -> int:
    """The number behind the last chunk that is stored of a shard."""
    last = next(iter(table.rows(Chunk, f"CHUNK#{tenant}#{send_id}#{shard}", newest_first=True, limit=1)), None)
    return int(last.sk) + 1 if last else 0
