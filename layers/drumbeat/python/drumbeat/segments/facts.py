"""What is known of one contact, and what the names in a condition mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from drumbeat.segments.operators import Kind
from drumbeat.segments.values import is_missing

# Names that are a contact's own fields, or facts kept from its purchases; every other name is an attribute.
BUILT_IN: Mapping[str, Kind] = {
    "email": "text", "phone": "text", "first_name": "text", "last_name": "text", "language": "text",
    "time_zone": "text", "country": "text", "external_id": "text", "tags": "list",
    "created_at": "date", "updated_at": "date", "first_purchase_date": "date", "last_purchase_date": "date",
    "customer_lifetime_value": "number", "total_orders": "number", "avg_order_value": "number",
}  # fmt: skip
ATTRIBUTES = "attributes."


@dataclass(frozen=True, slots=True)
class Happened:
    """One event of a contact: when, on which day of the tenant's zone, for which campaign, and what it says."""

    at: datetime
    day: date
    properties: Mapping[str, object] = field(default_factory=dict)
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one contact. Leave out what `references` doesn't name; what is left out counts as missing.

    `fields` has the built-in fields and purchase facts by name: money in major units (1500.50), times as ISO 8601 text
    or aware datetimes. `consents` is channel → status. `rollups` is event name → day → how often, where the day is the
    one in the tenant's zone when it happened; `happened` is event name → single events. `segments` has the ids of the
    segments that the contact is in.
    """

    contact_id: str
    fields: Mapping[str, object] = field(default_factory=dict)
    attributes: Mapping[str, object] = field(default_factory=dict)
    consents: Mapping[str, str] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    rollups: Mapping[str, Mapping[date, int]] = field(default_factory=dict)
    happened: Mapping[str, Sequence[Happened]] = field(default_factory=dict)
    segments: frozenset[str] = frozenset()

    def value(self, name: str) -> object:
        """A built-in field that is missing falls back to an attribute of that name: some tenants import them."""
        if name in BUILT_IN:
            found = self.tags if name == "tags" else self.fields.get(name)
            if not is_missing(found):
                return found
        name = name.removeprefix(ATTRIBUTES)
        found = self.attributes.get(name)
        return _nested(self.attributes, name) if found is None and "." in name else found


def _nested(values: Mapping[str, object], path: str) -> object:
    """`address.city` in {"address": {"city": …}}."""
    found: object = values
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
