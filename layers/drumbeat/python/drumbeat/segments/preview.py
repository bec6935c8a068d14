"""Trying criteria: an estimate from a sample at once, and a job that counts exactly."""

import hashlib
import heapq
import itertools
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat import clock, counts, ids, machines
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.activity.model import RollUp, Timeline
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.errors import NotFound
from drumbeat.segments import backfill, definitions, people
from drumbeat.segments.model import COUNT_AUDIENCE, Definitions, Member, Preview, Segment
from drumbeat.segments.rules import Criteria, matches, references
from drumbeat.segments.views import CountView, Estimate, PreviewView
from drumbeat.slugs import Slug
from drumbeat.table import ConditionFailed

SAMPLE = 500
# Below so many contacts the sample is drawn from all of them, above from windows of each shard's ids.
MOST_LISTED = 20_000
WINDOWS, WINDOW = 4, 100
KEPT = timedelta(days=2)
# The 97.5 % quantile of the normal distribution: 95 % confidence.
Z = 1.959964
# What functions that evaluate criteria which no segment has declare.
READS = (Tenant, Contact, RollUp, Timeline, Definitions, Segment, Member, Slug)


def preview(tenant: str, criteria: dict[str, Any], job_id: str, now: datetime) -> PreviewView:
    """Estimate, and start counting. Raises CriteriaRefused.

    Reads Tenant, Contact, RollUp, Timeline, Count, Definitions, Segment, Slug, Member; writes Preview.
    """
    read = definitions.checked(tenant, criteria)
    total = counts.total(tenant, contacts.KIND)
    sample = _sample(tenant, total)
    held, size = _held(tenant, read, sample, now)
    ttl = int((clock.wall() + KEPT).timestamp())
    job = Preview(
        *Preview.key(tenant, job_id), criteria=criteria, state="running", total=total, created_at=now, ttl=ttl
    )
    with suppress(ConditionFailed):  # the same request again
        job.create()
    machines.start(COUNT_AUDIENCE, job_id, {"tenant": tenant, "job": job_id})
    return PreviewView(job_id=job_id, estimate=estimate(held, size, max(total, size)))


def estimate(held: int, size: int, total: int) -> Estimate:
    """Of a sample of `size` of `total` contacts, `held` match. The interval is Wilson's score interval (Wilson 1927; it
    also holds where none or all match), narrowed for a sample that is a large part of the whole."""
    exact = size >= total
    if not size:
        return Estimate(
            estimate=0, low=0, high=total, margin_of_error=total, sample_size=0, total_contacts=total, exact=exact
        )
    share = held / size
    z2 = Z * Z * (0.0 if exact else (total - size) / (total - 1))
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = math.sqrt(z2 * (share * (1 - share) / size + z2 / (4 * size * size))) / (1 + z2 / size)
    low, high = math.floor(max(0.0, centre - half) * total + 1e-9), math.ceil(min(1.0, centre + half) * total - 1e-9)
    guess = round(share * total)
    return Estimate(
        estimate=guess, low=low, high=high, margin_of_error=max(guess - low, high - guess), sample_size=size,
        total_contacts=total, exact=exact,
    )  # fmt: skip


def _sample(tenant: str, total: int) -> list[str]:
    """Always the same contacts, as long as they are there: those whose ids have the smallest hashes."""
    listed = _all_ids(tenant) if total <= MOST_LISTED else _windows(tenant)
    return heapq.nsmallest(SAMPLE, set(listed), key=lambda contact_id: hashlib.sha256(contact_id.encode()).digest())


def _all_ids(tenant: str) -> Iterator[str]:
    for shard in range(contacts.SHARDS):
        yield from contacts.ids_in(tenant, shard)


def _windows(tenant: str) -> Iterator[str]:
    """Ids at evenly spaced places of each shard. Ids begin with a time, so these are contacts of all ages."""
    for shard in range(contacts.SHARDS):
        first = next(contacts.ids_in(tenant, shard, limit=1), None)
        if first is None:
            continue
        yield first
        begin = int.from_bytes(ids.decode(first), "big")
        end = int(time.time() * 1000) << 80
        starts = [first] if end <= begin else [
            f"con_{ids.encode((begin + (end - begin) * step // WINDOWS).to_bytes(16, 'big'))}"
            for step in range(WINDOWS)
        ]  # fmt: skip
        for start in starts:
            yield from itertools.islice(contacts.ids_in(tenant, shard, after=start, limit=WINDOW), WINDOW)


def _held(tenant: str, criteria: Criteria, contact_ids: Iterable[str], now: datetime) -> tuple[int, int]:
    """How many of these contacts match, and how many of them there are."""
    about = settings.of(tenant)
    zone, used = ZoneInfo(about.time_zone), references(criteria)
    held = size = 0
    for page in people.pages(contact_ids):
        found = people.load(tenant, page, used.needs, about)
        inside = people.segments(tenant, found, used.segments)
        for contact_id, person in found.items():
            facts = people.within(person.facts, inside.get(contact_id, frozenset()))
            held += matches(criteria, facts, now, zone)
        size += len(found)
    return held, size


def round_of(state: dict[str, Any]) -> dict[str, Any]:
    """A round of the exact count: contacts shard by shard, as long as a round may take. A repeated round goes on from
    the same place and comes to the same sum. Reads as `preview`; writes Preview."""
    tenant, job = state["tenant"], Preview.fetch(*Preview.key(state["tenant"], state["job"]))
    if job is None or job.state == "done":
        return {**state, "done": True}
    criteria = definitions.checked(tenant, job.criteria)
    walk = {"shard": 0, "after": None, "count": 0, "evaluated": 0, "wait_seconds": 0, **state}
    until, now = time.monotonic() + backfill.ROUND_SECONDS, clock.business()
    for shard, page in backfill.contact_pages(walk):
        if time.monotonic() > until:
            job.change(Preview.matched.set(walk["count"]), Preview.evaluated.set(walk["evaluated"]))
            return walk
        held, size = _held(tenant, criteria, page, now)
        walk = {
            **walk, "shard": shard, "after": page[-1], "count": walk["count"] + held,
            "evaluated": walk["evaluated"] + size,
        }  # fmt: skip
    job.change(
        Preview.matched.set(walk["count"]), Preview.evaluated.set(walk["evaluated"]), Preview.state.set("done"),
        Preview.finished_at.set(now),
    )  # fmt: skip
    return {**walk, "done": True}


def shown(tenant: str, job_id: str) -> CountView:
    """Raises NotFound."""
    job = Preview.fetch(*Preview.key(tenant, job_id)) if ids.is_id(job_id, "job") else None
    if job is None:
        raise NotFound("There is no such preview; they are kept for two days. Ask for a new one.")
    return CountView(
        job_id=job_id, state="done" if job.state == "done" else "running", count=int(job.matched),
        evaluated=int(job.evaluated), total_contacts=int(job.total), created_at=job.created_at,
        finished_at=job.finished_at,
    )  # fmt: skip
