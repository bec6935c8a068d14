"""What requests say of segments, and what answers show."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints, field_validator

from drumbeat.contacts.views import ContactView
from drumbeat.fields import Attributes, Body, Instant, Listing, Name, Page, Text, View

LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Names = Annotated[dict[LanguageTag, Name], Field(max_length=20)]
Description = Annotated[Text, StringConstraints(max_length=2000)]
Type = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Sort = Literal[
    "customer_lifetime_value_desc", "customer_lifetime_value_asc", "total_orders_desc", "total_orders_asc",
    "last_purchase_date_desc", "last_purchase_date_asc", "since_desc", "since_asc",
]  # fmt: skip


class NewSegment(Body):
    """A segment. `names` are its names in other languages, by language.

    A dynamic segment follows its criteria; a static one has those who match when it is made. `criteria` are conditions
    and groups of them with `logic`, or a plain mapping of fields to the values that they must have.
    """

    name: Name
    names: Names = Field(default_factory=dict)
    description: Description | None = None
    segment_type: Type | None = None
    criteria: Attributes
    dynamic: bool = True


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
    """`sort` works for segments of at most 10,000 members. `insights` adds what the members have in common."""

    sort: Sort | None = None
    insights: bool = False


class MemberView(View):
    """A member: the contact, since when it belongs to the segment, and its purchases, which attributes tell where no
    purchase events do."""

    since: Instant
    customer_lifetime_value: float | int
    total_orders: int
    avg_order_value: float | int
    last_purchase_date: str | None
    contact: ContactView


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
    """One page of members."""

    insights: Insights | None = None


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
    """Criteria to try."""

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
