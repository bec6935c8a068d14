"""SES v2's tenants: who may send with which identity and configuration set, and whose suppression list is asked."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from .http import Reply, Request
from .ses import identities, parse
from .ses_rules import Refused
from .simulation import Simulation


@dataclass
class Tenant:
    """One tenant. `reasons` None: the account's settings; empty: no suppression list is asked or filled."""

    name: str
    id: str
    at: float
    tags: list[dict[str, str]] = field(default_factory=list)
    resources: set[str] = field(default_factory=set)
    scope: str = "ACCOUNT"
    reasons: list[str] | None = None
    sending: str = "ENABLED"


def create_tenant(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/tenants."""
    body = parse(sim, request)
    name = str(body.get("TenantName") or "")
    if not name or len(name) > 64 or not name.replace("-", "").replace("_", "").isalnum():
        raise Refused("BadRequestException", "TenantName has 1 to 64 letters, digits, hyphens and underscores.")
    if name in sim.tenants:
        raise Refused("AlreadyExistsException", f"Tenant {name} already exists.")
    made = Tenant(name, f"tn-{uuid.uuid4().hex[:12]}", time.time(), list(body.get("Tags") or ()))
    attributes = body.get("SuppressionAttributes") or {}
    made.scope, made.reasons = str(attributes.get("SuppressionScope") or "ACCOUNT"), attributes.get("SuppressedReasons")
    sim.tenants[name] = made
    return Reply.json(_shown(sim, made))


def get_tenant(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/tenants/get."""
    return Reply.json({"Tenant": _shown(sim, _found(sim, parse(sim, request)))})


def associate(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/tenants/resources."""
    body = parse(sim, request)
    tenant, arn = _found(sim, body), str(body.get("ResourceArn") or "")
    kind, _, name = arn.rpartition(":")[2].partition("/")
    known = {
        "identity": identities(sim) | sim.identities.keys(),
        "configuration-set": set(sim.configuration_sets) | set(sim.config.ses.configuration_sets),
    }
    if name not in known.get(kind, ()):
        raise Refused("NotFoundException", f"Resource {arn} does not exist.", 404)
    if arn in tenant.resources:
        raise Refused("AlreadyExistsException", f"Resource {arn} is already associated with {tenant.name}.")
    tenant.resources.add(arn)
    return Reply.json({})


def dissociate(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/tenants/resources/delete."""
    body = parse(sim, request)
    tenant, arn = _found(sim, body), str(body.get("ResourceArn") or "")
    if arn not in tenant.resources:
        raise Refused("NotFoundException", f"Resource {arn} is not associated with {tenant.name}.", 404)
    tenant.resources.discard(arn)
    return Reply.json({})


def list_resources(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/tenants/resources/list, without pages."""
    kinds = {"identity": "EMAIL_IDENTITY", "configuration-set": "CONFIGURATION_SET"}
    arns = sorted(_found(sim, parse(sim, request)).resources)
    rows = [{"ResourceType": kinds[arn.rpartition(":")[2].split("/")[0]], "ResourceArn": arn} for arn in arns]
    return Reply.json({"TenantResources": rows})


def _found(sim: Simulation, body: dict[str, Any]) -> Tenant:
    name = str(body.get("TenantName") or "")
    if name not in sim.tenants:
        raise Refused("NotFoundException", f"Tenant {name} does not exist.", 404)
    return sim.tenants[name]


def _shown(sim: Simulation, tenant: Tenant) -> dict[str, Any]:
    shown = {
        "TenantName": tenant.name, "TenantId": tenant.id, "CreatedTimestamp": tenant.at, "Tags": tenant.tags,
        "TenantArn": f"arn:aws:ses:{sim.config.aws.region}:000000000000:tenant/{tenant.name}/{tenant.id}",
        "SendingStatus": tenant.sending,
    }  # fmt: skip
    if tenant.reasons is not None:
        shown["SuppressionAttributes"] = {"SuppressionScope": tenant.scope, "SuppressedReasons": tenant.reasons}
    return shown
