"""A tenant's own domain for links, pixels, unsubscribing and preferences.

The operator deploys the domain with a certificate; the tenant claims it, points its name at the API and shows by a TXT
record that it is theirs: a name that leads here does not tell which account asked for it. Only when the DNS says both
is it used, and then by campaigns that are launched from then on.
"""

import json
import os
from datetime import datetime
from typing import Literal

from drumbeat import lookup
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.deliverability import claims
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.setup import Record
from drumbeat.deliverability.views import Domain
from drumbeat.fields import Body, View
from drumbeat.table import retried

READS = WRITES = (Tenant, Claim)


class TrackingDomain(Body):
    """The domain that links in mails are to have; null for the deployment's own."""

    domain: Domain | None


class TrackingDomainView(View):
    """`state`: none, not_deployed (the operator has to deploy it first), pending (a DNS record is missing) or verified.
    `in_use` is the domain that campaigns launched now get; `records` is what the DNS has to say: where the name leads,
    and whose it is."""

    domain: str | None
    state: Literal["none", "not_deployed", "pending", "verified"]
    in_use: str | None
    records: list[Record]
    found: list[str]
    advice: str | None


def targets() -> dict[str, str]:
    """The domains that the operator has deployed, and where the name of each must point."""
    found: dict[str, str] = json.loads(os.environ.get("TRACKING_DOMAINS") or "{}")
    return found


def choose(tenant: str, domain: str | None, now: datetime) -> TrackingDomainView:
    """Claim a domain and use it as soon as the DNS is right; null gives it up. Repeating it looks again. Raises
    DomainTaken."""
    before = settings.fresh(tenant)
    claim = claims.take("tracking", domain, tenant, now) if domain else None
    for old in {before.tracking_domain, before.tracking_domain_pending} - {domain, None}:
        claims.release("tracking", str(old), tenant)
    if domain is None or claim is None:
        _keep(tenant, None, None)
        return shown(tenant)
    is_set = _is_set(tenant, domain)
    if is_set is None:  # nobody can tell now, so it stays as it was
        is_set = before.tracking_domain == domain
    ready = is_set and claims.verified(claim, now)
    _keep(tenant, domain if ready else None, domain)
    return shown(tenant)


def shown(tenant: str) -> TrackingDomainView:
    """The domain, and what is missing. Needs `reads=READS`."""
    chosen = settings.fresh(tenant)
    domain = chosen.tracking_domain_pending
    if domain is None:
        return TrackingDomainView(domain=None, state="none", in_use=None, records=[], found=[], advice=None)
    target = targets().get(domain)
    if target is None:
        advice = "the operator deploys it first, with a certificate: make deploy with --tracking-domain"
        return TrackingDomainView(
            domain=domain, state="not_deployed", in_use=chosen.tracking_domain, records=[], found=[], advice=advice
        )
    found = lookup.records(domain, "CNAME")
    ready = chosen.tracking_domain == domain
    wanted = None if ready else "set these records, then send the same request again"
    return TrackingDomainView(
        domain=domain,
        state="verified" if ready else "pending",
        in_use=chosen.tracking_domain,
        records=_needed(tenant, domain, target),
        found=list(found.values),
        advice=f"it could not be looked up now ({found.failed}); try again" if found.failed and not ready else wanted,
    )


def _needed(tenant: str, domain: str, target: str) -> list[Record]:
    name, value = claims.proof(tenant, domain)
    return [Record(name=domain, type="CNAME", value=target), Record(name=name, type="TXT", value=value)]


def _is_set(tenant: str, domain: str) -> bool | None:
    """Whether the DNS has all that is needed; None when it could not be asked."""
    target = targets().get(domain)
    if target is None:
        return False
    for record in _needed(tenant, domain, target.lower().rstrip(".")):
        found = lookup.records(record.name, record.type)
        if found.failed:
            return None
        if record.value not in found.values:
            return False
    return True


def _keep(tenant: str, in_use: str | None, wanted: str | None) -> None:
    def merged() -> Tenant:
        row = settings.stored(tenant)
        both = {**(row.settings or {}), "tracking_domain": in_use, "tracking_domain_pending": wanted}
        row.change(
            Tenant.settings.set({name: value for name, value in both.items() if value is not None}), unchanged=True
        )
        return row

    retried(merged)
    settings.forget()
