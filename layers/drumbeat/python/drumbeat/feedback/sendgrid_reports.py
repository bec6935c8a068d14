"""SendGrid's reports of what became of mails, on their way: taken, queued, and matched with messages.

The custom arguments that we gave a mail stand beside the report's own fields. integration-guide.md documents reports
with a `campaign_id` in their place: the message is then the latest of that campaign to the address.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from drumbeat import clock, providers, queues, table
from drumbeat.activity.model import Timeline
from drumbeat.contacts import addresses
from drumbeat.contacts.claims import ContactAddress
from drumbeat.errors import MalformedBody
from drumbeat.feedback import sendgrid_signatures
from drumbeat.feedback.signatures import BadSignature
from drumbeat.logs import counted, logger
from drumbeat.providers.model import Callback, ProviderAccount
from drumbeat.sends.model import Place
from drumbeat.sends.work import FEEDBACK
from drumbeat.table import tenancy

KIND = "sendgrid"
# What we read of a report; the rest (categories, pools, addresses of servers) is not carried along.
FIELDS = (
    "event", "email", "timestamp", "sg_event_id", "sg_message_id", "reason", "response", "status", "type",
    "bounce_classification", "sg_machine_open", "useragent", "ip", "url", "campaign_id",
    "send", "chunk", "attempt", "i", "contact", "test",
)  # fmt: skip
MOST_TEXT = 2048
# Seconds by which the provider's clock may be ahead of ours.
AHEAD = 86_400
# No second of the next thousand years has such a number.
MILLISECONDS = 1e11
# A message of the queue has a few reports: SQS bills messages, and a batch of ten must stay below 256 KB.
MOST_REPORTS, MOST_BYTES = 20, 20_000
# So many rows of a timeline are looked through for the message that a documented report is of.
MOST_ROWS = 500


# What a function declares that receives reports.
READS = (Callback, ProviderAccount)


def receive(callback: str, headers: Mapping[str, str], raw: bytes) -> int:
    """Take a request of the event webhook that came to an address; gives how many reports it had. `callback` is the
    address's last part, empty for the one without. Raises NotFound, BadSignature and MalformedBody."""
    account = providers.reporting(KIND, callback)
    tenancy.enter(account.tenant)
    key = (account.config or {}).get("verification_key")
    if not key:
        raise BadSignature("The account has no verification_key in its config; put SendGrid's in.")
    fresh = sendgrid_signatures.verify(key, headers, raw)
    try:
        reports = from_json(raw)
    except ValueError as error:
        raise MalformedBody("This is no report of SendGrid's: it is no JSON.") from error
    return take(account.tenant, reports, fresh=fresh)


def take(tenant: str, reports: Any, *, fresh: bool) -> int:
    """Queue what a verified request reports; gives how many reports those are. Raises MalformedBody."""
    if not isinstance(reports, list) or not all(isinstance(report, dict) for report in reports):
        raise MalformedBody("This is no report of SendGrid's: the body is a list of events.")
    found = [report for report in map(_carried, reports) if report]
    if not fresh:
        counted("LateReports", len(found))
    queues.send(FEEDBACK, tenant, [_message(tenant, some, fresh) for some in _packed(found)])
    if len(found) < len(reports):
        logger.info("reports of no mail", extra={"tenant": tenant, "reports": len(reports) - len(found)})
    return len(found)


def _message(tenant: str, reports: Sequence[Mapping[str, Any]], fresh: bool) -> dict[str, Any]:
    return {"type": KIND, "tenant": tenant, "reports": list(reports), **({} if fresh else {"late": True})}


def _carried(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The report as it goes on the queue; None for one that is of no mail, such as a change of the account."""
    seconds = _seconds(report.get("timestamp"))
    if seconds is None or not report.get("email") or not report.get("event"):
        return None
    told = {name: _bounded(report[name]) for name in FIELDS if report.get(name) is not None}
    return {**told, "timestamp": seconds}


def _seconds(said: Any) -> float | None:
    """The epoch second of a timestamp, which some programs give in milliseconds; None for what is none."""
    if not isinstance(said, int | float) or isinstance(said, bool):
        return None
    if said > MILLISECONDS * 1000:  # also what no float can say
        return None
    seconds = said / 1000 if said > MILLISECONDS else said
    return seconds if 0 < seconds < clock.wall().timestamp() + AHEAD else None


def _bounded(value: Any) -> Any:
    return value if isinstance(value, int | float) else str(value)[:MOST_TEXT]


def _packed(reports: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    pack: list[dict[str, Any]] = []
    size = 0
    for report in reports:
        length = len(json.dumps(report, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if pack and (len(pack) == MOST_REPORTS or size + length > MOST_BYTES):
            yield pack
            pack, size = [], 0
        pack.append(report)
        size += length
    if pack:
        yield pack


def unpacked(messages: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """Each report as a message of its own, with the position of the message that it came in; others as they are."""
    found: list[tuple[int, Mapping[str, Any]]] = []
    for position, message in enumerate(messages):
        if message.get("type") == KIND and isinstance(message.get("reports"), list):
            # A report's own `type` is a kind of bounce, so it stays apart.
            whole = [{"type": KIND, "tenant": message.get("tenant"), "report": one} for one in message["reports"]]
            found += [(position, each) for each in whole]
        else:
            found.append((position, message))
    return found


def matched(message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The message with the tags of the mail that it reports of; None when that is none of ours: somebody else sends
    over the same account, which is no fault. Reads ContactAddress and Timeline."""
    report = message["report"]
    if report.get("send"):
        return message
    campaign = report.get("campaign_id")
    found = _latest(str(message["tenant"]), str(campaign), str(report["email"])) if campaign else None
    if found is None:
        counted("ForeignReports")
        logger.info("a report of a mail that is none of ours", extra={"tenant": message["tenant"]})
        return None
    (_, send, shard, chunk), number, contact = found
    tags = {"send": send, "chunk": f"{shard}-{chunk}", "i": str(number), "contact": contact.removeprefix("con_")}
    return {**message, "report": {**report, **tags}}


def _latest(tenant: str, campaign: str, address: str) -> tuple[Place, int, str] | None:
    """The last message of a campaign to whoever has the address: its place, the recipient's number and id."""
    try:
        claim = ContactAddress.fetch(*ContactAddress.key(tenant, addresses.email(address)), consistent=False)
    except ValueError:
        return None
    if claim is None:
        return None
    partition = Timeline.partition(tenant, claim.contact)
    for row in table.rows(Timeline, partition, newest_first=True, limit=MOST_ROWS, consistent=False):
        found = Place.of_message(tenant, row.message) if row.campaign == campaign and row.message else None
        if found:
            return *found, str(claim.contact)
    return None
