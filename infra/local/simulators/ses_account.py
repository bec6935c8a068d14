"""The rest of SES v2 that a sender touches: the account, configuration sets, the account's suppression list."""

from __future__ import annotations

import json
import re
import time
from typing import Any
from urllib.parse import unquote

from .config import Destination, as_json, merge
from .http import Reply, Request
from .ses import parse
from .ses_identities import known_set
from .ses_rules import Refused
from .simulation import Simulation

_EVENT_NAMES = {
    "SEND": "Send",
    "REJECT": "Reject",
    "BOUNCE": "Bounce",
    "COMPLAINT": "Complaint",
    "DELIVERY": "Delivery",
    "RENDERING_FAILURE": "Rendering Failure",
    "DELIVERY_DELAY": "DeliveryDelay",
}


def get_account(sim: Simulation, _: Request) -> Reply:
    """GET /v2/email/account."""
    ses = sim.config.ses
    quota = {"Max24HourSend": ses.max_24_hour_send, "MaxSendRate": ses.max_send_rate}
    return Reply.json(
        {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": ses.enforcement_status,
            "ProductionAccessEnabled": ses.production_access,
            "SendQuota": quota | {"SentLast24Hours": float(sim.quota.sent(time.time()))},
            "SendingEnabled": ses.sending_enabled,
            "SuppressionAttributes": {"SuppressedReasons": ses.suppressed_reasons},
            **({"VdmAttributes": {"VdmEnabled": "ENABLED"}} if ses.vdm_enabled else {}),
        }
    )


def create_configuration_set(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/configuration-sets."""
    body = parse(sim, request)
    name = str(body.get("ConfigurationSetName") or "")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise Refused("BadRequestException", "ConfigurationSetName has 1 to 64 letters, digits, - and _.")
    if name in sim.configuration_sets:
        raise Refused("AlreadyExistsException", f"Configuration set <{name}> already exists.")
    sim.configuration_sets[name] = body
    return Reply.json({})


def get_configuration_set(sim: Simulation, request: Request) -> Reply:
    """GET /v2/email/configuration-sets/<name>."""
    name = _known_set(sim, request)
    kept = {key: value for key, value in sim.configuration_sets.get(name, {}).items() if key.endswith("Options")}
    sending = {"SendingEnabled": sim.config.ses.sending_enabled}
    return Reply.json({**kept, "ConfigurationSetName": name, "SendingOptions": sending})


def delete_configuration_set(sim: Simulation, request: Request) -> Reply:
    """DELETE /v2/email/configuration-sets/<name>, with its event destinations."""
    name = _known_set(sim, request)
    sim.configuration_sets.pop(name, None)
    left = [vars(one) for one in sim.config.ses.destinations if one.configuration_set != name]
    sim.configure(merge(sim.config, {"ses": {"destinations": left}}))
    return Reply.json({})


def _known_set(sim: Simulation, request: Request) -> str:
    name = unquote(request.params["name"])
    known_set(sim, name)
    return name


def create_event_destination(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/configuration-sets/<name>/event-destinations: SNS topics only."""
    name = _known_set(sim, request)
    body = parse(sim, request)
    wanted, title = body.get("EventDestination") or {}, str(body.get("EventDestinationName") or "")
    topic = (wanted.get("SnsDestination") or {}).get("TopicArn")
    if not topic:
        raise Refused("BadRequestException", "Only SNS destinations are simulated.")
    kinds = [_EVENT_NAMES[kind] for kind in wanted.get("MatchingEventTypes") or () if kind in _EVENT_NAMES]
    titles = sim.configuration_sets.setdefault(name, {}).setdefault("destinations", [])
    if title in titles:
        raise Refused("AlreadyExistsException", f"Event destination {title} already exists.")
    titles.append(title)
    known = as_json(sim.config)["ses"]["destinations"]
    # As the topic is subscribed already: through SNS, or straight to the subscriber's local address.
    ways = [one for one in known if one["topic_arn"] == topic] or [vars(Destination("sns", [], topic_arn=topic))]
    made = {json.dumps(way | {"events": kinds, "configuration_set": name}): None for way in ways}
    changes: dict[str, Any] = {"ses": {"destinations": [*known, *map(json.loads, made)]}}
    sim.configure(merge(sim.config, changes))
    return Reply.json({})


def put_suppressed(sim: Simulation, request: Request) -> Reply:
    """PUT /v2/email/suppression/addresses."""
    body = parse(sim, request)
    if not body.get("EmailAddress") or body.get("Reason") not in ("BOUNCE", "COMPLAINT"):
        raise Refused("BadRequestException", "EmailAddress and a Reason of BOUNCE or COMPLAINT are required.")
    sim.suppressed[str(body["EmailAddress"]).lower()] = {"reason": body["Reason"], "at": time.time()}
    return Reply.json({})


def get_suppressed(sim: Simulation, request: Request) -> Reply:
    """GET /v2/email/suppression/addresses/<address>."""
    name = unquote(request.params["name"]).lower()
    return Reply.json({"SuppressedDestination": _suppressed(name, _on_list(sim, name))})


def delete_suppressed(sim: Simulation, request: Request) -> Reply:
    """DELETE /v2/email/suppression/addresses/<address>."""
    name = unquote(request.params["name"]).lower()
    _on_list(sim, name)
    del sim.suppressed[name]
    return Reply.json({})


def list_suppressed(sim: Simulation, _: Request) -> Reply:
    """GET /v2/email/suppression/addresses, without pages."""
    return Reply.json({"SuppressedDestinationSummaries": [_suppressed(*item) for item in sim.suppressed.items()]})


def _on_list(sim: Simulation, name: str) -> dict[str, Any]:
    if name not in sim.suppressed:
        raise Refused("NotFoundException", f"Email address {name} does not exist on your suppression list.", 404)
    return sim.suppressed[name]


def _suppressed(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {"EmailAddress": name, "Reason": entry["reason"], "LastUpdateTime": entry["at"]}
