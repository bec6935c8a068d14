"""Applying what came back: a batch of feedback becomes set unions, timeline rows, day counts and suppressions.

Everything here may be done again, in any order and any number of times, and the outcome is the same: sets are joined,
rows have keys that follow from the event, suppressions and opt-outs stay what they are. The timeline comes before the
sets, so that whoever sees a number finds the rows behind it. What was seen is counted: a click is no open.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException, VerboseClientError

from drumbeat import channels, clock, table
from drumbeat.activity import machines
from drumbeat.activity import rollups as days
from drumbeat.activity.model import Timeline
from drumbeat.contacts import consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.ledger import Evidence
from drumbeat.deliverability import soft_bounces
from drumbeat.errors import Refusal
from drumbeat.feedback import confirmation_mails, known, refusals, replies, rules, sendgrid_reports, twilio_reports
from drumbeat.feedback.facts import Fact, read
from drumbeat.feedback.items import Item
from drumbeat.logs import counted, logger
from drumbeat.segments import definitions
from drumbeat.sends import rollups, stats
from drumbeat.sends.model import Place, Stat
from drumbeat.table import ConditionFailed, TransactionRefused

_UNFIT = (ValueError, LookupError, TypeError, AttributeError)
_FAULTS = (*_UNFIT, BotoCoreError, ClientError, PynamoDBException, ConditionFailed, TransactionRefused, Refusal)
_METRICS = {
    "delivered": "Deliveries", "bounced": "HardBounces", "soft_bounced": "SoftBounces", "complained": "Complaints",
    "failed": "Failures", "opened": "Opens", "clicked": "Clicks",
}  # fmt: skip


def apply(messages: Sequence[Mapping[str, Any]]) -> list[int]:
    """Apply a batch; gives the positions of messages that could not be applied and must come again."""
    parts = sendgrid_reports.unpacked(messages)
    failed = _applied([message for _, message in parts])
    return sorted({parts[place][0] for place in failed})


def _applied(messages: Sequence[Mapping[str, Any]]) -> set[int]:
    facts, failed = _read(messages)
    items = _known(facts)
    items = _classified(items)
    for act in (_incidents, _timeline, _soft_bounces, _days, _sets):
        failed |= act({position: item for position, item in items.items() if position not in failed})
    done = {position: item for position, item in items.items() if position not in failed}
    failed |= _roll_ups(done)
    for kind, number in Counter(item.fact.kind for item in done.values()).items():
        if kind in _METRICS:
            counted(_METRICS[kind], number)
    return failed


def _read(messages: Sequence[Mapping[str, Any]]) -> tuple[dict[int, Fact], set[int]]:
    facts: dict[int, Fact] = {}
    failed: set[int] = set()
    for position, message in enumerate(messages):
        try:
            fact = _fact(message)
        except _FAULTS:
            logger.exception("unreadable feedback")
            failed.add(position)
            continue
        if fact is not None:
            facts[position] = fact
    return facts, failed


def _fact(message: Mapping[str, Any]) -> Fact | None:
    """What a message tells; None when it is of nothing of ours, or was applied by itself."""
    kind = message.get("type")
    if kind == replies.KIND:
        replies.apply(message)
        return None
    if kind == refusals.KIND:
        refusals.apply(message)
        return None
    if kind == twilio_reports.KIND:
        report = twilio_reports.resolved(message)
        return read(report) if report else None
    if kind == sendgrid_reports.KIND:
        mail = sendgrid_reports.matched(message)
        return read(mail) if mail else None
    fact = read(message)
    if fact is None:
        confirmation_mails.apply(message)
    return fact


def _known(facts: Mapping[int, Fact]) -> dict[int, Item]:
    """Facts with their sends and people; those of unknown sends and recipients are left out."""
    named = {(fact.send, fact.tenant) for fact in facts.values()}
    sends = {each: known.send(*each) for each in named}
    ours = {place: (fact, held) for place, fact in facts.items() if (held := sends[fact.send, fact.tenant])}
    places = [fact.place(held.tenant) for fact, held in ours.values() if fact.contact is None]
    recipients = known.recipients(places)
    items = {}
    for position, (fact, held) in ours.items():
        place, fact = fact.place(held.tenant), fact.since(held.launched_at)
        everyone = recipients.get(place, ())
        contact = fact.contact or (everyone[fact.number] if fact.number < len(everyone) else None)
        if contact:
            items[position] = Item(fact, held, place, contact)
    if len(items) < len(facts):
        logger.warning("feedback of unknown messages", extra={"messages": len(facts) - len(items)})
    people = known.people((item.send.tenant, item.contact) for item in items.values())
    return {
        position: Item(item.fact, item.send, item.place, item.contact, people.get((item.send.tenant, item.contact)))
        for position, item in items.items()
    }


def _classified(items: dict[int, Item]) -> dict[int, Item]:
    """The items with opens and clicks of machines marked."""
    delivered: dict[str, datetime] = {i.message: i.fact.at for i in items.values() if i.fact.kind == "delivered"}
    clicks = {
        position: rules.Followed(item.message, item.fact.link, item.send.links, item.fact.at, item.fact.user_agent)
        for position, item in items.items()
        if item.fact.kind == "clicked"
    }

    def delivered_at(position: int, click: rules.Followed) -> datetime | None:
        return delivered.get(click.message) or _delivery_of(items[position])

    made = rules.machine_clicks(clicks, delivered_at)
    made |= {
        position
        for position, item in items.items()
        if item.fact.kind == "opened" and (item.fact.machine or machines.is_machine_open(item.fact.user_agent))
    }
    return {
        position: Item(item.fact, item.send, item.place, item.contact, item.person, position in made)
        for position, item in items.items()
    }


def _delivery_of(click: Item) -> datetime | None:
    """When the clicked message was delivered, if that was too shortly before (or after) for a person to click."""
    earliest = click.fact.at - timedelta(seconds=machines.SOONEST_HUMAN_CLICK * clock.SCALE)
    partition = Timeline.partition(click.send.tenant, click.contact)
    rows = table.rows(Timeline, partition, start=clock.iso(earliest), consistent=False)
    found = (row for row in rows if row.name == f"{click.send.channel}.delivered" and row.message == click.message)
    return next((row.at for row in found), None)


def _incidents(items: Mapping[int, Item]) -> set[int]:
    """Suppress the addresses of bounces and complaints, and take consent back. First of all: it stops further mails."""
    grave = {
        position: item
        for position, item in items.items()
        if (does := item.fact.consequence) is not None and does.in_a_row == 1
    }
    try:
        told = _told({(item.place, item.fact.number) for item in grave.values()})
    except _FAULTS:
        logger.exception("feedback not applied", extra={"messages": len(grave)})
        return set(grave)
    return {
        position
        for position, item in grave.items()
        if (item.place, item.fact.kind, item.fact.number) not in told and not _succeeds(_incident, item)
    }


def _told(messages: Iterable[tuple[Place, int]]) -> set[tuple[Place, str, int]]:
    """Hard bounces, failures and complaints that were applied to the end: their sets have them. Played again, they must
    not undo what was decided since, when somebody lifted the suppression."""
    by_key = {place.stat_key_of(number): place for place, number in messages}
    return {
        (by_key[row["pk"]["S"], row["sk"]["S"]], kind, number)
        for row in table.raw_many(list(by_key))
        for kind, numbers in Stat.sets_of(row).items()
        if kind in ("bounced", "complained", "failed", "unsubscribed")
        for number in numbers
    }


def _soft_bounces(items: Mapping[int, Item]) -> set[int]:
    """Suppress addresses that bounced softly too often in a row. After the timeline, which has the batch's
    deliveries."""
    return {
        position
        for position, item in items.items()
        if (does := item.fact.consequence) is not None and does.in_a_row > 1 and not _succeeds(_soft_bounce, item)
    }


def _soft_bounce(item: Item) -> None:
    if item.person is None:  # nobody is written to any more, and an erased address is not to be noted again
        return
    address = item.address
    if address and soft_bounces.reached(item.send.tenant, address, item.contact, item.message, item.fact.at):
        _incident(item)


def _incident(item: Item) -> None:
    fact, does = item.fact, item.fact.consequence
    if does is None:
        return
    tenant = item.send.tenant
    address = item.address
    if address:
        suppressions.suppress(tenant, address, does.scope, does.reason, fact.send, fact.at)
    person = contacts.find(tenant, item.contact) if does.revokes else None
    channel = channels.get(item.send.channel).consent
    if person and channel:
        consent.revoke(
            tenant, person, channel, reason=does.reason, method="provider", source=fact.reason, at=fact.at,
            cause=f"{fact.send}:{does.reason}", campaign=item.send.campaign, send=fact.send,
            evidence=Evidence("provider", f"{fact.send}:{does.reason}"),
        )  # fmt: skip


def _timeline(items: Mapping[int, Item]) -> set[int]:
    return _together([position for position, item in items.items() if item.person], lambda some: _put(items, some))


def _put(items: Mapping[int, Item], positions: Iterable[int]) -> None:
    chosen = [items[position] for position in positions]
    marks = {tenant: definitions.marks(tenant) for tenant in {item.send.tenant for item in chosen}}
    rows = (item.row(*marks[item.send.tenant]) for item in chosen)
    table.put_many({(row.pk, row.sk): row for row in rows if row}.values())


def _days(items: Mapping[int, Item]) -> set[int]:
    """Count people's opens and clicks by day, for segments by behaviour."""
    counting: defaultdict[tuple[str, str, str, str, str], list[int]] = defaultdict(list)
    for position, item in items.items():
        if item.fact.kind in ("opened", "clicked") and not item.machine and item.person:
            day = days.day_of(item.fact.at, item.send.zone)
            counting[item.send.tenant, item.contact, f"{item.send.channel}.{item.fact.kind}", day, item.message].append(
                position
            )
    lost = [positions for key, positions in counting.items() if not _succeeds(lambda key: days.add_message(*key), key)]
    return {position for positions in lost for position in positions}


def _sets(items: Mapping[int, Item]) -> set[int]:
    """One union for each chunk, whatever the number of its events in the batch."""
    by_place: defaultdict[Place, list[int]] = defaultdict(list)
    for position, item in items.items():
        by_place[item.place].append(position)
    failed: set[int] = set()
    for place, positions in by_place.items():
        sets: defaultdict[str, set[int]] = defaultdict(set)
        for position in positions:
            for name, number in items[position].sets:
                sets[name].add(number)
        if not _succeeds(lambda found: stats.unite(place, found), sets):  # noqa: B023 - called at once
            failed |= set(positions)
    return failed


def _roll_ups(items: Mapping[int, Item]) -> set[int]:
    """Have the sends added up again."""
    sends = {(item.send.tenant, item.fact.send, item.send.launched_at) for item in items.values()}
    lost = {asked[1] for asked in sends if not _succeeds(lambda key: rollups.request(*key), asked)}
    return {position for position, item in items.items() if item.fact.send in lost}


def _together(positions: Sequence[int], act: Callable[[Sequence[int]], None]) -> set[int]:
    """Do it for all at once. If one of them is at fault, do it for each; if the storage is, all of them come again."""
    try:
        act(positions)
    except _FAULTS as error:
        if len(positions) == 1 or not _is_poison(error):
            logger.exception("feedback not applied", extra={"messages": len(positions)})
            return set(positions)
        return {position for one in positions for position in _together([one], act)}
    return set()


def _is_poison(error: Exception) -> bool:
    if isinstance(error, VerboseClientError):
        return bool(error.response["Error"]["Code"] == "ValidationException")
    return isinstance(error, _UNFIT)


def _succeeds(act: Callable[[Any], object], what: Any) -> bool:
    try:
        act(what)
    except _FAULTS:
        logger.exception("feedback not applied")
        return False
    return True
