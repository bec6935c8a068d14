"""SES v2's sending identities: created pending, verified when their DNS records are there, or when somebody says so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from .http import Reply, Request
from .ses import identities, parse
from .ses_rules import Refused
from .simulation import Simulation

DKIM_ZONE = "dkim.amazonses.com"


@dataclass
class Identity:
    """One identity of the account. `mail_from` is its custom MAIL FROM domain."""

    name: str
    verified: bool
    tags: list[dict[str, str]] = field(default_factory=list)
    mail_from: str = ""
    on_mx_failure: str = "USE_DEFAULT_VALUE"
    configuration_set: str = ""

    @property
    def kind(self) -> str:
        return "EMAIL_ADDRESS" if "@" in self.name else "DOMAIN"

    @property
    def tokens(self) -> list[str]:
        """Easy DKIM: three tokens, the same each time that the account adds this domain."""
        if self.kind == "EMAIL_ADDRESS":
            return []
        return [hashlib.sha256(f"{self.name}:{number}".encode()).hexdigest()[:32] for number in range(3)]


def create_identity(sim: Simulation, request: Request) -> Reply:
    """POST /v2/email/identities: pending, or verified at once where the configuration says so."""
    body = parse(sim, request)
    name = str(body.get("EmailIdentity") or "").lower()
    if not name:
        raise Refused("BadRequestException", "EmailIdentity is required.")
    if name in sim.identities or name in identities(sim):
        raise Refused("AlreadyExistsException", f"Email identity {name} already exists.")
    configuration_set = str(body.get("ConfigurationSetName") or "")
    known_set(sim, configuration_set)
    made = Identity(name, sim.config.ses.verify_at_once, list(body.get("Tags") or ()))
    made.configuration_set = configuration_set
    sim.identities[name] = made
    return Reply.json(_shown(sim, made, ("IdentityType", "VerifiedForSendingStatus", "DkimAttributes")))


def known_set(sim: Simulation, name: str) -> None:
    """Refuse a configuration set that the account does not have."""
    if name and name not in sim.configuration_sets and name not in sim.config.ses.configuration_sets:
        raise Refused("NotFoundException", f"Configuration set <{name}> does not exist.", 404)


def get_identity(sim: Simulation, request: Request) -> Reply:
    """GET /v2/email/identities/<identity>."""
    return Reply.json(_shown(sim, _found(sim, request)))


def delete_identity(sim: Simulation, request: Request) -> Reply:
    """DELETE /v2/email/identities/<identity>."""
    del sim.identities[_found(sim, request).name]
    return Reply.json({})


def put_mail_from(sim: Simulation, request: Request) -> Reply:
    """PUT /v2/email/identities/<identity>/mail-from: a subdomain of the identity."""
    found, body = _found(sim, request), parse(sim, request)
    wanted = str(body.get("MailFromDomain") or "").lower()
    if wanted and not wanted.endswith(f".{found.name.rpartition('@')[2]}"):
        raise Refused("BadRequestException", f"Provided MAIL-FROM domain <{wanted}> is not subdomain of the identity.")
    found.mail_from, found.on_mx_failure = wanted, str(body.get("BehaviorOnMxFailure") or "USE_DEFAULT_VALUE")
    return Reply.json({})


def post_verify(sim: Simulation, request: Request) -> Reply:
    """POST /verify {"identity", "verified"}: what SES would find out from DNS or from the link in its mail."""
    body = parse(sim, request)
    name = str(body.get("identity") or "").lower()
    if name not in sim.identities:
        return Reply.json({"message": f"no identity {name}"}, 404)
    sim.identities[name].verified = bool(body.get("verified", True))
    return Reply.json({"identity": name, "verified": sim.identities[name].verified})


def _found(sim: Simulation, request: Request) -> Identity:
    name = unquote(request.params["name"]).lower()
    if name in sim.identities:
        return sim.identities[name]
    if name in identities(sim):
        return Identity(name, verified=True)
    raise Refused("NotFoundException", f"Email identity {name} does not exist.", 404)


def _shown(sim: Simulation, found: Identity, only: tuple[str, ...] = ()) -> dict[str, Any]:
    status = "SUCCESS" if found.verified else "PENDING"
    dkim = {
        "SigningEnabled": True, "Status": status, "Tokens": found.tokens, "SigningAttributesOrigin": "AWS_SES",
        "SigningHostedZone": DKIM_ZONE,
    }  # fmt: skip
    shown: dict[str, Any] = {
        "IdentityType": found.kind, "VerifiedForSendingStatus": found.verified, "VerificationStatus": status,
        "FeedbackForwardingStatus": True, "DkimAttributes": dkim, "Tags": found.tags,
    }  # fmt: skip
    if found.configuration_set:
        shown["ConfigurationSetName"] = found.configuration_set
    if found.mail_from:
        shown["MailFromAttributes"] = {
            "MailFromDomain": found.mail_from, "MailFromDomainStatus": status,
            "BehaviorOnMxFailure": found.on_mx_failure,
        }  # fmt: skip
    return {name: shown[name] for name in only} if only else shown
