"""What was told of a customer, and the values that a contact has from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drumbeat import clock
from drumbeat.accounts import settings
from drumbeat.contacts import addresses, changes, model
from drumbeat.contacts.customers import model as customers
from drumbeat.contacts.customers import profiles
from drumbeat.contacts.customers.model import Customer
from drumbeat.contacts.customers.profiles import Profile
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import Channel
from drumbeat.errors import Invalid
from drumbeat.logs import logger

# What consents and the ledger name as their source.
SOURCE = "customer_experience"


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a customer: at which place (`model.place`), the profile as far as it was told, and what the
    person itself has said of channels. A profile that was `fetched` is whole, and makes a contact even without an
    address."""

    tenant: str
    customer: str
    place: str
    profile: Profile = field(default_factory=Profile)
    said: Mapping[Channel, str] = field(default_factory=dict)
    is_number: bool = False
    fetched: bool = False

    @property
    def evidence(self) -> Evidence:
        return Evidence(SOURCE, self.place.partition("#")[2] or "profile")


def usable(tenant: str, values: Mapping[str, Any], contact: Contact | None) -> dict[str, Any]:
    """The fields without those that cannot be the contact's: a number that cannot be dialled, an address that another
    contact has."""
    found = dict(values)
    if found.get("phone"):
        country = found.get("country") or (contact.country if contact else None)
        try:
            found["phone"] = model.dialled(tenant, found["phone"], country)
        except Invalid:
            del found["phone"]
    for name in ("email", "phone"):
        address = found.get(name)
        owner = model.find_by_address(tenant, address) if address else None
        if owner is not None and (contact is None or owner.contact_id != contact.contact_id):
            logger.warning("a customer's address is another contact's", extra={"tenant": tenant, "field": name})
            del found[name]
    held = contact.email if contact else None
    if held and found.get("email") and addresses.claim(held) == addresses.claim(found["email"]):
        del found["email"]  # another spelling of the same address is nothing new
    return found


def attributes(held: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """What the contact has, and what was told; only the former when both are too many together."""
    try:
        return changes.merged(held, told)
    except Invalid:
        return dict(held)


def preferred(told: Told, fresh: Profile) -> dict[str, Any] | None:
    """Preferences as a contact stores them; None when nothing was told of them."""
    said: dict[str, Any] = {}
    if fresh.frequency:
        said["frequency"] = fresh.frequency
    if fresh.categories is not None:
        theirs = settings.of(told.tenant).categories
        said["refused"] = sorted(one.id for one in theirs if one.id not in fresh.categories)
    return {**said, "at": clock.iso(customers.moment(told.place))} if said else None


def consents(held: Mapping[str, Any], told: Told, fresh: Profile, after: Customer) -> dict[str, Any]:
    """The consents after what the person said, and after the profile's opt-ins."""
    at = customers.moment(told.place)
    found = dict(held)
    for channel, wanted in fresh.opt_ins.items():
        what = profiles.verdict(wanted, at, held.get(channel), SOURCE)
        if what == "grant" and after.said.get(channel, ["", ""])[0] == "revoked":
            what = None if after.said[channel][1] > told.place else what
        if what is not None:
            status = "granted" if what == "grant" else "revoked"
            found[channel] = {"status": status, "at": clock.iso(at), "source": SOURCE, "method": "profile"}
    for channel in granted(held, told, after):
        found[channel] = {"status": "granted", "at": clock.iso(at), "source": SOURCE, "method": "event"}
    return found


def granted(held: Mapping[str, Any], told: Told, after: Customer) -> list[Channel]:
    """The channels to which the person has said yes, in so many words, and later than whatever is on record."""
    at = clock.iso(customers.moment(told.place))
    return [
        channel
        for channel, status in told.said.items()
        if status == "granted" and after.said[channel] == ["granted", told.place]
        and (channel not in held or held[channel]["at"] < at)
    ]  # fmt: skip


def first_consents(told: Told, fresh: Profile, after: Customer) -> dict[str, Any]:
    """What the profile says, and over it what was said in events before there was a contact."""
    found = consents({}, told, fresh, after)
    for channel, (status, place_) in after.said.items():
        at = clock.iso(customers.moment(place_))
        held = found.get(channel)
        if held is None or at >= held["at"]:
            found[channel] = {"status": status, "at": at, "source": SOURCE, "method": "event"}
    return found
