"""One campaign on a bad day, in a process of its own: `python -m tests.soak.engine.campaign '{"seed": 1, …}'`.

Its last line is JSON: what happened and what does not hold. `tests.soak.threads` starts it with its environment.
"""

import json
import random
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import httpx
from drumbeat import access, clock, ids, table
from drumbeat.accounts.model import ApiKey, Tenant
from drumbeat.contacts import suppressions
from drumbeat.contacts.model import Contact
from drumbeat.logs import logger
from drumbeat.sends import rollups
from drumbeat.sends.model import REASONS, SHARDS, Chunk, Outcome, Send, SendState

from tests import harness
from tests.soak.engine.aws import Cloud
from tests.soak.engine.crew import Crew, Time
from tests.soak.engine.strikes import POINTS, Strikes
from tests.soak.engine.told import Told

TENANT, KEY = "ten_acme", "db_live_soak_secret"
HTML = (
    "<p>Hello {{ first_name }}, <a href='https://shop.example/sale'>shop</a>.</p><p>{{ postal_address }} "
    "<a href='{{ unsubscribe_url }}'>Unsubscribe</a></p>"
)
# Of a hundred: who never agreed, who has taken it back, who is suppressed, who has no address.
SILENT, REVOKED, SUPPRESSED, NO_ADDRESS = range(4)
# Of the eligible: who opts out while the campaign is sent, within so many seconds of its launch.
LEAVE, LEAVING_WITHIN = 0.01, 20.0
# After an opt-out was committed no mail may leave any more, but those that are on their way.
ON_THEIR_WAY = 60.0
# Faults last so many seconds of the clock at most; then everything comes to rest by itself.
STORM = 4 * 3_600.0
# What is over is looked at again after an hour: should the last roll-up have been lost, its numbers are right then.
REST = 3_700.0
PROVIDER = {"429": 0.03, "500": 0.01, "500_accepted": 0.01, "reset": 0.005, "reset_accepted": 0.01, "partial": 0.02}
BUSY = 300.0
MOST_ROWS, OF_ROWS = 300, 20


@dataclass
class Wanted:
    """What to run: `chunk` recipients a call, `grace` in seconds, where the provider is, and what names start with."""

    seed: int
    recipients: int
    chunk: int
    provider: str
    policy: str = "after_grace"
    name: str = "soak"
    grace: int = 9_000


@dataclass
class Found:
    """What happened. `problems` is empty when everything held; `exceptions` are recipients whom the promise excepts,
    `opted_out` those who left in time."""

    seconds: float = 0.0
    eligible: int = 0
    accepted: int = 0
    duplicates: int = 0
    missing: int = 0
    opted_out: int = 0
    business_hours: float = 0.0
    at_once: int = 0
    exceptions: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    struck: dict[str, int] = field(default_factory=dict)
    happened: dict[str, int] = field(default_factory=dict)


class Campaign:
    """A tenant, its people, and a campaign to all of them."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted, self.chance = wanted, random.Random(f"{wanted.seed}:campaign")
        self.crew = Crew(Time())
        self.strikes = Strikes(wanted.seed)
        self.cloud = Cloud(self.crew, self.strikes, wanted.seed, wanted.name)
        self.provider = httpx.Client(base_url=wanted.provider, timeout=60)
        self.people = sorted(ids.new("con") for _ in range(wanted.recipients))
        self.left: dict[str, float] = {}
        self.launched = self.quiet = 0.0

    def go(self) -> Found:
        began = time.monotonic()
        self._build()
        with self.strikes.struck():
            self._launch()
            self.cloud.sweep_each(self._interval)
            self.crew.run(self.cloud.gathered, self._over)
        found = self._judged()
        self.crew.close()
        found.seconds = round(time.monotonic() - began, 1)
        return found

    def _build(self) -> None:
        self.cloud.build()
        now = clock.wall()
        said = {
            "sender_name": "Acme", "sender_email": "news@acme.example", "postal_address": "1 Main Street, Springfield",
            "grace_seconds": self.wanted.grace, "unknown_policy": self.wanted.policy, "message_events": False,
        }  # fmt: skip
        Tenant(
            *Tenant.key(TENANT), gsi1pk="TENANTS#all", gsi1sk=TENANT, tenant=TENANT, name="Acme", slug="acme",
            limits={"standard": 100_000, "analytics": 100_000}, settings=said, created_at=now,
        ).create()  # fmt: skip
        ApiKey(
            *ApiKey.key("soak"), gsi1pk=f"APIKEYS#{TENANT}", gsi1sk="soak", tenant=TENANT, key_id="soak", name="soak",
            secret_hash=access.hashed("secret"), scopes={"*"}, created_at=now,
        ).create()  # fmt: skip
        table.put_many([self._person(number) for number in range(self.wanted.recipients)])
        for number in range(SUPPRESSED, self.wanted.recipients, 100):
            suppressions.suppress(TENANT, address(number), "marketing", "manual", None, now)

    def _person(self, number: int) -> Contact:
        contact_id, kind, at = self.people[number], number % 100, clock.wall()
        status = "revoked" if kind == REVOKED else "granted"
        said = {} if kind == SILENT else {"email": {"status": status, "at": clock.iso(at), "method": "api"}}
        return Contact(
            *Contact.key(TENANT, contact_id), gsi1pk=Contact.partition_of(TENANT, contact_id), gsi1sk=contact_id,
            tenant=TENANT, contact_id=contact_id, first_name=f"Person {number}", consent=said,
            email=None if kind == NO_ADDRESS else address(number), created_at=at, updated_at=at,
        )  # fmt: skip

    def eligible(self) -> set[int]:
        return {number for number in range(self.wanted.recipients) if number % 100 > NO_ADDRESS}

    def _launch(self) -> None:
        body = {"name": "Soak", "subject": "Hello {{ first_name }}", "html": HTML, "audience": {"everyone": True}}
        made = self._asked("campaigns.create_campaign", body=body)
        self.campaign = str(made["id"])
        self.send = str(self._asked("campaigns.launch_campaign", path={"campaign_id": self.campaign})["send_id"])
        Send.change_at(*Send.key(TENANT, self.send), Send.chunk_size.set(self.wanted.chunk))
        self.launched = self.crew.time.exact()
        self.told = Told(self.provider, self.send, self.wanted.seed, 0.8 * self.wanted.grace)
        for place, (kind, rate) in enumerate(PROVIDER.items()):
            fault = {"operation": "SendBulkEmail", "kind": kind, "rate": rate, "seed": self.wanted.seed * 10 + place}
            self.provider.post("/faults", json=fault).raise_for_status()
        for number in sorted(self.eligible()):
            if self.chance.random() < LEAVE:
                self.cloud.put(partial(self._leave, number), self.chance.uniform(0, LEAVING_WITHIN))

    def _asked(self, name: str, **request: Any) -> Any:
        """What an endpoint answers; asked again for as long as faults make it fail."""
        function = self.cloud.function(name)
        event = harness.http_event(str(function.declaration.route), headers={"X-API-Key": KEY}, **request)
        for _ in range(20):
            answer = function(event, None)
            if answer["statusCode"] < 300:
                return json.loads(answer["body"])["data"]
            assert answer["statusCode"] >= 500, answer["body"]
        raise AssertionError(f"{name} fails again and again: {answer['body']}")

    def _leave(self, number: int) -> None:
        with self.strikes.at_work("contacts.create_unsubscribe"):
            self._asked("contacts.create_unsubscribe", body={"email": address(number)})
        self.left[address(number)] = self.crew.time.exact()

    def _interval(self) -> float:
        """Seconds until the next sweep: a minute at first, as it is deployed, and more when hours pass."""
        if self.strikes.over:
            return REST
        return 60.0 if self.crew.time.exact() < self.launched + BUSY else 1_200.0

    def _report(self) -> None:
        for late, events in self.told.batches():
            self.cloud.put(partial(self.cloud.hand, "feedback", [json.dumps(event) for event in events]), late)

    def _over(self) -> bool:
        if self.strikes.called():
            self._report()
            return False
        send = Send.fetch(*Send.key(TENANT, self.send))
        assert send is not None
        assert send.state != SendState.PAUSED, f"the send is paused: {send.reason}"
        closed = send.state == SendState.SENT
        now, told = self.crew.time.exact(), closed and not self.cloud.waiting
        if not self.strikes.over and (told or now > self.launched + STORM):
            self.strikes.end()
            self.quiet = now
            logger.setLevel("ERROR")  # from here on nothing may fail, and what does says why
            self.provider.delete("/faults").raise_for_status()
            return False
        return told and now > self.quiet + 2 * REST

    def _judged(self) -> Found:
        query = {"value": self.send, "addresses": "true"}
        truth = self.provider.get("/truth", params=query).json()["groups"][self.send]
        accepted, doubled = set(truth["addresses"]["accepted"]), set(truth["duplicate_addresses"])
        outcomes = self._outcomes()
        wanted = {address(number) for number in self.eligible()}
        # Nothing of their first mail ever came back, and the tenant wants such mails sent again.
        excepted = doubled & self.told.lost if self.wanted.policy == "after_grace" else set()
        unsent = wanted - accepted
        missing = {one for one in unsent if outcomes.get(one) not in REASONS}
        found = Found(
            eligible=len(wanted), accepted=truth["accepted"], duplicates=len(doubled - excepted), missing=len(missing),
            business_hours=round((self.crew.time.exact() - self.launched) / 3600, 1),
            at_once=self.crew.most_at_once,
            struck=self.strikes.seen, happened=dict(sorted(self.cloud.happened.items())),
        )  # fmt: skip
        found.exceptions = [f"{one}: every event of the first mail was lost" for one in sorted(excepted)]
        found.exceptions += [f"{one}: {REASONS[outcomes[one]]}" for one in sorted(unsent - missing - set(self.left))]
        found.opted_out = len(unsent & set(self.left))
        found.problems = self._problems(found, outcomes, accepted, doubled - excepted, missing)
        return found

    def _problems(
        self, found: Found, outcomes: dict[str, Outcome], accepted: set[str], doubled: set[str], missing: set[str]
    ) -> list[str]:
        wrong = [f"{one} got it twice" for one in sorted(doubled)]
        wrong += [f"{one} was forgotten: {outcomes.get(one)}" for one in sorted(missing)]
        wanted = {address(number) for number in self.eligible()}
        wrong += [f"{one} should not have got it" for one in sorted(accepted - wanted)]
        given_up = {one for one, outcome in outcomes.items() if outcome == Outcome.GIVEN_UP}
        said = {one for one, outcome in outcomes.items() if outcome == Outcome.ACCEPTED}
        allowed = {Outcome.REVOKED, Outcome.SUPPRESSED}
        wrong += [
            f"{one} was not sent: {REASONS[outcomes[one]]}"
            for one in sorted(wanted - accepted - missing)
            if not (one in self.left and outcomes[one] in allowed)
            and not (self.wanted.policy == "never" and outcomes[one] == Outcome.GIVEN_UP)
        ]
        wrong += [f"{one} is called sent and was not" for one in sorted(said - accepted)]
        wrong += [f"{one} was sent and is not called so" for one in sorted(accepted - said - given_up)]
        wrong += self._late_ones() + self._counters(outcomes) + self._timelines(said)
        if found.at_once < 8:
            wrong.append(f"only {found.at_once} threads worked at once")
        if self.wanted.recipients >= 5_000:
            wrong += [f"nothing struck {point}" for point in POINTS if not self.strikes.points[point]]
        return wrong

    def _outcomes(self) -> dict[str, Outcome]:
        """What the ledger says of each recipient; each is in it once."""
        numbers = {contact_id: number for number, contact_id in enumerate(self.people)}
        found: dict[str, Outcome] = {}
        listed: Counter[int] = Counter()
        for shard in range(SHARDS):
            for chunk in table.rows(Chunk, f"CHUNK#{TENANT}#{self.send}#{shard}"):
                for contact_id, letter in zip(chunk.contacts, chunk.outcomes, strict=True):
                    listed[numbers[contact_id]] += 1
                    found[address(numbers[contact_id])] = Outcome(letter)
        assert set(listed) == set(range(self.wanted.recipients)), "somebody is in no chunk"
        assert set(listed.values()) == {1}, "somebody is in two chunks"
        return found

    def _late_ones(self) -> list[str]:
        """Who was written to although their opt-out had been committed a minute before."""
        wrong = []
        for one, left in sorted(self.left.items()):
            for mail in self.provider.get("/mailbox.json", params={"to": one}).json()["mails"]:
                at = self.crew.time.of(clock.parse(mail["at"]).timestamp())
                if one in mail["to"] and at > left + ON_THEIR_WAY:
                    wrong.append(f"{one} got it {at - left:.0f} s after the opt-out")
        return wrong

    def _counters(self, outcomes: dict[str, Outcome]) -> list[str]:
        """Numbers that are not what really happened, or not what adding up again gives."""
        send = Send.fetch(*Send.key(TENANT, self.send))
        totals = rollups.latest(TENANT, self.send)
        assert send is not None
        assert totals is not None
        again = rollups.compute(TENANT, send)
        shown = self._asked("campaigns.get_performance", path={"campaign_id": self.campaign})
        by_reason = Counter(REASONS[one] for one in outcomes.values() if one in REASONS)
        truth = {
            "recipients": self.wanted.recipients, "open": 0, "not_sent_by_reason": dict(by_reason),
            "sent": sum(one == Outcome.ACCEPTED for one in outcomes.values()), "delivered": len(self.told.delivered),
            "bounced": len(self.told.bounced), "complained": len(self.told.complained),
        }  # fmt: skip
        wrong = [f"{name} is {shown[name]}, not {value}" for name, value in truth.items() if shown[name] != value]
        stale = {name for name in again if totals.numbers.get(name) != again[name]}
        return wrong + [f"the stored {name} is not what adding up gives" for name in sorted(stale)]

    def _timelines(self, said: set[str]) -> list[str]:
        """Each accepted mail is one row of its recipient's timeline."""
        sent = [number for number in sorted(self.eligible()) if address(number) in said]
        wrong = []
        for number in self.chance.sample(sent, min(MOST_ROWS, len(sent) // OF_ROWS)):
            kept = table.connection().query(f"TIMELINE#{TENANT}#{self.people[number]}", consistent_read=True)["Items"]
            rows = [row for row in kept if row["name"]["S"] == "email.sent"]
            if len(rows) != 1:
                wrong.append(f"{address(number)} has {len(rows)} rows of being sent to")
        return wrong


def address(number: int) -> str:
    return f"p{number}@town.example"


def main() -> None:
    wanted = Wanted(**json.loads(sys.argv[1]))
    found = Campaign(wanted).go()
    sys.stdout.write(f"\n{json.dumps(asdict(found))}\n")


if __name__ == "__main__":
    main()
