"""What requests say of a contact, and what answers show."""

import functools
import ipaddress
import re
import zoneinfo
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, StrictInt, StringConstraints, field_validator

from drumbeat.contacts import addresses
from drumbeat.contacts.preferences import PreferencesChange, PreferencesView
from drumbeat.fields import Attributes, Body, Country, Instant, Listing, Name, Text, View

MOST_ATTRIBUTES = 200
MOST_ATTRIBUTE_NAME = 64
MOST_TAGS = 100
Channel = Literal["email", "sms", "push"]
CHANNELS: tuple[Channel, ...] = ("email", "sms", "push")
Status = Literal["granted", "revoked"]
Standing = Literal["granted", "revoked", "pending", "expired"]
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


@functools.lru_cache(maxsize=1024)
def time_zone(name: str) -> str:
    """A zone of the IANA database. Raises ValueError."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("must be a time zone such as Asia/Dhaka") from error
    return name


def language(tag: str) -> str:
    """A language tag in the shape of BCP 47, as it came. Raises ValueError."""
    if not _LANGUAGE.fullmatch(tag) or len(tag) > 35:
        raise ValueError("must be a language tag such as en, bn or pt-BR")
    return tag


def ip_address(text: str) -> str:
    """An IPv4 or IPv6 address. Raises ValueError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be an IP address such as 203.0.113.7") from None


def named(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Attributes whose names and number are within the limits. Raises ValueError."""
    if len(attributes) > MOST_ATTRIBUTES:
        raise ValueError(f"must be at most {MOST_ATTRIBUTES} attributes")
    for name in attributes:
        if not 1 <= len(name) <= MOST_ATTRIBUTE_NAME:
            raise ValueError(f"must have names of 1 to {MOST_ATTRIBUTE_NAME} characters, not {name[:70]!r}")
    return attributes


Tag = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS)]
IpAddress = Annotated[str, StringConstraints(strip_whitespace=True, max_length=45), AfterValidator(ip_address)]
Named = Annotated[Attributes, AfterValidator(named)]
TimeZone = Annotated[str, AfterValidator(time_zone)]
Language = Annotated[str, AfterValidator(language)]
Email = Annotated[Text, AfterValidator(addresses.email)]
Phone = Annotated[
    Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=40), AfterValidator(addresses.phone_shaped)
]
"""A telephone number as it was dialled; it becomes E.164 when the default country is known (`model.add`). What is no
number in any country is refused here, together with the body's other fields."""

ExternalId = StrictInt | Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Reference = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
ExternalReference = Annotated[StrictInt, Field(gt=-(2**53), lt=2**53)] | Reference


class NewConsent(Body):
    """What a person said about messages of one channel, when (now, unless `at` says so), where and how."""

    status: Status
    source: Name | None = None
    method: Name | None = None
    at: Instant | None = None


class ConsentStatement(NewConsent):
    """A statement of consent for one channel. `ip` and `user_agent` say where the person made it: evidence, which the
    ledger keeps until the person is erased."""

    channel: Channel
    ip: IpAddress | None = None
    user_agent: Annotated[Text, StringConstraints(max_length=512)] | None = None


class ContactFields(Body):
    """What can be said of a contact. On a change, null removes. With `tracking` false, mails to this person have no
    pixel, and links that lead straight to their targets."""

    email: Email | None = None
    phone: Phone | None = None
    push_token: Annotated[Text, StringConstraints(min_length=1, max_length=4096)] | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    external_id: ExternalId | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    country: Country | None = None
    tracking: bool | None = None
    preferences: PreferencesChange | None = None

    @field_validator("external_id")
    @classmethod
    def _short(cls, value: int | str | None) -> int | str | None:
        if isinstance(value, int) and not -(2**53) < value < 2**53:
            raise ValueError("must be a number of at most 53 bits; send longer ones as text")
        return value


class NewContact(ContactFields):
    """A person. Only `email`, `phone` and `external_id` must be no one else's of the tenant."""

    tags: Tags = Field(default_factory=list)
    attributes: Named = Field(default_factory=dict)
    consent: dict[Channel, NewConsent] = Field(default_factory=dict)

    @field_validator("attributes")
    @classmethod
    def _without_nulls(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        return {name: held for name, held in value.items() if held is not None}


class ContactChange(ContactFields):
    """What changes: fields that are left out stay, null removes, attributes are merged one by one. Consent has its own
    request, as it needs its evidence."""

    tags: Tags | None = None
    attributes: Named | None = None


class TagChange(Body):
    """Tags to add and to remove; one in both is removed."""

    add: Tags = Field(default_factory=list)
    remove: Tags = Field(default_factory=list)


class ConsentView(View):
    """The last statement for a channel. `pending` waits for the owner of the address to confirm (double opt-in),
    `expired` was not confirmed in time."""

    status: Standing
    at: Instant
    source: str | None
    method: str | None


class ContactView(View):
    """A contact. Money is in the contact's `currency`; facts of purchases come from `purchase` events."""

    id: str
    email: str | None
    phone: str | None
    push_token: str | None
    first_name: str | None
    last_name: str | None
    external_id: int | str | None
    language: str | None
    time_zone: str | None
    country: str | None
    tracking: bool
    tags: list[str]
    attributes: dict[str, Any]
    preferences: PreferencesView
    consent: dict[str, ConsentView]
    customer_lifetime_value: float | int
    currency: str | None
    total_orders: int
    avg_order_value: float | int
    first_purchase_at: Instant | None
    last_purchase_at: Instant | None
    created_at: Instant
    updated_at: Instant


class ContactQuery(Listing):
    """Filters. `email`, `phone` and `external_id` are looked up; `tag` reads the list."""

    email: str | None = None
    phone: str | None = None
    external_id: str | None = None
    tag: str | None = None
