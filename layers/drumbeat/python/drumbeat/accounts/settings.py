"""A tenant's settings: what every send of the tenant needs to know, and what the tenant may change by itself.

They live as JSON on the tenant's row (`Tenant.settings`), so that whoever reads the tenant has them. A setting that was
never stored has its default, so a new setting needs no migration.
"""

import functools
import time
import zoneinfo
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from drumbeat.accounts.automation import Automation
from drumbeat.accounts.categories import Categories
from drumbeat.accounts.channel_choices import ChannelChoice, Choices
from drumbeat.accounts.customer_system import CustomerSystem
from drumbeat.accounts.model import Tenant
from drumbeat.accounts.moments import FrequencyCap, FrequencyCaps, QuietHours, QuietSettings
from drumbeat.accounts.sms_answers import SmsAnswers
from drumbeat.accounts.sms_senders import SmsFooter, SmsSender
from drumbeat.accounts.targets import KpiTargets
from drumbeat.accounts.utm import Utm
from drumbeat.channels.sms.prices import SmsPrices
from drumbeat.errors import NotFound
from drumbeat.fields import Body, Country, Currency, Name, View
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused, retried

KEPT_SECONDS = 60
# A purchase reads its contact's timeline of so many days.
MOST_LOOKBACK_DAYS = 30
UnknownPolicy = Literal["after_grace", "never"]


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("must be a time zone of the IANA database, such as Asia/Dhaka")
    return name


def _address(email: str) -> str:
    """The address with a lower-case domain. The validator is only imported where settings are changed."""
    import email_validator

    try:
        found = email_validator.validate_email(email, check_deliverability=False, globally_deliverable=False)
    except (email_validator.EmailNotValidError, UnicodeError) as error:
        raise ValueError("is not an e-mail address like name@example.com") from error
    if "." not in found.domain:
        raise ValueError("is not an e-mail address like name@example.com")
    return found.normalized


TimeZone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
"""A BCP 47 tag: `en`, `bn`, `pt-BR`."""

Address = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254), AfterValidator(_address)]
# A postal address may have lines; no control characters, since it goes into mails.
PostalAddress = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=5, max_length=500, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]+$")
]
# A line break in a sender's name would end the From header.
SenderName = Annotated[Name, StringConstraints(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Settings(BaseModel):
    """The settings as the code uses them; what is stored was checked when it was changed.

    `unknown_policy` says what happens to a recipient whose mail may or may not have left (DESIGN section 5): sent again
    after `grace_seconds`, or never. `schedule_expiry_seconds` is how late a scheduled campaign may still start.
    Both are business seconds. `country` (ISO 3166 alpha-2) is where telephone numbers without a country are dialled.
    `message_events` puts every sent, delivered, opened and clicked message on the bus, `segment_events` whoever joins
    or leaves a segment. With `campaign_approval` a marketing campaign runs only after a second person has approved it.

    A purchase counts for a campaign up to `lookback_days` after a click. `email_price_per_thousand` is what a thousand
    mails cost, in `currency`; without it sending costs nothing in reports. `kpi_targets` are replaced as a whole.

    Whoever was not sent `send_expiry_seconds` (business time) after a launch will not be. `utm` is what the links of
    mails say of themselves (drumbeat.accounts.utm).

    With `double_opt_in` a consent to e-mail counts once the owner of the address has confirmed it; without it, that is
    so for consents from `double_opt_in_sources` only (imports say for themselves). A link to confirm works for
    `confirmation_seconds`, business time. The mail is that of `confirmation_template`, an id or a name, or a built-in
    one.

    Links in mails lead to `tracking_domain`; the one that was chosen last, `tracking_domain_pending`, becomes it once
    it is verified (drumbeat.deliverability.tracking changes them). `customer_system` is where customers come from
    (drumbeat.contacts.customers.connecting changes it).

    `sms_prices` say what a part of a text message costs, by country and carrier; they are replaced as a whole. Text
    messages come from `sms_sender_id`, where their campaign says no other, and end with the `sms_footer` of their
    language, such as "Reply STOP to end". `sms_answers` are what people are answered who text STOP, START or HELP, by
    language; they are replaced as a whole.

    `categories` are the kinds of messages that recipients can refuse one by one; they are replaced as a whole.

    `automation` has the switches and limits of automation rules and sequences; it is replaced as a whole.

    `quiet_hours` and `frequency_caps` say by channel when, and how often, people get marketing
    (drumbeat.accounts.moments); each is replaced as a whole, and counts for what is launched from then on. What was
    held back over quiet hours leaves spread over `quiet_release_minutes`, and what would be held back for more than
    `quiet_hold_seconds` is dropped (business time).

    `channels` says which provider account carries the messages of a channel (drumbeat.providers); a channel that is not
    in it uses the deployment's own account, if there is one. A change names the channels that it changes.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    currency: str = "USD"
    time_zone: str = "UTC"
    country: str | None = None
    language: str = "en"
    sender_name: str | None = None
    sender_email: str | None = None
    postal_address: str | None = None
    unknown_policy: UnknownPolicy = "after_grace"
    grace_seconds: int = 7200
    schedule_expiry_seconds: int = 86_400
    message_events: bool = True
    segment_events: bool = True
    track_opens: bool = True
    track_clicks: bool = True
    send_expiry_seconds: int = 7 * 86_400
    utm: dict[str, Any] | None = None
    campaign_approval: bool = False
    lookback_days: int = 7
    email_price_per_thousand: float = 0.0
    kpi_targets: KpiTargets = KpiTargets()
    double_opt_in: bool = False
    double_opt_in_sources: tuple[str, ...] = ()
    confirmation_seconds: int = 604_800
    confirmation_template: str | None = None
    sms_prices: SmsPrices = ()
    sms_sender_id: str | None = None
    sms_footer: dict[str, str] = {}
    sms_answers: SmsAnswers = SmsAnswers()
    categories: Categories = ()
    automation: Automation = Automation()
    quiet_hours: dict[str, QuietHours] = Field(default_factory=dict)
    quiet_release_minutes: int = 30
    quiet_hold_seconds: int = 86_400
    frequency_caps: dict[str, FrequencyCap] = Field(default_factory=dict)
    channels: dict[str, ChannelChoice] = Field(default_factory=dict)
    tracking_domain: str | None = None
    tracking_domain_pending: str | None = None
    customer_system: CustomerSystem | None = None

    @property
    def tracking_base(self) -> str | None:
        """Where links in mails lead, if not to the deployment's own address; without a slash at the end."""
        return f"https://{self.tracking_domain}" if self.tracking_domain else None


class SettingsChange(Body):
    """Settings to change; those left out stay. `country`, `sender_name`, `sender_email`, `postal_address`, `utm`,
    `confirmation_template` and `sms_sender_id` may be null."""

    currency: Currency = "USD"
    time_zone: TimeZone = "UTC"
    country: Country | None = None
    language: Language = "en"
    sender_name: SenderName | None = None
    sender_email: Address | None = None
    postal_address: PostalAddress | None = None
    unknown_policy: UnknownPolicy = "after_grace"
    grace_seconds: int = Field(default=7200, ge=60, le=7 * 86_400)
    schedule_expiry_seconds: int = Field(default=86_400, ge=300, le=30 * 86_400)
    message_events: bool = True
    segment_events: bool = True
    track_opens: bool = True
    track_clicks: bool = True
    send_expiry_seconds: int = Field(default=7 * 86_400, ge=3600, le=365 * 86_400)
    utm: Utm | None = None
    campaign_approval: bool = False
    lookback_days: int = Field(default=7, ge=1, le=MOST_LOOKBACK_DAYS)
    email_price_per_thousand: float = Field(default=0.0, ge=0, le=1e6)
    kpi_targets: KpiTargets = KpiTargets()
    double_opt_in: bool = False
    double_opt_in_sources: tuple[Name, ...] = Field(default=(), max_length=100)
    confirmation_seconds: int = Field(default=604_800, ge=3600, le=90 * 86_400)
    confirmation_template: Name | None = None
    sms_prices: SmsPrices = ()
    sms_sender_id: SmsSender | None = None
    sms_footer: dict[Language, SmsFooter] = Field(default_factory=dict, max_length=20)
    sms_answers: SmsAnswers = SmsAnswers()
    categories: Categories = ()
    automation: Automation = Automation()
    quiet_hours: QuietSettings = Field(default_factory=dict)
    quiet_release_minutes: int = Field(default=30, ge=0, le=12 * 60)
    quiet_hold_seconds: int = Field(default=86_400, ge=3600, le=30 * 86_400)
    frequency_caps: FrequencyCaps = Field(default_factory=dict)
    channels: Choices = Field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """Only what the request named."""
        return self.model_dump(exclude_unset=True)


class SettingsView(Settings, View):
    """The settings, and the tenant's rate limits by class in requests a minute, which only the operator changes."""

    limits: dict[str, int]


_kept: dict[str, tuple[float, Settings]] = {}


def of(tenant: str) -> Settings:
    """The tenant's settings, at most a minute old. Needs `reads=(Tenant,)`. Raises NotFound."""
    until, kept = _kept.get(tenant, (0.0, None))
    if kept is None or time.monotonic() >= until:
        kept = parsed(stored(tenant))
        if len(_kept) > 1000:
            _kept.clear()
        _kept[tenant] = (time.monotonic() + KEPT_SECONDS, kept)
    return kept


def fresh(tenant: str) -> Settings:
    """The settings as they are now: for what is frozen when a campaign is launched. Raises NotFound."""
    return parsed(stored(tenant))


def stored(tenant: str) -> Tenant:
    """The tenant's row as it is now. Raises NotFound."""
    row = Tenant.fetch(*Tenant.key(tenant))
    if row is None:
        raise NotFound("There is no such tenant.")
    return row


def parsed(row: Tenant) -> Settings:
    """The settings on a tenant's row."""
    return Settings.model_validate(row.settings or {})


def forget() -> None:
    """Drop what this instance keeps (the function that changes settings does so for itself; tests between cases)."""
    _kept.clear()


def change(tenant: str, wanted: SettingsChange, holding: Callable[[Transaction], object] | None = None) -> Tenant:
    """Merge into the stored settings; null takes one away. `holding` adds to the transaction what must be true of other
    items: if it is not, that is a TransactionRefused. Raises NotFound."""

    def merged() -> Tenant:
        row = stored(tenant)
        before, said = row.settings or {}, wanted.said()
        if "channels" in said:
            said["channels"] = _without_nulls({**before.get("channels", {}), **said["channels"]})
        action = Tenant.settings.set(_without_nulls({**before, **said}))
        if holding is None:
            row.change(action, unchanged=True)
            return row
        transaction = Transaction().update(Tenant, row.pk, row.sk, [action], row.unchanged())
        holding(transaction)
        try:
            transaction.commit()
        except TransactionRefused as error:
            if error.found[0] is not None:  # somebody else has changed them
                raise ConditionFailed(error.found[0]) from error
            raise
        return stored(tenant)

    row = retried(merged)
    forget()
    return row


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def view(row: Tenant, limits: dict[str, int]) -> SettingsView:
    return SettingsView.model_validate({**parsed(row).model_dump(), "limits": limits})
