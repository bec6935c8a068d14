"""Campaigns as requests say them and answers show them."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from drumbeat import money
from drumbeat.accounts import settings
from drumbeat.accounts.settings import Address, SenderName, TimeZone
from drumbeat.campaigns.model import Campaign
from drumbeat.fields import Attributes, Body, Currency, Instant, Listing, Name, Text, View

Subject = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Html = Annotated[Text, StringConstraints(max_length=300_000)]
PlainText = Annotated[Text, StringConstraints(max_length=100_000)]


class AudienceBody(Body):
    """Who is to get it: anyone in one of `segments` (ids or slugs) or everyone, less those in `exclude`.

    `filters` are equalities over attributes and the documented ones (`registrationDate`, `minRevenue`).
    """

    segments: list[Reference] = Field(default_factory=list, max_length=50)
    exclude: list[Reference] = Field(default_factory=list, max_length=50)
    everyone: bool = False
    filters: Attributes | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.segments or self.everyone or self.filters)


class CampaignFields(Body):
    """What can be said of a campaign; what is left out comes from the template or the tenant's settings."""

    name: Name | None = None
    names: dict[str, Name] | None = None
    subject: Subject | None = None
    subjects: dict[str, Subject] | None = None
    sender_name: SenderName | None = None
    sender_email: Address | None = None
    reply_to: Address | None = None
    template_id: Reference | None = None
    html: Html | None = None
    text: PlainText | None = None
    content: Attributes | None = None
    audience: AudienceBody | None = None
    time_zone: TimeZone | None = None
    budget: Annotated[float, Field(ge=0, le=1e12)] | None = None
    currency: Currency | None = None
    track_opens: bool | None = None
    track_clicks: bool | None = None


class NewCampaign(CampaignFields):
    """A campaign. With `send_type` immediate it is launched at once, with scheduled at `scheduled_at`; else it is a
    draft."""

    name: Name
    send_type: Literal["draft", "immediate", "scheduled"] = "draft"
    scheduled_at: Instant | None = None

    @model_validator(mode="after")
    def _scheduled(self) -> "NewCampaign":
        if self.send_type == "scheduled" and self.scheduled_at is None:
            raise ValueError("scheduled_at is needed when send_type is scheduled")
        return self


class CampaignChange(CampaignFields):
    """What changes in a draft or a scheduled campaign: fields that are left out stay."""


class Schedule(Body):
    """When to launch. A time further past than the tenant's `schedule_expiry_seconds` expires the campaign at once."""

    scheduled_at: Instant


class Recipient(Body):
    """Somebody whom a request names itself; that is recorded as consent with the method `api`."""

    email: Address
    name: Name | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    attributes: Attributes = Field(default_factory=dict)


class TestMail(Body):
    """Who gets a test of the campaign, and the values that it is rendered with. Tests are not counted."""

    __test__ = False
    emails: list[Address] = Field(min_length=1, max_length=20)
    data: Attributes = Field(default_factory=dict)


class CampaignQuery(Listing):
    """Filters of the list."""

    status: str | None = None


class RecipientQuery(Listing):
    """Which recipients to list: `outcome` is sent, not_sent or open; `reason` is one of `not_sent_by_reason`."""

    outcome: Literal["sent", "not_sent", "open"] | None = None
    reason: str | None = None


class CampaignView(View):
    """A campaign."""

    id: str
    name: str
    names: dict[str, str]
    slug: str | None
    status: str
    reason: str | None
    subject: str | None
    subjects: dict[str, str]
    sender_name: str | None
    sender_email: str | None
    reply_to: str | None
    template_id: str | None
    content: dict[str, Any]
    audience: dict[str, Any]
    scheduled_at: Instant | None
    time_zone: str | None
    budget: float | int | None
    currency: str | None
    send_id: str | None
    created_by: str | None
    created_at: Instant
    updated_at: Instant
    launched_at: Instant | None
    finished_at: Instant | None


def view(campaign: Campaign) -> CampaignView:
    currency = campaign.currency or settings.of(campaign.tenant).currency
    return CampaignView(
        id=campaign.campaign_id,
        name=campaign.name,
        names=campaign.names or {},
        slug=campaign.slug,
        status=campaign.status,
        reason=campaign.reason,
        subject=campaign.subject,
        subjects=campaign.subjects or {},
        sender_name=campaign.sender_name,
        sender_email=campaign.sender_email,
        reply_to=campaign.reply_to,
        template_id=campaign.template_id,
        content=campaign.content or {},
        audience=campaign.audience or {},
        scheduled_at=campaign.scheduled_at,
        time_zone=campaign.time_zone,
        budget=None if campaign.budget is None else money.shown(int(campaign.budget), currency),
        currency=campaign.currency,
        send_id=campaign.send_id,
        created_by=campaign.created_by,
        created_at=campaign.created_at,
        updated_at=campaign.updated_at,
        launched_at=campaign.launched_at,
        finished_at=campaign.finished_at,
    )
