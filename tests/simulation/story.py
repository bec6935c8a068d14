"""One seed: two tenants launch a campaign each, to contacts with the same ids, while everything goes wrong.

What goes wrong and when follows from the seed. The storm ends some time; from then on all works, and it must come to
rest. What must hold then is in `promises`.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from drumbeat import clock
from drumbeat.sends.model import SHARDS, Send

from tests import harness
from tests.simulation import edge, fallbacks, moments, plans, towns
from tests.simulation.calls import Calls
from tests.simulation.clouds import TOGETHER, Cloud, Counting, Worker
from tests.simulation.plans import OptOut, Pause, Side, planned

# Until then it must be at rest, in seconds of the simulation; a send that is held by an hour's limit takes longer.
REST = 14 * 3600.0
ENDED = frozenset({"sent", "cancelled", "expired"})


class Story(Calls):
    """A seed's run. `workers` take the place of consumers: broken ones, to see whether that is noticed."""

    def __init__(
        self,
        seed: int,
        people: int,
        workers: Mapping[str, Worker] | None = None,
        counting: Counting | None = None,
        forced: Mapping[str, Any] | None = None,
    ) -> None:
        town = towns.town(people)
        self.counting = counting
        self.chance = random.Random(seed + 10**6)
        plan = planned(self.chance, people)
        self.plan = replace(plan, **{**moments.drawn(seed, plan), **fallbacks.drawn(seed), **(forced or {})})
        self.people = town.people
        super().__init__(seed, Cloud(seed, town.store, towns.START, rate=self.plan.rate, workers=workers))
        self.cloud.counting = counting
        if people > plans.FEW:  # of so many mails, more would stop the sends for their reputation
            self.cloud.mails.bounced, self.cloud.mails.complained = 0.01, 0.0002
        if self.plan.fallback:
            self.cloud.mails.outages = fallbacks.outages(seed, towns.START)
        self.sides = [Side(tenant, town.campaign, self.plan.policies[tenant]) for tenant in towns.TENANTS]
        # Other campaigns of the tenants, which are only there to get into the way.
        self.others: list[Side] = []
        # Recipients of two mails whom the policy allows: nothing was heard of the first one within the grace.
        self.exceptions: list[str] = []

    # What happens

    def _play(self) -> None:
        for side in self.sides:
            plans.prepare(self.store, self.plan, side, self.people, self.chance)
        self._prepare_moments()
        self.store.records.clear()  # what was there before is no news
        self.work.storm = True
        for side in self.sides:
            self._begin(side)
        self.work.after(60.0, self._sweep)
        ends = towns.START + self.plan.storm
        while not self._over():
            if self.work.now > towns.START + REST:
                self.problems.append(f"not at rest: {self._standing()}")
                return
            self.work.step(moments.TOGETHER if self.plan.capped else TOGETHER)
            if self.work.storm and self.work.now > ends:
                self.work.storm = False
                for side in (*self.sides, *self.others):
                    self._mend(side)
        self._afterwards()

    def _prepare_moments(self) -> None:
        """Of two tenants one has hours and caps."""
        side = self.sides[0]
        moments.prepare(self.store, self.plan, side, self.people)
        if self.plan.capped:
            self.others.append(moments.second(self.store, side))
            self.later(self.chance.uniform(0, 20), lambda: self.do(self.others[0], "launch"))

    def _begin(self, side: Side) -> None:
        at = self.chance.uniform(0, 20)
        if self.plan.scheduled:
            moment = datetime.fromtimestamp(towns.START + 300, UTC)
            self.later(at, lambda: self.do(side, "schedule", body={"scheduled_at": clock.iso(moment)}))
        else:
            self.later(at, lambda: self.do(side, "launch"))
            if self.chance.random() < 0.3:  # the caller's colleague presses the button too
                self.later(at + self.chance.uniform(0, 3), lambda: self.do(side, "launch"))
        for _ in range(self.plan.opt_outs):
            self.later(self.chance.uniform(5, 1500), lambda: self._opt_out(side))
        if self.plan.paused:
            self.later(self.chance.uniform(30, 400), lambda: self._pause(side))
        if self.plan.cancelled and self.chance.random() < 0.7:
            self.later(self.chance.uniform(10, 900), lambda: self._cancel(side))
        if self.chance.random() < 0.2:
            self.later(self.chance.uniform(0, 200), lambda: self._delete(side))
        if self.chance.random() < 0.4:
            self.later(self.chance.uniform(400, 1500), lambda: self._scan(side))
        for who in sorted(side.movers):
            for _ in range(self.chance.randint(1, 3)):
                self._move_later(side, who)

    def _sweep(self) -> None:
        """Each minute, and more rarely when not much happens any more: a run may be skipped."""
        self.cloud.sweep()
        age = self.work.now - towns.START
        busy = self.work.storm and self.plan.people > plans.FEW
        self.work.after(60.0 if busy or age < 120 else 800.0 if age < 1800 else 2700.0, self._sweep)
        if self.chance.random() < 0.3:
            edge.fresh_instances()

    def do(self, side: Side, verb: str, then: Callable[[harness.Reply], None] | None = None, **request: Any) -> None:
        path = {"campaign_id": side.campaign}
        self.call(side.tenant, f"campaigns.{verb}_campaign", then or (lambda reply: None), path=path, **request)

    def _opt_out(self, side: Side) -> None:
        """Somebody opts out: by the page of a mail, by the API, or the address is suppressed."""
        who = self.chance.choice([one for one in self.people if one not in side.barred])
        number = self.people.index(who)
        side.touched.add(who)
        way = self.chance.choice(("page", "consent", "suppression"))
        token = self.cloud.mails.tokens.get((self.send_of(side), who))

        def done(reply: harness.Reply) -> None:
            if reply.status < 300:
                side.opt_outs.append(OptOut(who, self.work.now, way))

        if way == "page" and token:
            self.call(None, "tracking.unsubscribe_contact", done, path={"token": token})
        elif way == "suppression":
            self.call(side.tenant, "contacts.create_suppression", done, body={"address": towns.address(number)})
        else:
            said = {"channel": "email", "status": "revoked", "source": "call"}
            self.call(side.tenant, "contacts.record_consent", done, path={"contact_id": who}, body=said)

    def _move_later(self, side: Side, who: str) -> None:
        self.later(self.chance.uniform(0, 120), lambda: plans.move(self.store, side, who))

    def _scan(self, side: Side) -> None:
        """A program that checks mails fetches the links of some."""
        tokens = [token for (send, _), token in self.cloud.mails.tokens.items() if send == self.send_of(side)]
        for token in self.chance.sample(tokens, min(2, len(tokens))):
            self.call(None, "tracking.show_unsubscribe", lambda reply: None, path={"token": token})

    def _delete(self, side: Side) -> None:
        who = self.chance.choice([one for one in self.people if one not in side.barred])
        side.deleted.add(who)
        self.call(side.tenant, "contacts.delete_contact", lambda reply: None, path={"contact_id": who})

    def _pause(self, side: Side) -> None:
        def paused(reply: harness.Reply) -> None:
            if reply.status == 200:
                side.pausing = self.work.now
            self.later(self.chance.uniform(60, 900), lambda: self._resume(side))

        self.do(side, "pause", paused)

    def _resume(self, side: Side) -> None:
        if side.pausing is not None:
            side.pauses.append(Pause(side.pausing, self.work.now))
            side.pausing = None
        self.do(side, "resume")

    def _cancel(self, side: Side) -> None:
        side.cancelling = True
        self.do(side, "cancel")

    def _mend(self, side: Side) -> None:
        """The storm is over: who launched or paused looks whether it is as it should be."""
        status = self.status(side)
        if status == "draft":
            self.later(1.0, lambda: self.do(side, "launch"))
        elif status == "paused":
            self.later(1.0, lambda: self._resume(side))

    # Whether it is over

    def status(self, side: Side) -> str:
        return str(self.store.items[f"CAMPAIGN#{side.tenant}#{side.campaign}", "CAMPAIGN"]["status"]["S"])

    def send_of(self, side: Side) -> str:
        held = self.store.items[f"CAMPAIGN#{side.tenant}#{side.campaign}", "CAMPAIGN"].get("send_id")
        side.send = held["S"] if held else ""
        return side.send

    def _over(self) -> bool:
        if (
            self.work.storm
            or self.under_way
            or self.cloud.under_way
            or self.cloud.mails.waiting
            or self.cloud.stream.busy
        ):
            return False
        for side in (*self.sides, *self.others):
            if self.status(side) == "paused":
                self._resume(side)
            send = self.store.find(*Send.key(side.tenant, self.send_of(side)))
            if self.status(side) not in ENDED or (send and "finished_at" not in send):
                return False
        return True

    def _afterwards(self) -> None:
        """An hour later the sweeper looks once more: a roll-up that was lost is made up for."""
        self.work.sleep(timedelta(hours=1, minutes=5).total_seconds())
        edge.fresh_instances()
        self.cloud.sweep()
        until = self.work.now + 600
        while (self.cloud.under_way or self.cloud.stream.busy) and self.work.now < until:
            self.work.step(0.0)

    def _standing(self) -> dict[str, Any]:
        return {
            **{side.tenant: self.status(side) for side in self.sides}, "calls": self.under_way,
            "messages": self.cloud.under_way, "reports": self.cloud.mails.waiting, "unread": self.cloud.stream.busy,
        }  # fmt: skip

    def stored_totals(self, side: Side) -> dict[str, Any]:
        """The numbers of the last roll-up."""
        row = self.store.find(f"ROLLUPS#{side.tenant}#{side.send}", "TOTALS")
        found: dict[str, Any] = json.loads(row["numbers"]["S"]) if row else {}
        return found

    def lanes(self, side: Side) -> range:
        """The shards of the side's plan."""
        send = self.store.find(*Send.key(side.tenant, self.send_of(side)))
        return range(int(send["plan_shards"]["N"]) if send else SHARDS)
