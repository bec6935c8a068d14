"""What must hold when all is at rest:

1 nobody is stuck: every entry has come to an end, and none has failed
2 an entry's records are a way through its version: each step once, none left out, waits as long as they say
3 each message that a record names is one recipient of one chunk, and each recipient is named by one record; each got at
  most one mail, and exactly one unless there is a reason
4 whoever did what lets people in has entered; entries are as many as the terms allow; the holdout group gets nothing
5 what a step does has happened once for each record that says so: numbers, the list, points, entries elsewhere
6 what somebody waited for is met when it comes, not at the time-out
7 the performance answer is what a recount gives
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from drumbeat import clock
from drumbeat.contacts.model import Contact
from drumbeat.journeys import model, sending
from drumbeat.journeys.entries import Entry, Outcome, State
from drumbeat.journeys.steps import END, Definition
from drumbeat.segments.model import Member
from drumbeat.sends.model import SHARDS, unpack
from drumbeat.sends.model import Outcome as Letter

from tests.simulation import towns
from tests.simulation.clockwork import ONCE, SKEW
from tests.simulation.journeys.shapes import LIST
from tests.simulation.journeys.story import TENANT, Story
from tests.simulation.promises import APPLIED, GRACE, OPT_OUT
from tests.simulation.provider import Mail, Message

# An event is met within this, in a storm in which messages come late and again.
MET = timedelta(hours=2)
# A wait may count from when the step before was due, at most so long before it was done; clocks go wrong.
EARLY = timedelta(hours=1, seconds=2 * ONCE)


def broken(story: Story) -> list[str]:
    """Which promises do not hold."""
    found = [*story.problems, *(f"trespass: {one}" for one in story.cloud.trespasses[:5])]
    if found:
        return found
    return list(_Judge(story).judge())


class _Judge:
    def __init__(self, story: Story) -> None:
        self.story, self.store = story, story.store
        self.entries, self.others = (self._entries(one) for one in (story.journey, story.other))
        self.definitions: dict[int, Definition] = {
            one.number: one.read for one in model.versions(TENANT, story.journey)
        }
        self.mails: defaultdict[Message, list[Mail]] = defaultdict(list)
        for mails in story.cloud.mails.accepted.values():
            for mail in mails:
                self.mails[mail.message].append(mail)

    def _entries(self, journey: str) -> dict[str, list[Entry]]:
        prefix = f"ENTRY#{TENANT}#{journey}#"
        found: dict[str, list[Entry]] = {}
        for pk in self.store.sorts:
            if pk.startswith(prefix):
                rows = [Entry.from_raw_data(row) for row in self.store.partition(pk)]
                if rows:
                    found[rows[0].contact_id] = rows
        return found

    def judge(self) -> Iterator[str]:
        for entry in (one for rows in (*self.entries.values(), *self.others.values()) for one in rows):
            yield from self._ended(entry)
        for entry in self._all():
            yield from self._way(entry)
            yield from self._in_time(entry)
        yield from self._messages()
        yield from self._terms()
        yield from self._effects()
        yield from self._performance()

    def _all(self) -> Iterator[Entry]:
        for rows in self.entries.values():
            yield from rows

    def _ended(self, entry: Entry) -> Iterator[str]:
        if entry.state == State.WAITING:
            yield f"{_name(entry)} is stuck at {entry.step} in {entry.wake}, due {entry.due_at}, met {entry.met}"
        elif entry.state == State.FAILED:
            yield f"{_name(entry)} has failed: {entry.reason}"

    def _way(self, entry: Entry) -> Iterator[str]:
        """Promise 2."""
        definition = self.definitions[_first_version(entry)]
        expected, before = definition.first, entry.entered_at
        for said in entry.said:
            if said["type"] == "version":
                definition = self.definitions[int(said["why"].rpartition(" ")[2])]
            if not _is_step(said):
                continue
            if said["step"] != expected:
                yield f"{_name(entry)} did {said['step']}, not {expected}: {_told(entry)}"
                return
            step: Any = definition.step(expected)
            at = clock.parse(said["at"])
            duration = getattr(step, "duration", None)
            if said["type"] == "wait" and duration and at < before + duration - EARLY:
                yield f"{_name(entry)} waited {at - before} at {expected}, not {duration}"
            expected, before = _next(definition, step, said), at
        if entry.state == State.DONE and entry.reason == "completed" and expected != END:
            yield f"{_name(entry)} has ended before {expected}: {_told(entry)}"

    def _in_time(self, entry: Entry) -> Iterator[str]:
        """Promise 6. While a journey is paused, nobody goes on."""
        if self.story.known.pauses:
            return
        begun, before = {}, entry.entered_at
        for said in entry.said:
            at = clock.parse(said["at"])
            if said["type"] == "wait_for_event" and said["outcome"] == Outcome.HAPPENED:
                happened = self._event_at(entry.contact_id, said["event"])
                late = at - max(happened, before)
                if late > MET + timedelta(seconds=ONCE if self.story.work.once else 0):
                    yield f"{_name(entry)} was met {late} late at {said['step']}"
            begun[said["step"]], before = at, at

    def _event_at(self, who: str, event: str) -> Any:
        for row in self.store.partition(f"TIMELINE#{TENANT}#{who}"):
            if row.get("event_id", {}).get("S") == event:
                return clock.parse(row["sk"]["S"][:24])
        raise LookupError(f"{who} has no event {event}")

    def _messages(self) -> Iterator[str]:
        """Promise 3."""
        named: defaultdict[Message, list[Entry]] = defaultdict(list)
        for entry in self._all():
            for said in entry.said:
                if "message" in said:
                    send, shard, chunk, number = said["message"]
                    named[Message(send, f"{shard}-{chunk}", number)].append(entry)
                elif said["type"] == "send":
                    yield f"{_name(entry)} sent {said['step']} and names no message"
        ledger = dict(self._ledger())
        for message, (who, outcome) in ledger.items():
            owners = named.pop(message, [])
            if [entry.contact_id for entry in owners] != [who]:
                yield f"{who} is in chunk {message.chunk}, named by {[_name(entry) for entry in owners]}"
            yield from self._once(message, who, outcome)
        for message, owners in named.items():
            yield f"{_name(owners[0])} names {message}, where there is no recipient"
        for message in set(self.mails) - set(ledger):
            yield f"a mail of {message}, who is in no chunk"

    def _ledger(self) -> Iterator[tuple[Message, tuple[str, str]]]:
        for journey in (self.story.journey, self.story.other):
            for row in sending.of_journey(TENANT, journey):
                for shard in range(SHARDS):
                    for item in self.store.partition(f"CHUNK#{TENANT}#{row.send_id}#{shard}"):
                        people = unpack(item["recipients"]["B"])
                        for number, (who, letter) in enumerate(zip(people, item["outcomes"]["S"], strict=True)):
                            yield Message(row.send_id, f"{shard}-{int(item['sk']['S'])}", number), (who, letter)

    def _once(self, message: Message, who: str, outcome: str) -> Iterator[str]:
        mails = self.mails.get(message, [])
        if outcome == Letter.TO_DO:
            yield f"{who} is left open in {message}"
        if outcome == Letter.ACCEPTED and not mails:
            yield f"{who} counts as sent in {message} and got nothing"
        if len(mails) > 1 and not self._excepted(message, mails):
            yield f"{who} got {len(mails)} mails ({self.story.policy}) of {message}"
        revoked = self.story.known.revoked.get(who)
        if revoked is not None and any(mail.at > revoked + OPT_OUT for mail in mails):
            yield f"{who} got a mail after it had revoked"

    def _excepted(self, message: Message, mails: Sequence[Mail]) -> bool:
        """Twice, as the policy allows: nothing was heard of the first one in time."""
        within = GRACE - APPLIED - (ONCE if self.story.work.once else SKEW) - SKEW
        heard, first, second = self.story.cloud.mails.told.get(message), mails[0], mails[1]
        in_time = heard is not None and heard.first < first.at + within
        early = in_time or second.at < first.at + within
        if self.story.policy == "never" or len(mails) > 2 or early:
            return False
        self.story.exceptions.append(f"{message}: twice, its first report came late or never")
        return True

    def _terms(self) -> Iterator[str]:
        """Promise 4."""
        events = self.story.known.events
        for who in events:
            if who not in self.entries:
                yield f"{who} has not entered"
        for who, rows in self.entries.items():
            terms = self.definitions[int(rows[-1].version)].terms.re_entry
            if terms == "never" and len(rows) > 1:
                yield f"{who} has {len(rows)} entries of one"
            if len({entry.cause for entry in rows}) < len(rows):
                yield f"{who} entered twice by the same cause"
            if self.story.trigger != "segment" and len(rows) > len(set(events[who])):
                yield f"{who} has {len(rows)} entries of {len(events[who])} events"
            for one, two in itertools.pairwise(rows):
                if one.ended_at is None or two.entered_at < one.ended_at - timedelta(seconds=2 * ONCE):
                    yield f"{who} was in twice at a time"
                if isinstance(terms, timedelta) and two.caused_at < one.entered_at + terms:
                    yield f"{who} entered again too soon"
            if any(entry.state == State.HOLDOUT and len(entry.said) != 1 for entry in rows):
                yield f"{who} is held out, and something happened"
            if rows[0].state == State.HOLDOUT and len(rows) > 1:
                yield f"{who} is held out, and is in"

    def _effects(self) -> Iterator[str]:
        """Promise 5."""
        points = Counter(
            frame["data"]["contact_id"]
            for frame in self.story.cloud.published.values()
            if frame["event_type"].endswith("points.award_requested")
        )
        for who, rows in self.entries.items():
            done = Counter(
                (said["type"], said["step"], said["why"].rpartition(" ")[2] if "why" in said else "")
                for entry in rows
                for said in entry.said
                if said["outcome"] == Outcome.DONE
            )
            contact = Contact.fetch(*Contact.key(TENANT, who))
            attributes: Mapping[str, Any] = (contact.attributes or {}) if contact else {}
            wanted = Counter[str]()
            for (kind, step, _), times in done.items():
                if kind == "update_contact":
                    wanted[f"n_{step}"] += times
            others = [entry for entry in self.others.get(who, ()) if entry.state == State.DONE]
            if others:
                wanted["n_other"] = len(others)
            numbers = {name: int(value) for name, value in attributes.items() if name.startswith("n_")}
            if numbers != wanted:
                yield f"{who} has the numbers {numbers}, and did {dict(wanted)}"
            listed = any(kind == "add_to_segment" for kind, _, _ in done)
            if listed != (self.store.find(*Member.key(TENANT, LIST, who)) is not None):
                yield f"{who} is {'not ' if listed else ''}on the list"
            asked = sum(times for (kind, _, _), times in done.items() if kind == "award_points")
            if points[who] != asked:
                yield f"points of {who} were asked for {points[who]} times, not {asked}"
            entered = sum(times for (kind, _, why), times in done.items() if kind == "enrol" and why == "entered")
            if len(self.others.get(who, ())) != entered:
                yield f"{who} entered the other journey {len(self.others.get(who, ()))} times, not {entered}"

    def _performance(self) -> Iterator[str]:
        """Promise 7."""
        path = {"journey_id": self.story.journey}
        shown = towns.ask(TENANT, "journeys.get_performance", path=path).data
        members = [entry for entry in self._all() if entry.state != State.HOLDOUT]
        ended = Counter(entry.state for entry in members)
        goals = sum(entry.state == State.EXITED and entry.reason == "goal" for entry in members)
        held = sum(entry.state == State.HOLDOUT for entry in self._all())
        wanted = {
            "entries": len(members), "waiting": 0, "completed": ended[State.DONE] + goals,
            "exited": ended[State.EXITED] - goals, "failed": 0,
        }  # fmt: skip
        yield from (f"{name} is {shown[name]}, not {value}" for name, value in wanted.items() if shown[name] != value)
        if shown["holdout"]["members"] != held:
            yield f"{shown['holdout']['members']} held out, not {held}"
        told: Counter[tuple[str, str]] = Counter()
        came: Counter[str] = Counter()
        for entry in members:
            records = [(said["step"], said["outcome"]) for said in entry.said if _is_step(said)]
            told.update(records)
            came.update({step for step, _ in records})
        letters: dict[str, Counter[str]] = self._letters()
        for step in shown["steps"]:
            mine = {outcome: times for (name, outcome), times in told.items() if name == step["step"]}
            if step["outcomes"] != mine:
                yield f"{step['step']} shows {step['outcomes']}, not {mine}"
            if step["entered"] != came[step["step"]]:
                yield f"{step['entered']} entered {step['step']}, not {came[step['step']]}"
            if step["messages"]:
                sent = letters.get(step["step"], Counter())
                numbers = step["messages"]["sent"], step["messages"]["not_sent"]
                true = sent[Letter.ACCEPTED], sum(sent.values()) - sent[Letter.ACCEPTED]
                if numbers != true:
                    yield f"{step['step']} has sent and not sent {numbers}, not {true}"

    def _letters(self) -> dict[str, Counter[str]]:
        steps = {row.send_id: row.step for row in sending.of_journey(TENANT, self.story.journey)}
        found: dict[str, Counter[str]] = {}
        for message, (_, letter) in self._ledger():
            found.setdefault(steps[message.send], Counter())[letter] += 1
        return found


def _name(entry: Entry) -> str:
    return f"{entry.contact_id[-4:]}#{entry.number} of {entry.journey_id[-4:]}"


def _told(entry: Entry) -> list[str]:
    return [f"{said['step']}:{said['outcome']}" for said in entry.said]


def _is_step(said: Mapping[str, Any]) -> bool:
    """Not that it entered, left early, or came from another version. (An `exit` step is named `out`.)"""
    return said["type"] not in ("entry", "exit", "version") or said["step"] == "out"


def _first_version(entry: Entry) -> int:
    """The version that it began with: `from version 1 to 2` says the first move."""
    moves = [said["why"].split()[2] for said in entry.said if said["type"] == "version"]
    return int(moves[0]) if moves else int(entry.version)


def _next(definition: Definition, step: Any, said: Mapping[str, Any]) -> str:
    """Where the entry went after a record."""
    match said["outcome"]:
        case Outcome.TIMED_OUT:
            return definition.target(step, step.on_time_out)
        case Outcome.TRUE:
            return definition.target(step, step.if_true)
        case Outcome.FALSE:
            return definition.target(step, step.if_false)
        case Outcome.PATH:
            return definition.target(step, step.paths[int(said["why"].split()[1]) - 1].next)
        case Outcome.REACHED:
            return END
        case Outcome.EXITED:
            return END
    return definition.target(step, step.next)
