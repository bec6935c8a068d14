"""Campaigns as requests say them and answers show them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer, StringConstraints, model_validator

from drumbeat import channels, money
from drumbeat.accounts import settings
from drumbeat.accounts.settings import MOST_LOOKBACK_DAYS, Address, Language, SenderName, TimeZone
from drumbeat.accounts.sms_senders import SmsSender
from drumbeat.accounts.utm import Utm
from drumbeat.campaigns.model import Campaign, Status
from drumbeat.contacts.views import Named, Phone
from drumbeat.fields import Attributes, Body, Currency, FieldNeeded, Instant, Listing, Name, Text, View
from drumbeat.sends.views import HeldView
from drumbeat.templates.texts import PlainText, at_most

Subject = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Html = Annotated[Text, StringConstraints(max_length=300_000), at_most(300_000)]


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is not None:
        raise ValueError("must be a local time without a zone, such as 2026-03-02T09:00:00")
    if not 1971 <= moment.year <= 9990:
        raise ValueError("must be a time of our age")
    return moment


LocalTime = Annotated[datetime, AfterValidator(_local), PlainSerializer(datetime.isoformat, return_type=str)]
"""A date and time of a clock on the wall, without a zone: `2026-03-02T09:00:00`."""


def _channel(name: str) -> str:
    if name not in channels.names():
        raise ValueError(f"must be one of {', '.join(channels.names())}")
    return name


ChannelName = Annotated[str, StringConstraints(max_length=32), AfterValidator(_channel)]
Purpose = Literal["marketing", "transactional"]
Priority = Literal["high", "normal", "low"]
Quiet = Literal["hold", "drop", "ignore"]
OverCap = Literal["skip", "hold"]

# What SendGrid gives its dynamic templates, and its older ones, as ids.
ProviderTemplate = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
MediaUrl = Annotated[Text, StringConstraints(max_length=2000, pattern=r"^https://[^\s<>\"]+$")]
"""A picture or a film that a text message brings along (MMS)."""

DataName = Annotated[Text, StringConstraints(min_length=1, max_length=64)]
DataText = Annotated[Text, StringConstraints(max_length=1000)]
Link = Annotated[Text, StringConstraints(max_length=1000, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"]+$")]


class Notification(Body):
    """What a notification brings along: texts for the app by name, where a tap leads (`https://…`, or an address of the
    app, `shop://eid`), and a picture."""

    data: dict[DataName, DataText] = Field(default_factory=dict, max_length=20)
    link: Link | None = None
    image_url: MediaUrl | None = None


PerWindow = Annotated[int, Field(ge=1, le=100_000_000)]


class AudienceBody(Body):
    """Who is to get it: anyone in one of `segments` (ids or slugs) or everyone, less those in `exclude`. One under a
    marketing campaign that names nobody goes to that one's `target_audience`.

    `filters` are equalities over attributes and the documented ones (`registrationDate`, `minRevenue`).
    """

    segments: list[Reference] = Field(default_factory=list, max_length=50)
    exclude: list[Reference] = Field(default_factory=list, max_length=50)
    everyone: bool = False
    filters: Attributes | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.segments or self.everyone or self.filters)


class Limits(Body):
    """How many mails may leave in a second, a minute, an hour and a day, each a window of the clock (days are those of
    the campaign's time zone). What does not fit waits for the next one."""

    per_second: PerWindow | None = None
    per_minute: PerWindow | None = None
    per_hour: PerWindow | None = None
    per_day: PerWindow | None = None


class CampaignFields(Body):
    """What can be said of a campaign; what is left out comes from the template or the tenant's settings.

    With `send_in_recipient_zone` each recipient gets it when clocks in the recipient's zone show `local_send_at`; whose
    local time has passed at launch, gets it on the next day or, as `when_local_time_passed` may say, at once. Who was
    not sent by `expires_at`, or `expire_after` seconds after the launch, will not be. `utm` is what links say of
    themselves in web analytics.

    `purpose` transactional is for what everybody must get who bought or asked for it (a receipt, a recall): it needs no
    consent, and neither quiet hours nor frequency caps hold it back. `priority` is what the caps go by; whoever does
    not want the `category` is left out. In quiet hours messages are held until they end, or dropped, as `quiet` says;
    only what is transactional may ignore them. Who has had as much marketing as the caps allow is skipped or, with
    `over_cap` hold, gets it when there is room again.

    A mail may be made of a template of the provider's own, `provider_template` (SendGrid's dynamic templates, `d-…`).
    Its data are what our templates may say.

    A text message says `text`, or that of `texts` in the recipient's language, comes from `sender_id` and may bring
    `media_urls` along. `carrier_preference` names the provider account that it is to leave over, by id or name. A
    notification has the `subject` as its title, the `text`, and what `notification` says. A request to the tenant's own
    systems has the `text`, which is JSON, or the ids of what it is about.
    """

    name: Name | None = None
    names: dict[str, Name] | None = None
    purpose: Purpose | None = None
    priority: Priority | None = None
    category: Name | None = None
    quiet: Quiet | None = None
    over_cap: OverCap | None = None
    subject: Subject | None = None
    subjects: dict[Language, Subject] | None = None
    sender_name: SenderName | None = None
    sender_email: Address | None = None
    reply_to: Address | None = None
    template_id: Reference | None = None
    provider_template: ProviderTemplate | None = None
    html: Html | None = None
    text: PlainText | None = None
    texts: dict[Language, PlainText] | None = None
    media_urls: Annotated[list[MediaUrl], Field(max_length=10)] | None = None
    sender_id: SmsSender | None = None
    carrier_preference: Name | None = None
    notification: Notification | None = None
    content: Attributes | None = None
    audience: AudienceBody | None = None
    time_zone: TimeZone | None = None
    marketing_campaign_id: Reference | None = None
    owner: Name | None = None
    budget: Annotated[float, Field(ge=0, le=1e12)] | None = None
    currency: Currency | None = None
    lookback_days: Annotated[int, Field(ge=1, le=MOST_LOOKBACK_DAYS)] | None = None
    track_opens: bool | None = None
    track_clicks: bool | None = None
    utm: Utm | None = None
    send_in_recipient_zone: bool | None = None
    local_send_at: LocalTime | None = None
    when_local_time_passed: Literal["next_day", "at_once"] | None = None
    limits: Limits | None = None
    expires_at: Instant | None = None
    expire_after: Annotated[int, Field(ge=60, le=365 * 86_400)] | None = None


class NewCampaign(CampaignFields):
    """A campaign. With `send_type` immediate it is launched at once, with scheduled at `scheduled_at`; else it is a
    draft."""

    name: Name
    channel: ChannelName = "email"
    send_type: Literal["draft", "immediate", "scheduled"] = "draft"
    scheduled_at: Instant | None = None

    @model_validator(mode="after")
    def _scheduled(self) -> "NewCampaign":
        if self.send_type == "scheduled" and self.scheduled_at is None and not self.send_in_recipient_zone:
            raise FieldNeeded("scheduled_at", "is needed when send_type is scheduled")
        if self.send_in_recipient_zone and self.local_send_at is None:
            raise FieldNeeded("local_send_at", "is needed with send_in_recipient_zone")
        return self


class CampaignChange(CampaignFields):
    """What changes in a draft or a scheduled campaign: fields that are left out stay."""


class Copy(Body):
    """What a copy of a campaign is called; "Copy of …" unless said."""

    name: Name | None = None


class Resume(Body):
    """Go on. `override` answers for a campaign that was paused by itself: the refusal says why it was."""

    override: bool = False


class Schedule(Body):
    """When to launch. A time further past than the tenant's `schedule_expiry_seconds` expires the campaign at once.

    A campaign that is sent in recipients' time zones has `local_send_at` instead, its own unless said here: it is
    launched in time for the first zone.
    """

    scheduled_at: Instant | None = None
    local_send_at: LocalTime | None = None


class Recipient(Body):
    """Somebody whom a request names itself; that is recorded as consent with the method `api`."""

    email: Address
    name: Name | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    attributes: Named = Field(default_factory=dict)


class TestMail(Body):
    """Who gets a test of the campaign (`phones`, if it is one of text messages), and the values that it is rendered
    with (of products, ids or skus). Tests are not counted. `language` chooses the variant; it is the default's, if left
    out."""

    __test__ = False
    emails: list[Address] = Field(default_factory=list, max_length=20)
    phones: list[Phone] = Field(default_factory=list, max_length=20)
    data: Attributes = Field(default_factory=dict)
    language: Language | None = None


class CampaignQuery(Listing):
    """Filters of the list. Archived campaigns are in it only when `archived` is true (only these) or all."""

    status: Status | None = None
    archived: Literal["false", "true", "all"] = "false"


class RecipientQuery(Listing):
    """Which recipients to list: `outcome` is sent, not_sent or open; `reason` is one of `not_sent_by_reason`."""

    outcome: Literal["sent", "not_sent", "open"] | None = None
    reason: str | None = None


class RateLimitView(View):
    """What has left in the present hour and day, and whether a limit holds the rest up."""

    hourly_sent: int
    daily_sent: int
    limit_reached: bool


class CampaignView(View):
    """A campaign. `rate_limit` is told of a single campaign that has limits and was launched, `held` of a single one
    while recipients wait for a better moment, as its last roll-up counted them."""

    id: str
    name: str
    names: dict[str, str]
    slug: str | None
    status: str
    reason: str | None
    channel: str
    purpose: str
    priority: str
    category: str | None
    quiet: str | None
    over_cap: str | None
    subject: str | None
    subjects: dict[str, str]
    text: str | None
    texts: dict[str, str]
    media_urls: list[str]
    sender_id: str | None
    carrier_preference: str | None
    notification: dict[str, Any] | None
    sender_name: str | None
    sender_email: str | None
    reply_to: str | None
    template_id: str | None
    provider_template: str | None
    template_version: int | None
    content: dict[str, Any]
    audience: dict[str, Any]
    scheduled_at: Instant | None
    time_zone: str | None
    marketing_campaign_id: str | None
    owner: str | None
    budget: float | int | None
    currency: str | None
    lookback_days: int | None
    track_opens: bool | None
    track_clicks: bool | None
    utm: dict[str, Any] | None
    send_in_recipient_zone: bool
    local_send_at: str | None
    when_local_time_passed: str | None
    limits: dict[str, int] | None
    rate_limit: RateLimitView | None
    held: list[HeldView]
    expires_at: Instant | None
    expire_after: int | None
    resend_of: str | None
    archived_at: Instant | None
    send_id: str | None
    created_by: str | None
    created_at: Instant
    updated_at: Instant
    launched_at: Instant | None
    finished_at: Instant | None


def view(campaign: Campaign, rate_limit: RateLimitView | None = None, held: Sequence[HeldView] = ()) -> CampaignView:
    currency = campaign.currency or settings.of(campaign.tenant).currency
    return CampaignView(
        id=campaign.campaign_id,
        name=campaign.name,
        names=campaign.names or {},
        slug=campaign.slug,
        status=campaign.status,
        reason=campaign.reason,
        channel=campaign.channel,
        purpose=campaign.purpose,
        priority=campaign.priority,
        category=campaign.category,
        quiet=campaign.quiet,
        over_cap=campaign.over_cap,
        subject=campaign.subject,
        subjects=campaign.subjects or {},
        text=campaign.text,
        texts=campaign.texts or {},
        media_urls=(campaign.said or {}).get("media_urls", []),
        sender_id=(campaign.said or {}).get("sender_id"),
        carrier_preference=(campaign.said or {}).get("carrier_preference"),
        notification=(campaign.said or {}).get("notification"),
        sender_name=campaign.sender_name,
        sender_email=campaign.sender_email,
        reply_to=campaign.reply_to,
        template_id=campaign.template_id,
        provider_template=(campaign.said or {}).get("provider_template"),
        template_version=None if campaign.template_version is None else int(campaign.template_version),
        content=campaign.content or {},
        audience=campaign.audience or {},
        scheduled_at=campaign.scheduled_at,
        time_zone=campaign.time_zone,
        marketing_campaign_id=campaign.marketing_campaign_id,
        owner=campaign.owner,
        budget=None if campaign.budget is None else money.shown(int(campaign.budget), currency),
        currency=campaign.currency,
        lookback_days=None if campaign.lookback_days is None else int(campaign.lookback_days),
        track_opens=campaign.track_opens,
        track_clicks=campaign.track_clicks,
        utm=campaign.utm,
        send_in_recipient_zone=bool(campaign.send_in_recipient_zone),
        local_send_at=campaign.local_send_at,
        when_local_time_passed=campaign.when_local_time_passed,
        limits=campaign.limits,
        rate_limit=rate_limit,
        held=list(held),
        expires_at=campaign.expires_at,
        expire_after=None if campaign.expire_after is None else int(campaign.expire_after),
        resend_of=campaign.resend_of,
        archived_at=campaign.archived_at,
        send_id=campaign.send_id,
        created_by=campaign.created_by,
        created_at=campaign.created_at,
        updated_at=campaign.updated_at,
        launched_at=campaign.launched_at,
        finished_at=campaign.finished_at,
    )
