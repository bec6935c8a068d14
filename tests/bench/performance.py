"""The performance answer of a large campaign, and the roll-up that it is read from: `python -m tests.bench.performance
100000`.

The roll-up's own handler adds up chunks and stat items such as a week of opens and clicks leaves; then the answer is
asked for as often as gives a median. Storage is the one in memory: units and requests are counted by its rules, and
`milliseconds` are our own processor time with the SDK's part of each request.
"""

import base64
import json
import random
import sys
import time
from datetime import timedelta
from typing import Any

from drumbeat import access, clock, ids
from drumbeat.accounts.model import ApiKey, Tenant
from drumbeat.campaigns import economics
from drumbeat.campaigns.model import Campaign
from drumbeat.sends import domains, marks
from drumbeat.sends.model import SHARDS, Chunk, Place, Send, SendKey
from drumbeat.table import Transaction, raw

from tests import harness
from tests.bench.audience import TENANT
from tests.bench.deployment import Deployment
from tests.bench.worker import megabytes

SIZE, ASKED = 50, 40
CAMPAIGN, SEND = "cmp_01M3250V007CGJ2ZV9V2HNV2SY", "snd_01M3250V007CGJ2ZV9V2HNV2SY"
OPENED, CLICKED, SOLD = 0.30, 0.03, 0.01
DOMAINS = ("gmail.com",) * 5 + ("yahoo.com", "outlook.com", "icloud.com", "hotmail.com")
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/125.0 Mobile Safari/537.36",
)


class Sent:
    """A campaign that went out a week ago, in the table in memory."""

    def __init__(self, recipients: int) -> None:
        self.deployment = Deployment(rate=200.0)
        self.deployment.build()
        self.at = clock.business() - timedelta(days=7)
        self.chance = random.Random(7)
        self.recipients = recipients
        self._tenant()
        for number in range(recipients // SIZE):
            self._chunk(Place(TENANT, SEND, number % SHARDS, number // SHARDS))
        self._money(int(recipients * SOLD))

    def _tenant(self) -> None:
        now = clock.wall()
        Tenant(
            *Tenant.key(TENANT), gsi1pk="TENANTS#all", gsi1sk=TENANT, tenant=TENANT, name="Shop", slug="shop",
            created_at=now, settings={"currency": "BDT", "time_zone": "Asia/Dhaka", "email_price_per_thousand": 12},
            limits={"analytics": 1_000_000},
        ).create()  # fmt: skip
        ApiKey(
            *ApiKey.key("bench"), gsi1pk=f"APIKEYS#{TENANT}", gsi1sk="bench", tenant=TENANT, key_id="bench",
            name="bench", secret_hash=access.hashed("secret"), scopes={"*"}, created_at=now,
        ).create()  # fmt: skip
        Campaign(
            *Campaign.key(TENANT, CAMPAIGN), gsi1pk=Campaign.partition(TENANT), gsi1sk=CAMPAIGN, tenant=TENANT,
            campaign_id=CAMPAIGN, name="November picks", status="sent", send_id=SEND, created_at=self.at,
            updated_at=self.at, launched_at=self.at,
        ).create()  # fmt: skip
        SendKey(
            *SendKey.key(SEND), tenant=TENANT, campaign=CAMPAIGN, secret=b"s" * 32,
            links=[{"number": number, "url": f"https://shop.example/{number}"} for number in range(1, 15)],
        ).create()  # fmt: skip
        Send(
            *Send.key(TENANT, SEND), tenant=TENANT, send_id=SEND, campaign=CAMPAIGN, account="ses", state="sent",
            audience={}, plan_shards=SHARDS, chunk_size=SIZE, planned=set(range(SHARDS)), unknown_policy="never",
            grace_seconds=7200, publish=False, launched_at=self.at, launch={"name": "November picks"},
        ).create()  # fmt: skip

    def _chunk(self, place: Place) -> None:
        chance, at = self.chance, self.at
        people = {number: f"p@{chance.choice(DOMAINS)}" for number in range(SIZE)}
        hour = marks.hour_of(at + timedelta(seconds=place[3] * SHARDS * SIZE / 200))
        self._put(
            Chunk(
                *place.chunk_key, state="done", recipients=chance.randbytes(16 * SIZE), outcomes="a" * SIZE,
                hours={str(hour): SIZE}, domains=domains.merged(None, SIZE, people), claim=ids.new("clm"),
            )
        )  # fmt: skip
        sets: dict[str, set[int]] = {"delivered": set(range(1, SIZE)), f"D{hour}": set(range(1, SIZE)), "bounced": {0}}
        for number in range(1, SIZE):
            if chance.random() < OPENED:
                when = at + timedelta(hours=min(72.0, chance.expovariate(1 / 6)))
                seen = (number, when, chance.choice(AGENTS), chance.choice(("BD", "BD", "US", None)))
                self._add(sets, "opened", number, marks.seen("opened", *seen))
                if chance.random() < CLICKED / OPENED:
                    self._add(sets, "clicked", number, marks.seen("clicked", *seen))
                    sets.setdefault(f"l{1 + number % 14}", set()).add(number)
        item = {name: {"NS": [str(number) for number in members]} for name, members in sets.items()}
        pk, sk = place.stat_key
        self.deployment.cloud.table.store((pk, sk), {"pk": {"S": pk}, "sk": {"S": sk}, **item})

    @staticmethod
    def _add(sets: dict[str, set[int]], kind: str, number: int, marked: tuple[str, int]) -> None:
        sets.setdefault(kind, set()).add(number)
        sets.setdefault(marked[0], set()).add(marked[1])

    def _put(self, entity: Chunk) -> None:
        item = {
            name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
            for name, value in raw(entity).items()
        }
        self.deployment.cloud.table.store((entity.pk, entity.sk), item)

    def _money(self, sold: int) -> None:
        for _ in range(sold):
            transaction = Transaction()
            economics.add_conversion(transaction, TENANT, CAMPAIGN, 150_000, "BDT")
            transaction.commit()


def rolled_up(sent: Sent) -> dict[str, float]:
    """What one roll-up takes."""
    used, worker = sent.deployment.meter.used, harness.function("campaigns.roll_up_send")
    used.clear()
    body = json.dumps({"tenant": TENANT, "send": SEND})
    sent.deployment.invoke(worker, {"Records": [{"messageId": "1", "body": body, "attributes": {}}]})
    found = {kind: float(number) for (name, kind), number in used.items() if name == "campaigns.roll_up_send"}
    return {
        "read_units": found.get("reads", 0.0) + found.get("stale reads", 0.0),
        "write_units": found.get("table writes", 0.0) + found.get("index writes", 0.0),
        "seconds": round(found["processor seconds"], 2),
    }


def asked(sent: Sent) -> dict[str, Any]:
    """What the answer takes: requests, read units, bytes, milliseconds."""
    deployment, name = sent.deployment, "campaigns.get_performance"
    headers = {"x-api-key": "db_live_bench_secret"}
    taken: list[float] = []
    answer: dict[str, Any] = {}
    for _ in range(ASKED):
        deployment.meter.used.clear()
        deployment.meter.aside = deployment.meter.waited = 0.0
        began = time.process_time()
        answer = deployment.ask(name, headers=headers, path={"campaign_id": CAMPAIGN})
        taken.append((time.process_time() - began - deployment.meter.aside) * 1e3)
    body = json.loads(base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"])
    used = deployment.meter.used
    return {
        "recipients": body["data"]["recipients"],
        "opened": body["data"]["opened"],
        "conversions": body["data"]["conversions"],
        "requests": round(deployment.meter.waited / 0.005),
        "read_units": used[name, "reads"] + used[name, "stale reads"],
        "bytes": len(answer["body"]),
        "milliseconds": sorted(taken)[ASKED // 2],
    }


def main() -> None:
    told, recipients = sys.stdout, int(sys.argv[1])
    sent = Sent(recipients)
    roll_up = rolled_up(sent)
    sent.deployment.now += 60
    found: dict[str, Any] = {"answer": asked(sent), "roll_up": roll_up, "peak": megabytes()}
    assert found["answer"]["recipients"] == recipients, found
    told.write(json.dumps(found))


if __name__ == "__main__":
    main()
