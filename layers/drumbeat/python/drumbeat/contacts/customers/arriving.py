"""Events of the customer system on our bus: who may say them, and what they say.

A tenant's events come with the source `customers.<tenant id>` from the AWS account that the tenant has named
(`events_account`). EventBridge itself says from which account an event comes; nobody can make that up. Within an
account, IAM says who may put events of which source (condition key `events:source`).

The detail is the documented frame (event_type, version, timestamp, data, metadata), or its data alone. `data` has the
customer's `id` (or `customer_id`), and as much of its profile as the sender likes; with the id alone the profile is
read. A consent event names its `channel` or `channels`: without one, a withdrawal is about all of them, and a consent
about those that the profile wants.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drumbeat import clock, queues
from drumbeat.accounts import settings
from drumbeat.contacts.customers import applying, model, profiles
from drumbeat.contacts.customers.meaning import Told
from drumbeat.contacts.customers.model import CUSTOMERS, Customer, State
from drumbeat.contacts.views import CHANNELS, Channel
from drumbeat.errors import NotFound
from drumbeat.logs import counted, logger
from drumbeat.table import retried

CREATED, UPDATED, PREFERENCES = "customer.created", "customer.updated", "customer.preferences.changed"
GRANTED, REVOKED = "customer.consent.granted", "customer.consent.revoked"
TYPES = (CREATED, UPDATED, PREFERENCES, GRANTED, REVOKED)
SOURCE = "customers."
MOST_ID = 255
# Of an event's data; a message of a queue has 256 KB.
MOST_BYTES = 128 << 10
_TENANT = re.compile(r"customers\.(ten_[A-Za-z0-9]{1,40})")


def tenant_of(source: str) -> str:
    """The tenant that a source names; empty for none."""
    found = _TENANT.fullmatch(source)
    return found[1] if found else ""


def receive(arrived: Mapping[str, Any]) -> bool:
    """Put an event of the bus (EventBridge's whole envelope) on the queue; False for one that is not taken, which is
    logged and counted. Reads Tenant, sends CUSTOMERS."""
    tenant = tenant_of(str(arrived.get("source", "")))
    problem = _problem(tenant, arrived)
    event = _event(arrived) if problem is None else None
    if problem is None and event is None:
        problem = "it names no customer"
    if problem is not None:
        extra = {"source": arrived.get("source"), "account": arrived.get("account"), "problem": problem}
        logger.warning("customer event not taken", extra=extra)
        counted("CustomerEventsNotTaken")
        return False
    queues.send(CUSTOMERS, tenant, [{"tenant": tenant, "event": event}])
    return True


def _problem(tenant: str, arrived: Mapping[str, Any]) -> str | None:
    """Why this event is not taken from this sender."""
    try:
        system = settings.of(tenant).customer_system if tenant else None
    except NotFound:
        system = None
    if system is None:
        return "its source is of no tenant with a customer system"
    if not system.events_account or arrived.get("account") != system.events_account:
        return "its account is not the one that the tenant has named"
    detail = arrived.get("detail")
    said = detail.get("metadata") if isinstance(detail, dict) else None
    if isinstance(said, dict) and said.get("tenant_id", tenant) != tenant:
        return "it names another tenant than its source"
    return None


def _event(arrived: Mapping[str, Any]) -> dict[str, Any] | None:
    """What goes on the queue: type, customer, place, data."""
    detail = arrived.get("detail")
    if not isinstance(detail, dict) or arrived.get("detail-type") not in TYPES:
        return None
    inner = detail.get("data")
    data: Mapping[str, Any] = inner if isinstance(inner, dict) else detail
    metadata = detail.get("metadata")
    customer = next((data[name] for name in ("id", "customer_id", "customerId") if name in data), None)
    if isinstance(customer, bool) or not isinstance(customer, str | int) or not 0 < len(str(customer)) <= MOST_ID:
        return None
    named = metadata.get("event_id") if isinstance(metadata, dict) else None
    event_id = str(named or detail.get("event_id") or arrived.get("id") or "")[:128]
    if len(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")) > MOST_BYTES:
        data = {name: data[name] for name in ("channel", "channels") if name in data}  # its profile will be read
    at = _first(detail.get("timestamp"), data.get("timestamp"), data.get("updatedAt"), arrived.get("time"))
    return {
        "type": arrived["detail-type"], "customer": customer, "place": model.place(at, event_id), "data": dict(data),
    }  # fmt: skip


def _first(*told: Any) -> datetime:
    """The first of these that is a moment, else now."""
    found = (profiles.instant(one) for one in told)
    return next((one for one in found if one is not None), clock.business())


def applied(tenant: str, event: Mapping[str, Any]) -> list[str]:
    """Apply an event of the queue; gives the customer if its profile is still to be read."""
    kind, customer, data = event["type"], str(event["customer"]), event["data"]
    profile = profiles.read(data)
    said, open_ = _said(kind, data, profile)
    if kind in (GRANTED, REVOKED):
        profile = profiles.Profile()  # the statement is what counts: its opt-ins would be heard as a state once more
    told = Told(
        tenant, customer, str(event["place"]), profile, said, isinstance(event["customer"], int)
    )  # fmt: skip
    what = applying.apply(told)
    if open_:
        _await_channels(tenant, customer, told)
    thin = kind in (CREATED, UPDATED, PREFERENCES) and _is_thin(profile)
    missing = what == "unknown" and kind != REVOKED
    return [customer] if open_ or thin or missing else []


def _said(kind: str, data: Mapping[str, Any], profile: profiles.Profile) -> tuple[dict[Channel, str], bool]:
    """What the person said of channels, and whether the profile must tell which ones these are."""
    named = profiles.channels(data)
    if kind == REVOKED:
        return dict.fromkeys(named or CHANNELS, "revoked"), False
    if kind == GRANTED:
        wanted: list[Channel] = named or [one for one, on in profile.opt_ins.items() if on]
        return dict.fromkeys(wanted, "granted"), not wanted
    return {}, False


def _is_thin(profile: profiles.Profile) -> bool:
    return not (
        profile.values or profile.attributes is not None or profile.opt_ins or profile.frequency
        or profile.categories is not None or profile.problems
    )  # fmt: skip


def _await_channels(tenant: str, customer: str, told: Told) -> None:
    """Note that the profile's opt-ins are to be taken for the person's own words, as of this event."""

    def once() -> Customer:
        row = model.find(tenant, customer)
        if row is None:
            row = model.new(tenant, customer, State.WANTED)
            row.granted = told.place
            row.create()
            return row
        if str(row.granted or "") < told.place:
            row.change(Customer.granted.set(told.place), unchanged=True)
        return row

    retried(once)
