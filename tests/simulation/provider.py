"""The mail provider: SES's SendBulkEmail on a bad day, and the truth, which is what it accepted and when.

It answers in SES's format, refuses what SES refuses, and reports what became of each mail as SES does: late, again and
again, in any order, or never.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import botocore.session
from botocore.exceptions import ClientError, ConnectTimeoutError, HTTPClientError, ReadTimeoutError

from tests.simulation.clockwork import Clockwork, Killed
from tests.simulation.wire import KILLED_AT_POINT, POINTS, URL

# Shares of calls: many more than in life, for a seed has few calls.
THROTTLED, FAILED, FAILED_ACCEPTED, UNREACHED, TIMED_OUT, TIMED_OUT_ACCEPTED, SLOW, PARTIAL = (
    0.05, 0.03, 0.05, 0.03, 0.03, 0.05, 0.04, 0.1,
)  # fmt: skip
# Of the events of a seed, those that are two hours late: of most seeds none, for then they take as long themselves.
EVENT_LATE = (0.0, 0.0, 0.05)
# Of the entries of a call that is accepted in part, those that have any status.
ENTRIES = 0.3
# Shares of accepted mails and of events.
SILENT, EVENT_LOST, REPEATED = 0.001, 0.0005, 0.15
BOUNCED, COMPLAINED, OPENED, CLICKED, DEFERRED = 0.05, 0.01, 0.12, 0.04, 0.02
# Of the bounces, those of mails that another server took and called delivered.
ACCEPTED_FIRST = 0.2
READ_TIMEOUT, SLOWNESS, TWO_HOURS = 15.0, 30.0, 7200.0
MOST_ENTRIES, MOST_BYTES = 50, 1_000_000
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"


def statuses() -> tuple[str, ...]:
    """Every status that an entry may have, by SES's own model."""
    model = botocore.session.Session().get_service_model("sesv2")
    return tuple(model.shape_for("BulkEmailStatus").enum)


class Message(NamedTuple):
    """Which message it is: send, chunk (`<shard>-<number>`) and the recipient's number."""

    send: str
    chunk: str
    number: int


class Mail(NamedTuple):
    """A mail that was accepted."""

    at: float
    message: Message
    contact: str
    attempt: str
    account: str = ""


class Outage(NamedTuple):
    """From the one time until the other the first account takes nothing: it is `unreached`, or `refused`."""

    start: float
    end: float
    kind: str


@dataclass
class Told:
    """What the provider said about a message, as far as it got to us: kinds, and when the first came."""

    first: float
    kinds: set[str] = field(default_factory=set)


class Provider:
    """One SES account. `publish` puts an event, as text, where the deployment gets it."""

    STATUSES = statuses()

    def __init__(self, work: Clockwork, rate: float, publish: Callable[[str], None]) -> None:
        self.publish = publish
        self.work, self.chance, self.rate = work, work.chance, rate
        self.outages: Sequence[Outage] = ()
        self.accepted: defaultdict[tuple[str, str], list[Mail]] = defaultdict(list)
        self.rejected: set[tuple[str, str]] = set()
        self.told: dict[Message, Told] = {}
        # The token of the unsubscribe link of who got a mail.
        self.tokens: dict[tuple[str, str], str] = {}
        self.bounced, self.complained = BOUNCED, COMPLAINED
        self.waiting = 0
        self._late = self.chance.choice(EVENT_LATE)
        self.calls = 0
        self._second, self._taken = 0, 0

    def account(self) -> dict[str, Any]:
        """GetAccount."""
        quota = {"Max24HourSend": -1.0, "MaxSendRate": self.rate, "SentLast24Hours": 0.0}
        return {"SendQuota": quota, "SendingEnabled": True, "ProductionAccessEnabled": True}

    def send_bulk(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """SendBulkEmail, one try: raises what botocore raises, and Killed behind an acceptance."""
        self.work.pass_turn()
        self.calls += 1
        self._require(kwargs)
        account = str(kwargs.get("TenantName") or "")
        self._stand_outages(account)
        trouble = self._trouble()
        if trouble:
            self.work.happened[f"provider: {trouble}"] += 1
        entries = kwargs["BulkEmailEntries"]
        if trouble in ("429", "500", "unreached", "timed out"):
            raise self._lost(trouble)
        if trouble == "slow":
            self._later(self.chance.uniform(READ_TIMEOUT, SLOWNESS), entries, account)
            raise self._lost("timed out")
        results = [self._entry(entry, trouble == "partial", account) for entry in entries]
        if trouble in ("500, accepted", "timed out, accepted"):
            raise self._lost(trouble)
        self.work.sleep(self.chance.uniform(0.05, 0.5))
        self.work.pass_turn()
        if self.work.strikes(POINTS[2], KILLED_AT_POINT):
            raise Killed
        return {"BulkEmailEntryResults": results}

    def _stand_outages(self, account: str) -> None:
        """The first account's; the second one has none."""
        present = [one for one in self.outages if one.start <= self.work.now < one.end and not account]
        for outage in present:
            self.work.happened[f"provider: {outage.kind} for long"] += 1
            if outage.kind == "refused":
                raise refused("AccountSuspendedException", 400, "Sending is suspended")
            raise self._lost("unreached")

    def _require(self, kwargs: Mapping[str, Any]) -> None:
        """What SES refuses."""
        entries = kwargs["BulkEmailEntries"]
        tags = [tag for entry in entries for tag in entry["ReplacementTags"]]
        content = kwargs["DefaultContent"]["Template"]["TemplateContent"]
        size = sum(len(text) for text in content.values())
        size += sum(len(_data(entry)) for entry in entries)
        if not 1 <= len(entries) <= MOST_ENTRIES:
            raise refused("BadRequestException", 400, "between 1 and 50 entries")
        if not all(_TAG.fullmatch(tag["Value"]) for tag in tags):
            raise refused("BadRequestException", 400, "Invalid message tag")
        if size > MOST_BYTES:
            raise refused("BadRequestException", 400, "too large")
        if "@" not in kwargs["FromEmailAddress"] or not kwargs["ConfigurationSetName"]:
            raise refused("BadRequestException", 400, "no sender")
        if not all("@" in address for entry in entries for address in entry["Destination"]["ToAddresses"]):
            raise refused("BadRequestException", 400, "no address")

    def _trouble(self) -> str:
        if not self.work.storm:
            return ""
        left = self.chance.random()
        for name, share in (
            ("429", THROTTLED), ("500", FAILED), ("500, accepted", FAILED_ACCEPTED), ("unreached", UNREACHED),
            ("timed out", TIMED_OUT), ("timed out, accepted", TIMED_OUT_ACCEPTED), ("slow", SLOW), ("partial", PARTIAL),
        ):  # fmt: skip
            left -= share
            if left < 0:
                return name
        return ""

    def _lost(self, trouble: str) -> ClientError | HTTPClientError:
        if trouble == "429":
            return refused("TooManyRequestsException", 429, "Maximum sending rate exceeded.", {"retry-after": "30"})
        if trouble.startswith("500"):
            return refused("InternalFailure", 500, "try again")
        if trouble == "unreached":
            self.work.sleep(3.0)
            return ConnectTimeoutError(endpoint_url=URL)
        self.work.sleep(READ_TIMEOUT)
        return ReadTimeoutError(endpoint_url=URL)

    def _later(self, seconds: float, entries: list[dict[str, Any]], account: str) -> None:
        """The call is acted on after its caller has gone."""
        self.waiting += 1

        def act() -> None:
            self.waiting -= 1
            for entry in entries:
                self._entry(entry, False, account)

        self.work.after(seconds, act)

    def _entry(self, entry: dict[str, Any], partial: bool, account: str) -> dict[str, Any]:
        if self._over_rate():
            return {"Status": "ACCOUNT_THROTTLED", "Error": "Maximum sending rate exceeded."}
        struck = partial and self.chance.random() < ENTRIES
        status = self.chance.choice(self.STATUSES) if struck else "SUCCESS"
        tags = {tag["Name"]: tag["Value"] for tag in entry["ReplacementTags"]}
        who = (tags["send"], f"con_{tags['contact']}")
        if status != "SUCCESS":
            if status in ("MESSAGE_REJECTED", "TEMPLATE_NOT_FOUND", "INVALID_PARAMETER", "FAILED"):
                self.rejected.add(who)
            return {"Status": status, "Error": status.lower()}
        message = Message(tags["send"], tags["chunk"], int(tags["i"]))
        self.accepted[who].append(Mail(self.work.now, message, who[1], tags["attempt"], account))
        self.tokens[who] = entry["ReplacementHeaders"][0]["Value"].strip("<>").rpartition("/")[2]
        message_id = f"m-{self.calls}-{message.number}"
        self._report(message, tags, entry["Destination"]["ToAddresses"], message_id)
        return {"Status": "SUCCESS", "MessageId": message_id}

    def _over_rate(self) -> bool:
        """Whether the account sends more than SES lets through: a burst of twice its rate in a second."""
        second = int(self.work.now)
        self._taken = self._taken + 1 if second == self._second else 1
        self._second = second
        return self._taken > max(MOST_ENTRIES, 2 * self.rate)

    def _report(self, message: Message, tags: Mapping[str, str], to: list[str], message_id: str) -> None:
        """Decide what becomes of a mail, and when we are told."""
        if self.work.strikes("provider: silent", SILENT):
            return
        chance, now = self.chance, self.work.now
        head = {
            "timestamp": iso(now), "messageId": message_id, "source": "news@acme.example", "destination": to,
            "tags": {name: [value] for name, value in tags.items()},
        }  # fmt: skip
        delivered = now + chance.uniform(1, 60)
        if chance.random() < DEFERRED:
            delay = {"timestamp": iso(now + 1), "delayType": "MailboxFull"}
            self._event("deferred", message, {"eventType": "DeliveryDelay", "mail": head, "deliveryDelay": delay}, 1)
        if chance.random() < self.bounced:
            self._event("bounced", message, bounce(head, to, delivered, "Permanent"), delivered - now)
            if chance.random() >= ACCEPTED_FIRST:
                return
        if chance.random() < self.bounced / 2:
            self._event("soft_bounced", message, bounce(head, to, delivered - 1, "Transient"), delivered - now)
        delivery = {"timestamp": iso(delivered), "recipients": to}
        self._event(
            "delivered", message, {"eventType": "Delivery", "mail": head, "delivery": delivery}, delivered - now
        )
        if chance.random() < self.complained:
            said = {"complainedRecipients": [{"emailAddress": to[0]}], "timestamp": iso(delivered + 30)}
            self._event("complained", message, {"eventType": "Complaint", "mail": head, "complaint": said}, 100)
        self._seen(message, delivered)

    def _seen(self, message: Message, delivered: float) -> None:
        """A person opens and clicks, minutes after the delivery."""
        drawn = self.chance.random()
        if drawn < OPENED:
            self._event("opened", message, seen(message, "open", delivered + 200), delivered + 200 - self.work.now)
        if drawn < CLICKED:
            self._event("clicked", message, seen(message, "click", delivered + 220), delivered + 220 - self.work.now)

    def _event(self, kind: str, message: Message, event: dict[str, Any], seconds: float) -> None:
        """An event on its way: a little later than it happened, or two hours, or never; once or three times."""
        if self.work.strikes("event: lost", EVENT_LOST):
            return
        body = json.dumps(event, separators=(",", ":"))
        late = TWO_HOURS if self.work.strikes("event: late", self._late) else 0.0
        for _ in range(3 if self.work.strikes("event: tripled", REPEATED) else 1):
            self.waiting += 1
            self.work.after(seconds + late + self.chance.uniform(0, 30), lambda: self._tell(kind, message, body))

    def _tell(self, kind: str, message: Message, body: str) -> None:
        self.waiting -= 1
        self.told.setdefault(message, Told(self.work.now)).kinds.add(kind)
        self.publish(body)


def refused(code: str, status: int, message: str, headers: Mapping[str, str] | None = None) -> ClientError:
    """A refusal of the whole call, as botocore raises it."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": dict(headers or {})},
        },
        "SendBulkEmail",
    )


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def bounce(head: Mapping[str, Any], to: list[str], at: float, kind: str) -> dict[str, Any]:
    said = {
        "bounceType": kind, "bounceSubType": "General", "timestamp": iso(at),
        "bouncedRecipients": [{"emailAddress": to[0], "status": "5.1.1", "diagnosticCode": "smtp; 550 unknown"}],
    }  # fmt: skip
    return {"eventType": "Bounce", "mail": head, "bounce": said}


def seen(message: Message, what: str, at: float) -> dict[str, Any]:
    """The message that our own pixel or link puts on the queue (drumbeat.feedback.tracking)."""
    shard, number = message.chunk.split("-")
    said = {
        "type": what, "send": message.send, "shard": int(shard), "number": int(number), "recipient": message.number,
        "at": iso(at), "user_agent": BROWSER, "ip": "203.0.113.9", "country": "BD",
    }  # fmt: skip
    return {**said, "link": 1, "url": "https://shop.example/eid"} if what == "click" else said


def _data(entry: Mapping[str, Any]) -> str:
    return str(entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"])
