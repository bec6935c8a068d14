"""The customer experience system of integration-guide.md: profiles one by one and in batches, for each tenant its own
under `/cx/<tenant>`. What its customers are is put there by tests and by people."""

from __future__ import annotations

import hmac
import json
from typing import Any

from .http import Reply, Request
from .simulation import Simulation

# What a tenant connects with; the simulator is reached from this machine only.
TOKEN = "cx_simulated"  # noqa: S105 - there is nothing behind it
MOST_IDS = 100


def get_customer(sim: Simulation, request: Request) -> Reply:
    """GET /api/v1/customers/:id."""
    if refused := _refused(request):
        return refused
    tenant, customer = request.params["tenant"], request.params["id"]
    sim.customers_asked.append({"tenant": tenant, "ids": [customer], "batch": False})
    found = sim.customers.get(tenant, {}).get(customer)
    return Reply.json(found) if found else error(404, "There is no such customer.")


def batch_customers(sim: Simulation, request: Request) -> Reply:
    """POST /api/v1/customers/batch: those of the ids that there are."""
    if refused := _refused(request):
        return refused
    try:
        ids = json.loads(request.body)["ids"]
    except (ValueError, KeyError, TypeError):
        return error(400, "send {ids: string[]}")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids) or len(ids) > MOST_IDS:
        return error(400, f"ids are at most {MOST_IDS} strings")
    tenant = request.params["tenant"]
    sim.customers_asked.append({"tenant": tenant, "ids": ids, "batch": True})
    theirs = sim.customers.get(tenant, {})
    return Reply.json({"customers": [theirs[one] for one in ids if one in theirs]})


def put_customers(sim: Simulation, request: Request) -> Reply:
    """PUT /cx/<tenant>/customers: add or replace profiles, a JSON list of them."""
    told: list[dict[str, Any]] = json.loads(request.body)
    sim.customers.setdefault(request.params["tenant"], {}).update({str(one["id"]): one for one in told})
    return Reply.json({"customers": len(sim.customers[request.params["tenant"]])})


def get_asked(sim: Simulation, request: Request) -> Reply:
    """GET /cx/<tenant>/asked: the requests so far, oldest first."""
    return Reply.json([one for one in sim.customers_asked if one["tenant"] == request.params["tenant"]])


def error(status: int, message: str) -> Reply:
    return Reply.json({"error": message}, status)


def _refused(request: Request) -> Reply | None:
    given = request.headers.get("authorization", "")
    return None if hmac.compare_digest(given, f"Bearer {TOKEN}") else error(401, "The token is not ours.")
