"""One simulated send: a town, a provider that misbehaves, its reports, and what must hold when all is quiet."""

import random
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from drumbeat import clock, table
from drumbeat.contacts import suppressions
from drumbeat.contacts.model import Contact
from drumbeat.feedback import known
from drumbeat.sends import rollups
from drumbeat.sends.model import Send

from tests.simulation import reports
from tests.simulation.background import BadDay
from tests.simulation.faults import START, Time
from tests.unit.campaigns.conftest import Shop
from tests.unit.mail import Provider

TENANT = "ten_acme"
PEOPLE, CHUNK = 48, 6
SILENT, REVOKED, SUPPRESSED, NO_ADDRESS = 4, 3, 5, 2
STORM, MOST_SWEEPS = 14, 80
# A quarter of an hour after the start for most; of the others it has passed, or comes an hour later.
LOCAL, ZONES = "2026-03-02T09:15:00", (None, "Atlantic/Azores", None, "Asia/Kathmandu")
AN_HOUR = 36
FAULTS = {"429": 0.08, "500": 0.06, "500_accepted": 0.08, "reset_accepted": 0.08, "partial": 0.1}


class Town:
    """Recipients with consent and some without, and a campaign to all of them."""

    def __init__(self, world: BadDay, mails: Provider, time: Time, seed: int) -> None:
        self.world, self.mails, self.time = world, mails, time
        self.chance = random.Random(-seed)
        self.shop = Shop(world, mails)
        self.barred = SILENT + REVOKED + SUPPRESSED + NO_ADDRESS
        self.reports = reports.Reports(mails, self.chance)
        self.sweeps = 0
        self.by_hour: Counter[str] = Counter()
        rollups.EVERY = (
            15  # as it is deployed; a roll-up that comes too early for something is asked for by the sweeper
        )
        table.put_many([self._person(number) for number in range(PEOPLE)])
        for number in range(SILENT + REVOKED, SILENT + REVOKED + SUPPRESSED):
            suppressions.suppress(TENANT, address(number), "marketing", "manual", None, START)
        for kind, rate in FAULTS.items():
            mails.fault(kind, rate=rate, count=3, seed=self.chance.randrange(10**6), share=0.4)

    def _person(self, number: int) -> Contact:
        contact_id = f"con_{number:026d}"
        status = "revoked" if SILENT <= number < SILENT + REVOKED else "granted"
        said = {} if number < SILENT else {"email": {"status": status, "at": clock.iso(START), "method": "api"}}
        return Contact(
            *Contact.key(TENANT, contact_id), gsi1pk=Contact.partition_of(TENANT, contact_id), gsi1sk=contact_id,
            tenant=TENANT, contact_id=contact_id, first_name=f"Person {number}", consent=said,
            time_zone=ZONES[number % len(ZONES)],
            email=None if number >= PEOPLE - NO_ADDRESS else address(number), created_at=START, updated_at=START,
        )  # fmt: skip

    def send(self) -> None:
        """Launch, and let time pass until the campaign has ended and nothing is under way."""
        self.campaign = self.shop.campaign(
            send_in_recipient_zone=True, local_send_at=LOCAL, when_local_time_passed="at_once",
            limits={"per_hour": AN_HOUR},
        )  # fmt: skip
        assert self.shop.do("launch", self.campaign).status == 200
        self.send_id = self.shop.do("get", self.campaign).data["send_id"]
        Send.change_at(*Send.key(TENANT, self.send_id), Send.chunk_size.set(CHUNK))
        while not self._over():
            assert self.sweeps < MOST_SWEEPS, f"not over: {self.shop.results(self.campaign)}"
            self._minutes()

    def _minutes(self) -> None:
        """What happens in some minutes: messages, sweeps, and reports of what was sent."""
        self.sweeps += 1
        if self.sweeps > STORM:
            self.world.faults.active = False
        hour = clock.iso(clock.business())[:13]
        before = self.reports.accepted
        self.world.settle()
        self.reports.collect(self.sweeps)
        self.by_hour[hour] += self.reports.accepted - before
        self.reports.deliver(self.sweeps)
        self.time.passes(timedelta(seconds=self.chance.randrange(120, 840)))
        self.world.tick()
        rollups.forget()
        known.forget()
        self.world.attempt("sends.sweep_sends", lambda: self.world.run("sends.sweep_sends", {}))
        self.world.settle()

    def _over(self) -> bool:
        ended = self.shop.status(self.campaign) == "sent"
        return ended and self.sweeps > STORM and self.world.at_rest() and self.reports.all_told

    def problems(self) -> list[str]:
        """What does not hold of: each eligible recipient once, everybody accounted for, and numbers that are true."""
        told = self.mails.http.get("/truth", params={"value": self.send_id, "addresses": "true"}).json()
        truth = told["groups"][self.send_id]
        shown = self.shop.results(self.campaign)
        reasons = {
            "no_consent": SILENT, "consent_revoked": REVOKED, "suppressed": SUPPRESSED, "no_address": NO_ADDRESS,
        }  # fmt: skip
        eligible = PEOPLE - self.barred
        wanted: Mapping[str, Any] = {
            "sent": eligible, "delivered": len(self.reports.delivered), "bounced": len(self.reports.bounced),
            "complained": len(self.reports.complained), "open": 0, "unsubscribed": 0, "not_sent_by_reason": reasons,
        }  # fmt: skip
        found = [f"{name} is {shown[name]}, not {value}" for name, value in wanted.items() if shown[name] != value]
        if truth["duplicates"]:
            found.append(f"{truth['duplicates']} got it twice: {truth['duplicate_addresses']}")
        if set(truth["addresses"]["accepted"]) != {address(number) for number in self.eligible}:
            found.append(f"{truth['recipients']} of {eligible} got it")
        found += [f"{sent} left within {hour}h" for hour, sent in self.by_hour.items() if sent > AN_HOUR]
        found += self._timelines()
        for chart in ("timeline", "by_domain"):  # whatever failed in between, each mail has one hour and one domain
            if (charted := sum(row["sent"] for row in shown[chart])) != eligible:
                found.append(f"{chart} shows {charted} mails, not {eligible}")
        return found

    @property
    def eligible(self) -> range:
        return range(SILENT + REVOKED + SUPPRESSED, PEOPLE - NO_ADDRESS)

    def _timelines(self) -> list[str]:
        """Each accepted mail is one row."""
        wrong = []
        for number in self.eligible:
            kept = table.connection().query(f"TIMELINE#{TENANT}#con_{number:026d}", consistent_read=True)["Items"]
            rows = [row for row in kept if row["name"]["S"] == "email.sent"]
            if len(rows) != 1:
                wrong.append(f"{address(number)} has {len(rows)} rows of being sent to")
        return wrong


def address(number: int) -> str:
    return f"p{number}@town.example"
