"""Systems of tenants that webhooks are posted to, each with a name, under `/hooks/<name>`. They take everything; what
they took can be looked at."""

from __future__ import annotations

from .http import Reply, Request
from .simulation import Simulation

# What a signature is verified with; see www.standardwebhooks.com.
KEPT_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type")


def receive(sim: Simulation, request: Request) -> Reply:
    """POST /hooks/<name>."""
    headers = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
    told = {"headers": headers, "body": request.body.decode()}
    sim.received.setdefault(request.params["name"], []).append(told)
    return Reply.json({}, 202)


def get_received(sim: Simulation, request: Request) -> Reply:
    """GET /hooks/<name>/received: what came so far, oldest first."""
    return Reply.json(sim.received.get(request.params["name"], []))
