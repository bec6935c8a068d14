"""One send from launch to the last click, metered: `python -m tests.bench.send_run 20000 [events] [large] [alone]`.

98 % are delivered, 30 % opened, 3 % clicked (of those sent to). Opens come with a half-life of four hours and end after
three days, a click half a minute after its open; of the undelivered, half bounce hard and half softly.

A run is a sample of a send to a million: its opens come as densely as theirs (in less time, for there are fewer), so
that as many share a batch; the roll-ups that it has too few of are added. `alone` takes the whole three days: what a
send of this size costs when nothing else happens.
"""

import base64
import gc
import json
import math
import re
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from drumbeat import access, clock, ids
from drumbeat.accounts.model import ApiKey, Tenant
from drumbeat.segments import model as segments
from drumbeat.sends import rollups, senders, tokens
from drumbeat.sends.model import Place, SendKey

from tests import harness
from tests.bench.audience import SAID, TENANT, newsletter, seed
from tests.bench.deployment import Deployment

DELIVERED, OPENED, CLICKED = 0.98, 0.30, 0.03
HALF_LIFE, LAST_OPEN = 4 * 3600.0, 72 * 3600.0
RATE = 200.0  # mails a second that SES allows the account
MILLION = 1_000_000
SWEEPER = "sends.sweep_sends"
BROWSER = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)


class Run:
    """A launched send and what becomes of its mails."""

    def __init__(self, recipients: int, *, events: bool = False, large: bool = False, alone: bool = False) -> None:
        self.recipients, self.events, self.large = recipients, events, large
        self.pace = 1.0 if alone else recipients / MILLION
        self.deployment = Deployment(RATE)
        self.secret = b""
        self.lots: list[int] = []

    def go(self) -> dict[str, Any]:
        """Everything; gives what was used per function and kind, and what happened."""
        deployment = self.deployment
        deployment.build()
        deployment.mailed = self._mailed
        key, segment = key_of_tenant(events=self.events), ids.new("seg")
        segments.create_hidden(TENANT, segment, "Customers", clock.business()).change(
            segments.Segment.figures.set({"members": self.recipients})
        )
        seed(deployment.cloud.table, self.recipients, segment)
        deployment.run()
        deployment.meter.used.clear()
        gc.disable()  # the emulated table is large, and nothing here makes cycles that matter
        subject, html = newsletter(self.large)
        body = {
            "name": "November picks", "subject": subject, "html": html, "audience": {"segments": [segment]},
            "content": SAID,
        }  # fmt: skip
        idle = self._idle_sweep()
        made = self._asked(key, "campaigns.create_campaign", body=body)
        self._asked(key, "campaigns.launch_campaign", path={"campaign_id": made["id"]})
        self._sweep_each_minute()
        began = deployment.now
        deployment.run()
        self._missing_roll_ups(deployment.now - began)
        self._without_idle_sweeps(idle)
        found = self._asked(key, "campaigns.get_performance", path={"campaign_id": made["id"]})
        return {
            "recipients": self.recipients,
            "used": [[name, kind, number] for (name, kind), number in sorted(deployment.meter.used.items())],
            "metrics": sorted(f"{context}.{name}" for context, name in deployment.lines.metrics),
            "results": {
                name: found[name] for name in ("recipients", "sent", "delivered", "opened", "clicked", "bounced")
            },
            "stored_bytes": sum(
                size
                for (pk, _), size in deployment.cloud.table.sizes.items()
                if not pk.startswith(("CONTACT#", "MEMBER#"))
            ),
        }

    def _missing_roll_ups(self, lasted: float) -> None:
        """A roll-up costs a recipient the same in a send of any size, so what counts is how often it happens: in three
        days more often than in this sample of them."""
        if self.pace == 1.0:
            return
        used, name = self.deployment.meter.used, "campaigns.roll_up_send"
        more = roll_ups(LAST_OPEN) / roll_ups(lasted)
        for kind in {kind for function, kind in used if function == name}:
            used[name, kind] *= more if kind in ("reads", "GB-seconds", "processor seconds") else 1  # type: ignore[assignment]

    def _asked(self, key: str, name: str, **request: Any) -> Any:
        answer = self.deployment.ask(name, headers={"x-api-key": key}, **request)
        assert answer["statusCode"] < 300, answer["body"]
        return json.loads(answer["body"])["data"]

    def _idle_sweep(self) -> Counter[str]:
        """What a sweep uses that finds the account and no send: of that, the idle month is made."""
        deployment, sweeper = self.deployment, harness.function(SWEEPER)
        senders.get()
        deployment.invoke(sweeper, {})
        deployment.meter.used.clear()
        deployment.invoke(sweeper, {})
        used = Counter({kind: number for (name, kind), number in deployment.meter.used.items() if name == SWEEPER})
        deployment.meter.used.clear()
        return used

    def _sweep_each_minute(self) -> None:
        """As long as there is a send to look at."""

        def sweep() -> None:
            self.deployment.invoke(harness.function(SWEEPER), {})
            due = self.deployment.cloud.table.order["gsi2"]
            if any(entries for pk, entries in due.items() if pk.startswith("DUE#sends#")):
                self.deployment.at(self.deployment.now + 60, sweep)

        self.deployment.at(self.deployment.now + 60, sweep)

    def _without_idle_sweeps(self, idle: Counter[str]) -> None:
        """The sweeper runs each minute of the year: a send is charged with what its sweeps use more than others."""
        used = self.deployment.meter.used
        sweeps = used[SWEEPER, "invocations"]
        for kind, number in idle.items():
            used[SWEEPER, kind] = max(0, used[SWEEPER, kind] - number * sweeps)

    def _mailed(self, asked: dict[str, Any]) -> None:
        """SES took a call: what becomes of each mail is decided by lot, the shares of each hundred exactly."""
        chance = self.deployment.chance
        for entry in asked["BulkEmailEntries"]:
            tags = {tag["Name"]: tag["Value"] for tag in entry["ReplacementTags"]}
            address = entry["Destination"]["ToAddresses"][0]
            at = self.deployment.now + chance.uniform(1, 8)
            self.lots = self.lots or chance.sample(range(100), 100)
            lot = self.lots.pop()
            if lot >= 100 * DELIVERED:
                self._bounce(tags, address, at, hard=lot % 2 == 0)
                continue
            self._reported(
                "Delivery", tags, address, at, {"processingTimeMillis": 4711, "smtpResponse": "250 2.6.0 OK"}
            )
            if lot < 100 * OPENED:
                wait = 60 + self.pace * min(LAST_OPEN, -math.log2(1 - chance.random()) * HALF_LIFE)
                token, ip = self._token(tags), f"203.0.{chance.randrange(256)}.{chance.randrange(256)}"
                self.deployment.at(at + wait, partial(self._open, token, ip))
                if lot < 100 * CLICKED:
                    self.deployment.at(at + wait + 30, partial(self._click, token, ip))

    def _bounce(self, tags: dict[str, str], address: str, at: float, *, hard: bool) -> None:
        """SNS posts it to our function URL, which queues it: metered as the requests that this takes."""
        who = [
            {
                "emailAddress": address,
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 unknown",
            }
        ]
        said = {
            "bounceType": "Permanent" if hard else "Transient",
            "bounceSubType": "General",
            "bouncedRecipients": who,
        }
        used = self.deployment.meter.used
        source = "feedback.receive_ses_events"
        for kind, number in {
            "sns posts": 1, "invocations": 1, "GB-seconds": 0.06 * 0.25, "sqs requests": 1, "traces": 0.05,
            "log bytes": 900,
        }.items():  # fmt: skip
            used[source, kind] += number  # type: ignore[assignment]  # units may be fractions
        self._reported("Bounce", tags, address, at, said)

    def _reported(self, kind: str, tags: dict[str, str], address: str, at: float, said: dict[str, Any]) -> None:
        """SES publishes an event to SNS, which puts it on our queue: a publish, and a request to SQS."""
        moment = clock.iso(clock.business())
        headers = [
            {"name": name, "value": "x" * 60} for name in ("From", "To", "Subject", "MIME-Version", "Content-Type")
        ]
        mail = {
            "timestamp": moment, "source": "Shop <news@shop.example>", "messageId": "0100018f-" + "0" * 50,
            "sourceArn": "arn:aws:ses:us-east-1:123456789012:identity/shop.example", "sendingAccountId": "123456789012",
            "destination": [address], "headersTruncated": False, "headers": headers,
            "commonHeaders": {"from": ["Shop <news@shop.example>"], "to": [address], "subject": "x" * 60},
            "tags": {
                **{name: [value] for name, value in tags.items()}, "ses:operation": ["SendBulkEmail"],
                "ses:configuration-set": ["drumbeat"], "ses:source-ip": ["203.0.113.9"],
                "ses:from-domain": ["shop.example"],
                "ses:caller-identity": ["drumbeat-sends-deliver_chunk"],
            },
        }  # fmt: skip
        body = json.dumps({"eventType": kind, "mail": mail, kind.lower(): {"timestamp": moment, **said}})
        self.deployment.meter.used["SES", "sns publishes"] += 1
        if kind == "Delivery":
            self.deployment.meter.used["SNS", "sqs requests"] += 1
        self.deployment.at(at, lambda: self.deployment.arrived("feedback", body))

    def _token(self, tags: dict[str, str]) -> str:
        shard, chunk = tags["chunk"].split("-")
        if not self.secret:
            key = self.deployment.cloud.table.items[SendKey.key(tags["send"])]
            self.secret = base64.b64decode(key["secret"]["B"])
        return tokens.issue(self.secret, Place(TENANT, tags["send"], int(shard), int(chunk)), int(tags["i"]))

    def _open(self, token: str, ip: str) -> None:
        self.deployment.ask("tracking.record_open", path={"token": token}, headers={"user-agent": BROWSER}, ip=ip)

    def _click(self, token: str, ip: str) -> None:
        path = {"token": token, "link": "1"}
        answer = self.deployment.ask("tracking.follow_link", path=path, headers={"user-agent": BROWSER}, ip=ip)
        assert re.match(r"30[12]$", str(answer["statusCode"])), answer


def key_of_tenant(*, events: bool) -> str:
    """Make the tenant, and give its key; with `events` each message's go on the bus."""
    now = clock.wall()
    said = {
        "currency": "BDT", "time_zone": "Asia/Dhaka", "sender_name": "Shop", "sender_email": "news@shop.example",
        "postal_address": "1 Main Street, Springfield", "message_events": events,
    }  # fmt: skip
    Tenant(
        *Tenant.key(TENANT), gsi1pk="TENANTS#all", gsi1sk=TENANT, tenant=TENANT, name="Shop", slug="shop",
        settings=said, created_at=now,
    ).create()  # fmt: skip
    ApiKey(
        *ApiKey.key("bench"), gsi1pk=f"APIKEYS#{TENANT}", gsi1sk="bench", tenant=TENANT, key_id="bench",
        name="bench", secret_hash=access.hashed("secret"), scopes={"*"}, created_at=now,
    ).create()  # fmt: skip
    return "db_live_bench_secret"


def roll_ups(seconds: float) -> int:
    """How many roll-ups a send has in the time after its launch, when something happens all the time."""
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    now, many = begun, 0
    while now < begun + timedelta(seconds=seconds):
        now += timedelta(seconds=rollups.spacing(begun, now))
        many += 1
    return many


def main() -> None:
    told = sys.stdout
    recipients, options = int(sys.argv[1]), dict.fromkeys(sys.argv[2:], True)
    found = Run(recipients, **options).go()
    told.write(json.dumps(found))


if __name__ == "__main__":
    main()
