"""When and how often people get marketing: the tenant's hours by channel, and its caps.

Hours are what a tenant adds to the rules of its recipients' countries (drumbeat.sends.moment.packs): a message leaves
when both allow it, so they can only be stricter. Who is to be written to outside of the rules needs `override`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from drumbeat.accounts.channel_choices import ChannelName
from drumbeat.fields import Body, Country, Text

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Where laws speak of hours, so that doing without them has to be answered for.
REGULATED = frozenset({"sms"})
# Where hours are kept although a tenant has said nothing.
USUAL = frozenset({"sms", "push"})


Clock = Annotated[str, StringConstraints(pattern=r"^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$")]
"""A time of a clock on the wall: `09:00`; `24:00` is the end of the day."""

Day = Literal["every_day", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Reason = Annotated[Text, StringConstraints(strip_whitespace=True, min_length=10, max_length=500)]


def minutes(clock: str) -> int:
    """Minutes since midnight."""
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)


class Window(Body):
    """Hours of a day in which messages may leave, of the recipient's clock: from `opens` until before `closes`."""

    opens: Clock
    closes: Clock

    @model_validator(mode="after")
    def _in_order(self) -> "Window":
        if minutes(self.opens) >= minutes(self.closes):
            raise ValueError("must close later than it opens; hours over midnight are those of two days")
        return self


Hours = Mapping[Day, Window | None]
"""Hours by weekday, or of `every_day` without hours of its own. Null: nothing leaves on such a day. A day that is not
named is left to the rules of the recipient's country."""


class QuietHours(Body):
    """When messages of a channel may leave. `countries` are stricter hours for recipients there.

    Without `country_rules` only the tenant's own hours count. For SMS that needs `override`: the reason why the rules
    of the recipients' countries do not bind these messages.
    """

    country_rules: bool = True
    hours: dict[Day, Window | None] = Field(default_factory=dict)
    countries: dict[Country, dict[Day, Window | None]] = Field(default_factory=dict, max_length=250)
    override: Reason | None = None


def _answered_for(said: dict[str, QuietHours]) -> dict[str, QuietHours]:
    for name, hours in said.items():
        if name in REGULATED and not hours.country_rules and hours.override is None:
            raise ValueError(f"needs {name}.override, the reason why country rules do not bind these messages")
    return said


class FrequencyCap(Body):
    """How many marketing messages of a channel a person gets at most, from all campaigns and journeys together, in any
    24 hours and in any seven days."""

    per_day: Annotated[int, Field(ge=1, le=1000)] | None = None
    per_week: Annotated[int, Field(ge=1, le=1000)] | None = None


QuietSettings = Annotated[dict[ChannelName, QuietHours], AfterValidator(_answered_for)]
FrequencyCaps = dict[ChannelName, FrequencyCap]


def quiet_hours(own: Mapping[str, Any] | None, name: str) -> dict[str, Any] | None:
    """The hours of a channel as they are frozen with a send: the tenant's own, else the usual ones; None for none."""
    if own is not None:
        return dict(own)
    return QuietHours().model_dump() if name in USUAL else None
