"""A contact as a row: the fields that can be asked for by name, and its attributes."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from drumbeat import clock
from drumbeat.accounts.settings import Settings
from drumbeat.contacts import preferences
from drumbeat.contacts.imports import preferred
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import CHANNELS
from drumbeat.segments import people

ATTRIBUTES = "attributes"
# As a field: a column for each attribute that any of the people has.
EACH_ATTRIBUTE = "attributes.*"
CONSENT = tuple(f"{channel}_consent{part}" for channel in CHANNELS for part in ("", "_at", "_source", "_method"))
PURCHASES = (
    "customer_lifetime_value", "currency", "total_orders", "avg_order_value", "first_purchase_date",
    "last_purchase_date",
)  # fmt: skip
PLAIN = (
    "email", "phone", "push_token", "first_name", "last_name", "external_id", "language", "time_zone", "country",
    "tracking",
)  # fmt: skip
FIELDS = (
    "id", *PLAIN, "tags", "consent", *CONSENT, "preferences", *preferred.FIELDS, *PURCHASES, "created_at",
    "updated_at", ATTRIBUTES,
)  # fmt: skip
# JSON has consent as an object by channel and preferences as one; tables have a column for each part of them.
ONLY_JSON, ONLY_TABLES = ("consent", "preferences"), (*CONSENT, *preferred.FIELDS)
# What an import of JSON lines takes for the contact itself, so that people can be carried on as they are.
IMPORTABLE = (*PLAIN, "tags", "consent", "preferences", ATTRIBUTES)


def row(contact: Contact, settings: Settings) -> dict[str, Any]:
    """The contact by field. Money is in major units of `currency`; facts of purchases come from events, or from the
    attributes of those names where there were none (as segments see them)."""
    facts = people.facts_of(contact, settings, {})
    found = {
        "id": contact.contact_id,
        **{name: getattr(contact, name) for name in PLAIN},
        "tags": sorted(contact.tags or ()),
        "consent": contact.consent or {},
        **_consent(contact.consent or {}),
        **_preferences(contact),
        **{name: _shown(facts.value(name)) for name in PURCHASES},
        "currency": contact.currency,
        "created_at": clock.iso(contact.created_at),
        "updated_at": clock.iso(contact.updated_at),
        ATTRIBUTES: contact.attributes or {},
    }
    if contact.external_id and contact.external_id_is_number:
        found["external_id"] = int(contact.external_id)
    return found


def _consent(held: Mapping[str, Any]) -> dict[str, Any]:
    """`email_consent` is granted, revoked or nothing, beside when, where and how it was said."""
    told = {}
    for channel in CHANNELS:
        said = held.get(channel) or {}
        told[f"{channel}_consent"] = said.get("status")
        for part in ("at", "source", "method"):
            told[f"{channel}_consent_{part}"] = said.get(part)
    return told


def _preferences(contact: Contact) -> dict[str, Any]:
    """As answers show them; nothing for somebody who never said anything."""
    told = preferences.view(contact).model_dump(mode="json") if contact.preferences else {}
    return {"preferences": told, **{name: told.get(part) for part, name in preferred.OF_OBJECT.items()}}


def _shown(value: object) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return clock.iso(value) if isinstance(value, datetime) else value


def picked(row: Mapping[str, Any], name: str) -> Any:
    """The value of a field; `attributes.plan` and `attributes.address.city` reach into the attributes."""
    if not name.startswith(f"{ATTRIBUTES}."):
        return row.get(name)
    path = name.removeprefix(f"{ATTRIBUTES}.")
    found: Any = row.get(ATTRIBUTES) or {}
    if path in found:
        return found[path]
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
