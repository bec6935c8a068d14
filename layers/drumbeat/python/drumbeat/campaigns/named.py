"""Sending to recipients that a request names: they become contacts, with the request as the record of their consent."""

from collections.abc import Sequence
from datetime import datetime

from drumbeat import ids
from drumbeat.campaigns import content, lifecycle
from drumbeat.campaigns.model import Campaign, Status
from drumbeat.campaigns.views import Recipient
from drumbeat.contacts import addresses, batch
from drumbeat.contacts.views import NewContact
from drumbeat.errors import Invalid
from drumbeat.fields import View
from drumbeat.segments import model as segments
from drumbeat.sends import environment
from drumbeat.sends.audience import Audience

MOST = 1_000


class Sent(View):
    """A launch: the send's id, and how many recipients the request named; who may not get it is in the results."""

    campaign_id: str
    send_id: str | None
    status: str
    recipients: int


def send(campaign: Campaign, recipients: Sequence[Recipient], actor: str, now: datetime) -> Sent:
    """Launch to these recipients; without any, to the campaign's audience. Raises WrongStatus, NotReady,
    RestoredCopy, Invalid."""
    campaign.require(Status.DRAFT, Status.SCHEDULED)
    if len(recipients) > MOST:
        raise Invalid.field("body", f"may name at most {MOST} recipients; import more, and send to a segment")
    if recipients and campaign.channel != "email":
        raise Invalid.field(
            "body",
            f"recipients have e-mail addresses; this is a campaign of {campaign.channel}: send it to its audience",
        )
    environment.require_home()
    content.frozen(campaign, "snd_check")  # what is refused must leave nothing behind
    audience = _list(campaign, recipients, now) if recipients else None
    launched = lifecycle.launch(campaign, actor, now, audience=audience)
    return Sent(
        campaign_id=launched.campaign_id, send_id=launched.send_id, status=launched.status, recipients=len(recipients)
    )


def _list(campaign: Campaign, recipients: Sequence[Recipient], now: datetime) -> Audience:
    """A static list of the recipients. Suppressed and revoked ones are in it: the ledger shows why they got nothing."""
    people = batch.upsert_named(
        campaign.tenant, [_contact(one) for one in recipients], now=now, source=campaign.campaign_id
    )
    # Other recipients are another list: one whose launch did not come about must not be part of the next.
    named = sorted({addresses.claim(one.email) for one in recipients})
    segment_id = ids.derived("seg", campaign.tenant, campaign.campaign_id, "named", *named)
    segments.create_hidden(campaign.tenant, segment_id, f"Recipients of {campaign.name}", now)
    segments.add_static(campaign.tenant, segment_id, [person.contact_id for person in people], now)
    return Audience(segments=(segment_id,))


def _contact(one: Recipient) -> NewContact:
    """`name` is split at its last space when first and last name are not given."""
    first, _, last = (one.name or "").rpartition(" ")
    return NewContact(
        email=one.email,
        first_name=one.first_name or first or one.name,
        last_name=one.last_name or (last if first else None),
        attributes=dict(one.attributes),
    )
