"""Looking at every contact, a slice a round, and filling a segment with the findings of a category.

A round that is repeated writes the same rows, and what is counted is counted from the rows, so twice is once.
"""

import hashlib
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, counts, machines, table
from drumbeat.activity.model import RollUp, Timeline
from drumbeat.contacts import addresses, consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact, ContactAddress
from drumbeat.contacts.suppressions import Suppression
from drumbeat.deliverability import soft_bounces
from drumbeat.deliverability.hygiene import model, rules
from drumbeat.deliverability.hygiene.model import HYGIENE, Finding, Report
from drumbeat.deliverability.hygiene.rules import Category
from drumbeat.deliverability.soft_bounces import SoftBounces
from drumbeat.errors import NotFound
from drumbeat.segments import backfill, static_lists
from drumbeat.segments.model import Member
from drumbeat.table import ConditionFailed

ROUND_SECONDS = 40.0
# Wall time without a round after which a run is dead.
SILENCE = timedelta(minutes=5)
FILL_PAGE = 500
READS = (
    Contact, ContactAddress, Suppression, SoftBounces, RollUp, Timeline, Report, Finding, *static_lists.READS,
)  # fmt: skip
WRITES = (Report, Member)


def start(tenant: str, report_id: str, inactive_days: int, now: datetime) -> Report:
    """Begin a report. While one is running it is that one; one that stands still is started again where it was."""
    running = model.latest(tenant)
    if running is not None and running.state == "running":
        if running.seen_at < clock.wall() - SILENCE:
            running.change(Report.runs.add(1), Report.seen_at.set(clock.wall()))
            _run(tenant, running)
        return running
    report = Report(
        *Report.key(tenant, report_id), gsi1pk=Report.partition(tenant), gsi1sk=report_id, report_id=report_id,
        state="running", inactive_days=inactive_days, total=counts.total(tenant, contacts.KIND), created_at=now,
        seen_at=clock.wall(), ttl=model.expiry(),
    )  # fmt: skip
    try:
        report.create()
    except ConditionFailed as error:
        return Report.from_raw_data(error.found or {})
    _run(tenant, report)
    return report


def _run(tenant: str, report: Report) -> None:
    state = {"tenant": tenant, "report": report.report_id}
    machines.start(HYGIENE, f"{report.report_id}-{int(report.runs)}", state)


def fill(tenant: str, report_id: str, category: Category, segment_id: str) -> None:
    """Put everyone of a category into a static segment, in the background."""
    state = {"tenant": tenant, "report": report_id, "category": category, "segment": segment_id}
    machines.start(HYGIENE, f"{report_id}-{segment_id}", state)


def round_of(state: dict[str, Any]) -> dict[str, Any]:
    """One round of either. Reads `READS`, writes `WRITES`."""
    return _fill(state) if "segment" in state else _walk(state)


def _walk(state: dict[str, Any]) -> dict[str, Any]:
    tenant = state["tenant"]
    report = Report.fetch(*Report.key(tenant, state["report"]))
    if report is None or report.state == "done":
        return {**state, "done": True}
    walk = {"shard": 0, "after": None, "evaluated": 0, "wait_seconds": 0, **state}
    until, now = time.monotonic() + ROUND_SECONDS, clock.business()
    for shard, page in backfill.contact_pages(walk):
        if time.monotonic() > until:
            report.change(Report.evaluated.set(walk["evaluated"]), Report.seen_at.set(clock.wall()))
            return walk
        seen = _look_at(tenant, report, page, now)
        walk = {**walk, "shard": shard, "after": page[-1], "evaluated": walk["evaluated"] + seen}
    report.change(
        Report.evaluated.set(walk["evaluated"]), Report.counts.set(dict(model.counted(tenant, report.report_id))),
        Report.state.set("done"), Report.finished_at.set(now),
    )  # fmt: skip
    return {**walk, "done": True}


def _look_at(tenant: str, report: Report, page: Iterable[str], now: datetime) -> int:
    """Write down what is found of these contacts; how many of them there are."""
    people = contacts.many(tenant, page)
    claimed = {addresses.claim(one.email): one for one in people if one.email}
    held = suppressions.many(tenant, claimed)
    bouncing = soft_bounces.counts(tenant, {address: one.contact_id for address, one in claimed.items()})
    since = now - timedelta(days=int(report.inactive_days))
    rows: dict[tuple[str, str], Finding] = {}
    for person in people:
        address = addresses.claim(person.email) if person.email else None
        found = _of_person(tenant, person, address, held, since)
        if address in bouncing:
            found["soft_bouncing"] = str(bouncing[address])
        for category, detail in found.items():
            row = _finding(tenant, report, category, person.contact_id, detail)
            rows[row.pk, row.sk] = row
    for row in _duplicates(tenant, report, claimed):
        rows[row.pk, row.sk] = row
    table.put_many(rows.values())
    return len(people)


def _finding(tenant: str, report: Report, category: str, contact_id: str, detail: str | None) -> Finding:
    partition = Finding.partition(tenant, report.report_id, category)
    return Finding(partition, contact_id, detail=detail, ttl=int(report.ttl))


def _of_person(
    tenant: str, person: Contact, address: str | None, held: Mapping[str, Suppression], since: datetime
) -> dict[Category, str | None]:
    found: dict[Category, str | None] = dict.fromkeys(rules.about(address), None) if address else {}
    reason = consent.may_market(person, "email", held.get(address or ""))
    if reason is None:
        if person.created_at < since and _is_silent(tenant, person.contact_id, since):
            found["never_engaged"] = None
    elif reason.startswith("suppressed"):
        found["suppressed"] = reason.partition(":")[2]
    elif reason == "no_address":
        found["no_address"] = None
    else:
        found["no_consent"] = reason
    return found


def _is_silent(tenant: str, contact_id: str, since: datetime) -> bool:
    """Whether somebody got mail since then, and no person opened or clicked anything of it."""
    day = since.date().isoformat()
    seen = table.rows(RollUp, RollUp.partition(tenant, contact_id), prefix="email.", consistent=False)
    if any(row.day >= day for row in seen if row.name in ("email.opened", "email.clicked")):
        return False
    rows = table.rows(Timeline, Timeline.partition(tenant, contact_id), start=clock.iso(since), consistent=False)
    return any(row.name in ("email.sent", "email.delivered") for row in rows)


def _duplicates(tenant: str, report: Report, claimed: Mapping[str, Contact]) -> Iterable[Finding]:
    """Contacts whose addresses lead to one mailbox. Who is written plainly is found by those who are not."""
    same = {address: written for address in claimed if (written := rules.canonical(address))}
    base = {
        row.pk: row.contact for row in ContactAddress.many(ContactAddress.key(tenant, one) for one in same.values())
    }
    for address, written in same.items():
        members = {claimed[address].contact_id}
        if plain := base.get(ContactAddress.key(tenant, written)[0]):
            members.add(plain)
        partition = Finding.partition(tenant, report.report_id, "same")
        mailbox = hashlib.sha256(written.encode()).hexdigest()
        after = Finding.change_at(
            partition, mailbox, Finding.contacts.add(members), Finding.ttl.set(Finding.ttl | int(report.ttl))
        )
        everyone = after["contacts"]["SS"]
        if len(everyone) > 1:
            yield from (_finding(tenant, report, "duplicate", one, None) for one in everyone)


def _fill(state: dict[str, Any]) -> dict[str, Any]:
    partition = Finding.partition(state["tenant"], state["report"], state["category"])
    after, until = state.get("after"), time.monotonic() + ROUND_SECONDS
    while time.monotonic() < until:
        page = [row.sk for row in table.rows(Finding, partition, after=after, limit=FILL_PAGE)]
        try:
            static_lists.add_members(state["tenant"], state["segment"], page, clock.business())
        except NotFound:
            return {**state, "done": True}  # somebody has deleted the segment
        after = page[-1] if page else after
        if len(page) < FILL_PAGE:
            return {**state, "done": True}
    return {**state, "after": after, "done": False, "wait_seconds": 0}
