"""What requests say of segments, and what answers show."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from drumbeat.contacts.views import ContactView, Email, ExternalReference, Reference
from drumbeat.fields import Attributes, Body, Instant, Listing, Name, Page, Text, View
from drumbeat.segments.criteria import REFERENCE

MOST_NAMED = 1_000
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Names = Annotated[dict[LanguageTag, Name], Field(max_length=20)]
Description = Annotated[Text, StringConstraints(max_length=2000)]
Type = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Sort = Literal[
    "customer_lifetime_value_desc", "customer_lifetime_value_asc", "total_orders_desc", "total_orders_asc",
    "avg_order_value_desc", "avg_order_value_asc", "first_purchase_date_desc", "first_purchase_date_asc",
    "last_purchase_date_desc", "last_purchase_date_asc", "name_desc", "name_asc",
    "since_desc", "since_asc", "joined_desc", "joined_asc",
]  # fmt: skip


class NewSegment(Body):
    """A segment. `names` are its names in other languages, by language.

    A dynamic segment follows its criteria; a static one (`dynamic: false`) has those who match when it is made, or
    without criteria nobody, and then whom you add. With `double_opt_in` whom you add, and who has said nothing about
    e-mail, gets a mail that asks.
    """

    name: Name
    names: Names = Field(default_factory=dict)
    description: Description | None = None
    segment_type: Type | None = None
    dynamic: bool = True
    double_opt_in: bool = False
    criteria: Attributes | None = Field(default=None, validate_default=True, description=REFERENCE)

    @field_validator("double_opt_in")
    @classmethod
    def _of_a_list(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("dynamic", True):
            raise PydanticCustomError("double_opt_in", "is for lists: say `dynamic: false`")
        return value

    @field_validator("criteria")
    @classmethod
    def _defined(cls, value: dict[str, Any] | None, info: ValidationInfo) -> dict[str, Any] | None:
        if value is None and info.data.get("dynamic", True):
            raise PydanticCustomError("criteria", "is needed; a list without criteria says `dynamic: false`")
        return value


class SegmentChange(Body):
    """What changes; fields that are left out stay. New criteria evaluate all contacts again."""

    name: Name | None = None
    names: Names | None = None
    description: Description | None = None
    segment_type: Type | None = None
    criteria: Attributes | None = None

    @field_validator("name", "criteria")
    @classmethod
    def _kept(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("cannot be removed; leave it out to keep it")
        return value


class SegmentView(View):
    """A segment. While `state` is building, its members are still being found.

    `member_count` and the figures are true at `counted_at`; money is in major units of the tenant's `currency`.
    `growth_rate` is the growth in 30 days (or since the first day's count) as a fraction; null before there are two.
    """

    id: str
    name: str
    names: dict[str, str]
    description: str | None
    segment_type: str | None
    dynamic: bool
    double_opt_in: bool
    criteria: JsonValue
    slug: str | None
    state: str
    version: int
    member_count: int
    counted_at: Instant | None
    growth_rate: float | None
    avg_customer_lifetime_value: float | int
    avg_order_value: float | int
    currency: str
    created_by: str | None
    created_at: Instant
    updated_at: Instant


class MembersQuery(Listing):
    """`sort` and `page` work for segments of at most 100,000 members; who lacks the value comes last. `joined` is
    `since`. `insights` adds what the members have in common.

    `on` lists who was in the segment on a past day (at its end, in the tenant's zone) or at a time (ISO 8601), in the
    order of ids; what is shown of a contact is of today.
    """

    sort: Sort | None = None
    insights: bool = False
    on: Annotated[str, StringConstraints(max_length=40)] | None = None


class MembersNamed(Body):
    """Contacts, by their ids, e-mail addresses or your own ids; at most 1,000 in all."""

    contact_ids: list[Reference] = Field(default_factory=list, max_length=MOST_NAMED)
    emails: list[Email] = Field(default_factory=list, max_length=MOST_NAMED)
    external_ids: list[ExternalReference] = Field(default_factory=list, max_length=MOST_NAMED)

    @model_validator(mode="after")
    def _some(self) -> "MembersNamed":
        if not 1 <= len(self.contact_ids) + len(self.emails) + len(self.external_ids) <= MOST_NAMED:
            raise ValueError(f"must name 1 to {MOST_NAMED:,} contacts by contact_ids, emails or external_ids")
        return self


class MembersAdded(View):
    """What became of the named contacts; `unknown` are the names that no contact has. `asked_to_confirm` get a mail
    that asks, of a list with double opt-in. Of the unknown, the `awaited` will be added when their profiles have been
    read from the customer system."""

    added: int
    already_members: int
    asked_to_confirm: int
    unknown: list[str | int]
    awaited: list[str | int] = []


class MembersRemoved(View):
    """What became of the named contacts; `unknown` are the names that no contact has."""

    removed: int
    not_members: int
    unknown: list[str | int]


class MemberView(View):
    """A member: the contact, since when it belongs to the segment, and its purchases, which attributes tell where no
    purchase events do. In a list of the past, `left_at` says when it left, and a contact that was deleted is null."""

    contact_id: str
    since: Instant
    left_at: Instant | None = None
    customer_lifetime_value: float | int | None
    total_orders: int | None
    avg_order_value: float | int | None
    last_purchase_date: str | None
    contact: ContactView | None


class Insights(View):
    """What members have in common. `top_categories` come from the purchases of a sample of members; channels are those
    with consent, the most frequent first; an order frequency of `none` means that nobody has bought twice."""

    avg_customer_lifetime_value: float | int
    avg_order_value: float | int
    avg_order_frequency: str
    top_categories: list[str]
    preferred_communication_channels: list[str]
    as_of: Instant


class Members(Page[MemberView]):
    """One page of members. `on` is the moment that a list of the past is of, `version` the definition of then."""

    insights: Insights | None = None
    on: Instant | None = None
    version: int | None = None


class MembershipQuery(Body):
    """A past day (its end, in the tenant's zone) or time, ISO 8601; now when it is left out."""

    on: Annotated[str, StringConstraints(max_length=40)] | None = None


class StayView(View):
    """A time in a segment; `left_at` is null while it lasts."""

    joined_at: Instant
    left_at: Instant | None


class MembershipView(View):
    """Whether a contact was in a segment at the moment `on`, by which definition, and all times that it was in it."""

    segment_id: str
    contact_id: str
    on: Instant
    member: bool
    version: int | None
    stays: list[StayView]


class VersionView(View):
    """A definition of a segment, and when it was in force; `until` is null for today's."""

    version: int
    criteria: JsonValue
    since: Instant
    until: Instant | None


class Part(View):
    """A condition or a group, whether it held, and what the contact has."""

    path: str
    condition: dict[str, JsonValue]
    held: bool
    actual: JsonValue = None
    parts: list["Part"] = []


class ExplanationView(View):
    """Why a contact is in a segment or not. `member` is what is stored, `matches` what the criteria say now: they
    differ for the moments until a change is worked in, and a static segment does not follow its criteria."""

    segment_id: str
    contact_id: str
    member: bool
    since: Instant | None
    matches: bool
    next_change: Instant | None
    explanation: Part


class PreviewRequest(Body):
    """Criteria to try, as those of a segment."""

    criteria: Attributes


class Estimate(View):
    """How many of `total_contacts` match, from a sample; with 95 % confidence it is between `low` and `high`."""

    estimate: int
    low: int
    high: int
    margin_of_error: int
    sample_size: int
    total_contacts: int
    exact: bool


class PreviewView(View):
    """An estimate at once, and the job that counts exactly."""

    job_id: str
    estimate: Estimate


class CountView(View):
    """A counting job. `count` is exact when `state` is done; until then it is what was found so far."""

    job_id: str
    state: Literal["running", "done"]
    count: int
    evaluated: int
    total_contacts: int
    created_at: Instant
    finished_at: Instant | None
