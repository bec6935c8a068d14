"""Unsubscribe an e-mail address or a telephone number: its consent is revoked at once. One that no contact has is
suppressed."""

from drumbeat.accounts.model import Tenant
from drumbeat.activity.interest import Interest
from drumbeat.activity.model import Timeline
from drumbeat.contacts import consent, unsubscribes
from drumbeat.contacts import model as contacts
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.model import ContactAddress
from drumbeat.contacts.unsubscribes import NewUnsubscribe, UnsubscribeView
from drumbeat.feedback import phone_opt_outs
from drumbeat.http import STANDARD, Request, http
from drumbeat.sends.model import Send, SendKey, Stat
from drumbeat.sends.work import ROLL_UP


@http(
    "POST /v1/unsubscribes",
    scope="contacts:write",
    limit=STANDARD,
    status=201,
    reads=(ContactAddress, Tenant, Interest, SendKey),
    writes=(*consent.WRITES, Timeline, Stat, Send),
    sends=(ROLL_UP,),
)
def handler(request: Request, body: NewUnsubscribe) -> UnsubscribeView:
    """422 `VALIDATION_ERROR` for what is no address. Asking twice gives the opt-out on record."""
    cause = request.new_id("req")
    if body.phone is not None:
        phone = contacts.dialled(request.tenant, body.phone, None)
        row = phone_opt_outs.opt_out(
            request.tenant, phone, reason=body.reason, actor=request.actor, cause=cause, now=request.now
        )
        return unsubscribes.view(row)
    row = consent.revoke(
        request.tenant, body.email or "", "email", reason=body.reason, method="api", source=request.actor,
        at=request.now, cause=cause, evidence=Evidence(request.actor, cause),
    )  # fmt: skip
    return unsubscribes.view(row)
