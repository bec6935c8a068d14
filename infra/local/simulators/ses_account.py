"""The rest of SES v2 that a sender touches: the account, identities, configuration sets, the suppression list."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import unquote

from .config import Destination, as_json, merge
from .http import Reply, Request
from .ses import identities, parse
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
        }
    )


def create_identity(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/identities: verified at once."""
    name = str(parse(sim, request).get("EmailIdentity") or "").lower()
    if not name:
        raise Refused("BadRequestException", "EmailIdentity is required.")
    if name in identities(sim):
        raise Refused("AlreadyExistsException", f"Email identity {name} already exists.")
    sim.identities.add(name)
    return Reply.json({"IdentityType": _identity_type(name), "VerifiedForSendingStatus": True, "DkimAttributes": _DKIM})


_DKIM = {"SigningEnabled": True, "Status": "SUCCESS", "Tokens": [], "SigningAttributesOrigin": "AWS_SES"}


def _identity_type(name: str) -> str:
    return "EMAIL_ADDRESS" if "@" in name else "DOMAIN"


def get_identity(sim: Simulation, request: Request) -> Reply:
    """GET /v2/email/identities/<identity>."""
    name = unquote(request.params["name"]).lower()
    if name not in identities(sim):
        raise Refused("NotFoundException", f"Email identity {name} does not exist.", 404)
    status = {"VerifiedForSendingStatus": True, "VerificationStatus": "SUCCESS", "FeedbackForwardingStatus": True}
    return Reply.json({"IdentityType": _identity_type(name), "DkimAttributes": _DKIM, "Tags": [], **status})


def create_configuration_set(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/configuration-sets."""
    name = str(parse(sim, request).get("ConfigurationSetName") or "")
    if not name:
        raise Refused("BadRequestException", "ConfigurationSetName is required.")
    if name in sim.configuration_sets:
        raise Refused("AlreadyExistsException", f"Configuration set <{name}> already exists.")
    sim.configuration_sets.add(name)
    return Reply.json({})


def get_configuration_set(sim: Simulation, request: Request) -> Reply:
    """GET /v2/email/configuration-sets/<name>."""
    name = _known_set(sim, request)
    return Reply.json(
        {"ConfigurationSetName": name, "SendingOptions": {"SendingEnabled": sim.config.ses.sending_enabled}}
    )


def _known_set(sim: Simulation, request: Request) -> str:
    name = unquote(request.params["name"])
    if name not in sim.configuration_sets and name not in sim.config.ses.configuration_sets:
        raise Refused("NotFoundException", f"Configuration set <{name}> does not exist.", 404)
    return name


def create_event_destination(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/configuration-sets/<name>/event-destinations: SNS topics only."""
    name = _known_set(sim, request)
    wanted = parse(sim, request).get("EventDestination") or {}
    topic = (wanted.get("SnsDestination") or {}).get("TopicArn")
    if not topic:
        raise Refused("BadRequestException", "Only SNS destinations are simulated.")
    kinds = [_EVENT_NAMES[kind] for kind in wanted.get("MatchingEventTypes") or () if kind in _EVENT_NAMES]
    made = Destination("sns", kinds, topic_arn=topic, configuration_set=name)
    known = as_json(sim.config)["ses"]["destinations"]
    changes: dict[str, Any] = {"ses": {"destinations": [*known, vars(made)]}}
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
