"""Setting identities up, checking them, and finding the one that an address may be sent from.

Each step may be done again: a request whose answer got lost is simply sent once more.
"""

import os
from datetime import datetime
from typing import NamedTuple

from drumbeat import lookup
from drumbeat.channels.email import ses_identities
from drumbeat.channels.email.ses import CONFIGURATION_SET
from drumbeat.channels.email.ses_identities import Status
from drumbeat.deliverability import claims, model
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity, Sending, State
from drumbeat.errors import Conflict, Refusal
from drumbeat.table import ConditionFailed

LOST = "another account of this deployment has it by now; delete it here"
# What the functions that make and remove identities write.
WRITES = (Identity, Claim)


class IdentityShared(Conflict):
    """The operator lets every tenant send from it, so it is nobody's own."""

    code = "IDENTITY_SHARED"


class BeingDeleted(Conflict):
    code = "IDENTITY_BEING_DELETED"


class NoIdentity(Refusal):
    """An address from which the tenant must not send; the message says what to do."""

    status, code = 422, "SENDER_NOT_VERIFIED"


class ReputationPaused(NoIdentity):
    """The identity is the tenant's, and held back."""

    status, code = 409, "REPUTATION_PAUSED"


class Route(NamedTuple):
    """How mail from an address leaves: its identity (None for one that the operator shares), the configuration set, and
    SES's tenant."""

    identity: str | None = None
    configuration_set: str = CONFIGURATION_SET
    provider_tenant: str | None = None


def add(tenant: str, name: str, mail_from: str | None, actor: str, now: datetime) -> Identity:
    """Claim the name and set it up in SES; what is there already is brought up to date.

    Raises DomainTaken, IdentityTaken, IdentityShared, and Unavailable: then the same request goes on where it stopped.
    """
    _must_be_free(tenant, name)
    claim = claims.take("sending", name, tenant, now)
    identity_id = model.id_of(tenant, name)
    row = Identity(
        *Identity.key(tenant, identity_id),
        gsi1pk=Identity.partition(tenant),
        gsi1sk=name,
        tenant=tenant,
        identity_id=identity_id,
        name=name,
        configuration_set=model.set_name(identity_id),
        mail_from=mail_from or (f"bounces.{name}" if "@" not in name else None),
        created_by=actor,
        created_at=now,
    )
    try:
        row.create()
    except ConditionFailed as error:
        row = Identity.from_raw_data(error.found or {})
        if mail_from and mail_from != row.mail_from:
            row.change(Identity.mail_from.set(mail_from))
    return _kept(row, claim, _provided(row, claim), now)


def _must_be_free(tenant: str, name: str) -> None:
    """Refuse what lies in another tenant's verified domain, or is everybody's."""
    names = model.covering(name)
    if any(one in shared() for one in names):
        raise IdentityShared(
            f"The operator shares {name} with every account: send from it, there is nothing to set up."
        )
    for claim in claims.many("sending", names[1:]).values():
        if claim.tenant != tenant and claim.held and claim.verified_at is not None:
            raise claims.DomainTaken(f"{claim.name} belongs to another account of this deployment.")


def _provided(row: Identity, claim: Claim) -> Status:
    """Everything that the identity needs in SES, each part made unless it is there."""
    ses_identities.ensure_tenant(row.tenant)
    ses_identities.ensure_configuration_set(row.configuration_set)
    found = ses_identities.ensure_identity(
        row.name, row.tenant, row.configuration_set, row.mail_from, replace=bool(claim.contested)
    )
    ses_identities.associate(row.tenant, row.name, row.configuration_set)
    return found


def refresh(row: Identity, now: datetime) -> Identity:
    """Ask SES, and the DNS where ownership has to be proven, how the identity is now. Raises Unavailable."""
    claim = claims.find("sending", row.name)
    found = ses_identities.status(row.name)
    return _kept(row, claim, found, now)


def _kept(row: Identity, claim: Claim | None, found: Status | None, now: datetime) -> Identity:
    """Write down what SES says."""
    state, reason = _state(row, claim, found)
    if state == State.VERIFIED and not (claim and claims.verified(claim, now)):
        state, reason = State.FAILED, LOST
    cls = Identity
    actions = [cls.state.set(state.value), cls.checked_at.set(now)]
    actions.append(cls.reason.set(reason) if reason else cls.reason.remove())
    if found is not None:
        actions += [cls.dkim_tokens.set(list(found.tokens)), cls.dkim_zone.set(found.zone)]
        if found.mail_from_state:
            actions.append(cls.mail_from_state.set(found.mail_from_state.lower()))
    if state == State.VERIFIED and row.verified_at is None:
        actions.append(cls.verified_at.set(now))
    try:
        row.change(*actions, condition=cls.state != State.DELETING.value)
    except ConditionFailed as error:
        raise BeingDeleted(
            f"{row.name} is being deleted. Repeat the DELETE until it is gone, then create it."
        ) from error
    return row


def _state(row: Identity, claim: Claim | None, found: Status | None) -> tuple[State, str | None]:
    if claim is None or not claim.held or claim.tenant != row.tenant:
        return State.FAILED, LOST
    if found is None:
        return State.FAILED, "the mail provider has no such identity any more; create it again"
    if found.owner != row.tenant:
        return State.FAILED, "it is set up in this deployment by somebody else; ask the operator to release or share it"
    if found.failed:
        return State.FAILED, "the mail provider did not find the records within 72 hours; set them and create it again"
    if not found.verified:
        wait = "set the DNS records" if row.is_domain else "follow the link in the mail that Amazon SES sent to it"
        return State.PENDING, wait
    # Once shown it stays shown: a name server that does not answer must not stop what is being sent.
    if claim.contested and claim.verified_at is None and not _proven(row):
        return State.PENDING, "another account had it before: set the ownership record"
    return State.VERIFIED, None


def _proven(row: Identity) -> bool:
    name, value = claims.proof(row.tenant, row.name.rpartition("@")[2])
    return value in lookup.texts(name).values


def remove(row: Identity) -> None:
    """Take an identity away, here and in SES. From the first step on nothing is launched from it."""
    row.change(Identity.state.set(State.DELETING.value))
    claim = claims.find("sending", row.name)
    if claim is not None and claim.tenant == row.tenant:
        ses_identities.remove(row.tenant, row.name, row.configuration_set)
    claims.release("sending", row.name, row.tenant)
    row.delete()


def shared() -> frozenset[str]:
    """Domains and addresses that the operator lets every tenant send from; `*` for whatever SES has verified."""
    return frozenset(name.strip().lower() for name in os.environ.get("SHARED_SENDERS", "").split(",") if name.strip())


def refuse_foreign(tenant: str, address: str) -> None:
    """Raise NoIdentity for an address of another account. Needs `reads=(Claim,)`."""
    names = model.covering(address)
    held = claims.many("sending", names)
    for claim in (held[name] for name in names if name in held):
        if claim.held and claim.tenant != tenant and claim.verified_at is not None:
            raise NoIdentity(f"{claim.name} belongs to another account; send from a domain of your own.")


def route(tenant: str, address: str) -> Route:
    """How mail from this address leaves. Raises NoIdentity. Needs `reads=(Identity, Claim)`."""
    names = model.covering(address)
    held = claims.many("sending", names)
    own = model.many(tenant, names)
    unready: Identity | None = None
    for name in names:
        claim = held.get(name)
        if claim and claim.held and claim.tenant != tenant and claim.verified_at is not None:
            raise NoIdentity(f"{name} belongs to another account; send from a domain of your own.")
        if name in own and own[name].state == State.VERIFIED:
            return _route(own[name])
        unready = unready or own.get(name)
        if name in shared():
            return Route()
    if "*" in shared():
        return Route()
    domain = names[0].rpartition("@")[2]
    if unready is not None:
        raise NoIdentity(
            f"{unready.name} is not verified yet ({unready.reason or unready.state}). See GET "
            f"/v1/sending-identities/{unready.identity_id}/dns, then POST .../refresh."
        )
    raise NoIdentity(f"no verified sending identity covers {domain}; set it up with POST /v1/sending-identities.")


def known(tenant: str, address: str) -> Route:
    """The route of an address that another provider sends from: with the identity, if the tenant has one for it, whose
    reputation it is then. Raises ReputationPaused."""
    names = model.covering(address)
    own = model.many(tenant, names)
    return next((_route(own[name]) for name in names if name in own and own[name].state == State.VERIFIED), Route())


def may_send(tenant: str, address: str) -> bool:
    """Whether mail from this address may leave now."""
    try:
        route(tenant, address)
    except NoIdentity:
        return False
    return True


def _route(row: Identity) -> Route:
    require_sending(row)
    return Route(row.identity_id, row.configuration_set, row.tenant)


def require_sending(row: Identity) -> None:
    """Raise ReputationPaused while the identity's reputation is too bad to send."""
    if row.sending != Sending.PAUSED:
        return
    why = row.paused or {}
    rates = f"bounces {100 * why.get('bounce_rate', 0):.1f} %, complaints {100 * why.get('complaint_rate', 0):.2f} %"
    raise ReputationPaused(
        f"sending from {row.name} is paused because of its reputation ({rates}). Clean the audience first (POST "
        f"/v1/reports/list-hygiene), then POST /v1/sending-identities/{row.identity_id}/resume."
    )
