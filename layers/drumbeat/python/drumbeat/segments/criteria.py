"""Criteria: conditions, and groups of them. This is also what the API's document says of them (`REFERENCE`).

A group is `{"logic": "AND" | "OR", "conditions": [a condition or group, …]}`; NOT takes one. At most 10 groups deep and
100 conditions. A plain mapping of fields to values is short for "each field has its value" (a list: one of them). A
condition is one of:

    {"field": "customer_lifetime_value", "operator": "greater_than", "value": 50000}
    {"consent": "email", "status": "granted"}
    {"tag": "vip", "operator": "is_not_set"}
    {"segment": "seg_…"}
    {"event": "purchase", "count": {"operator": "greater_or_equal", "value": 2}, "within_days": 30}
    {"event": "purchase", "where": [{"field": "category", "operator": "equals", "value": "shoes"}],
     "aggregate": {"function": "sum", "property": "value", "operator": "greater_than", "value": 100}}
    {"campaign": "cmp_…", "activity": "opened", "operator": "not_performed"}
    {"sample_percent": 10, "from_percent": 20, "salt": "spring"}
    {"near": {"latitude": 23.81, "longitude": 90.41}, "within_km": 25}

**Fields** are a contact's own (email, phone, first_name, last_name, language, time_zone, country, external_id, tags,
created_at, updated_at), what its purchases say (first_purchase_date, last_purchase_date, customer_lifetime_value,
total_orders, avg_order_value), and attributes by name, with dots into what is nested. Their operators:

    text      equals not_equals in not_in contains not_contains starts_with not_starts_with ends_with not_ends_with,
              and those of numbers, for a text that is one
    number    equals not_equals in not_in greater_than greater_or_equal less_than less_or_equal between
    date      before after on, those of numbers, within_days not_within_days within_next_days older_than_days
              anniversary_within_days age_between (whole years since)
    list      equals not_equals in not_in contains not_contains: of any of its elements
    any       is_set is_not_set is_true is_false

Attributes may hold anything and take all operators. Text compares without case; there are no patterns. A missing value
(null, blank text, an empty list) fails every operator but is_not_set and the negative ones (not_…). Days are calendar
days in the tenant's time zone, today included: `within_days: 1` is today.

**Events** count by `count` (at least once without it) in a window of `within_days`, or between the days `after` and
`before`, on `weekdays` (mon to sun); `operator` may be not_performed. `where` has conditions on the events' properties,
`occurrence` (first, last) looks at one of them, `aggregate` is the sum, avg, min or max of a property. What single
events say is known for 395 days. **Campaigns**: sent, delivered, opened, clicked (by people), bounced, complained,
unsubscribed. **Samples** are fixed shares of all contacts: with one salt, ranges that do not overlap have nobody in
common, and a larger share contains a smaller one. **Places** are the attributes latitude and longitude, or those below
the attribute `at`.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from drumbeat.segments.behaviour import CampaignCondition, EventCondition
from drumbeat.segments.conditions import (
    ConsentCondition,
    FieldCondition,
    LocationCondition,
    SampleCondition,
    SegmentCondition,
    TagCondition,
)
from drumbeat.segments.facts import Facts


class Group(BaseModel):
    """`AND` of no conditions is everyone; only the root can be that."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    logic: Literal["AND", "OR", "NOT"]
    conditions: tuple["Group | Leaf", ...]

    def holds(self, facts: Facts, today: date, zone: ZoneInfo) -> bool:
        if self.logic == "AND":
            return all(part.holds(facts, today, zone) for part in self.conditions)
        held = any(part.holds(facts, today, zone) for part in self.conditions)
        return not held if self.logic == "NOT" else held

    def leaves(self) -> Iterator["Leaf"]:
        for part in self.conditions:
            if isinstance(part, Group):
                yield from part.leaves()
            else:
                yield part


Leaf = (
    FieldCondition
    | ConsentCondition
    | TagCondition
    | EventCondition
    | CampaignCondition
    | SegmentCondition
    | SampleCondition
    | LocationCondition
)
Criteria = Group
"""A parsed tree. Only `parse` checks its size."""

REFERENCE = (__doc__ or "").split("\n\n", 1)[-1].strip()
"""What may be said, in Markdown."""

# By the key that only this kind has.
KINDS: Mapping[str, type[Leaf]] = {
    "field": FieldCondition, "consent": ConsentCondition, "tag": TagCondition, "event": EventCondition,
    "campaign": CampaignCondition, "segment": SegmentCondition, "sample_percent": SampleCondition,
    "near": LocationCondition,
}  # fmt: skip
