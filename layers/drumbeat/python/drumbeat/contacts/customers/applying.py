"""What the customer system told becomes the contact's.

Things may be told twice, late and in any order. So each has a place in time (when it happened there, and its event's
id), and the customer's row keeps for each field the place of what is in force: what is older changes nothing. The row
and the contact change in one transaction. A consent has its own time, on the contact, and the person may have said
something here since: see `_takes_back` and `profiles.verdict`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pynamodb.expressions.update import Action

from drumbeat import clock, counts, ids, table
from drumbeat.accounts.model import Tenant
from drumbeat.contacts import changes, consent, model, preferences
from drumbeat.contacts.customers import meaning
from drumbeat.contacts.customers import model as customers
from drumbeat.contacts.customers.meaning import SOURCE, Told
from drumbeat.contacts.customers.model import Customer, State
from drumbeat.contacts.customers.profiles import Profile
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import Channel
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

# The other system's clock may be behind ours by so much. Of a consent here and its withdrawal there that are not
# further apart, the withdrawal is taken for the later one.
SKEW = timedelta(minutes=5)
# What a function that applies what was told declares.
READS = (Tenant,)
WRITES = (*model.WRITES, *consent.WRITES, Customer)

What = Literal["created", "updated", "unchanged", "unknown"]


def apply(told: Told) -> What:
    """Make it so. `unknown`: there is no contact yet, and not enough was told to make one. Again changes nothing."""
    return table.retried(lambda: _once(told))


def _once(told: Told) -> What:
    row = customers.find(told.tenant, told.customer)
    contact = model.find_by_external_id(told.tenant, told.customer) or _same_person(told)
    after, fresh = _noted(told, row), _fresh(told, row)
    if contact is None and not (told.profile.says_who or told.fetched):
        _keep(row, after)
        return "unknown"
    if contact is None:
        _create(told, fresh, row, after)
        return "created"
    if _revoke(told, fresh, row, contact):
        contact = model.find(told.tenant, contact.contact_id)
        if contact is None:  # deleted just now: the next look finds nobody
            raise ConditionFailed(None)
    steps = changes.Steps(contact, _wanted(contact, told, fresh, after), clock.business(), told.evidence)
    transaction = Transaction()
    if steps.actions:
        steps.into(transaction)
    for channel in meaning.granted(contact.consent or {}, told, after):
        at = customers.moment(told.place)
        consent.lift_into(transaction, consent.opt_out_before(contact, channel, at))
    _row_into(transaction, row, after, told)
    _commit(transaction)
    return "updated" if steps.actions else "unchanged"


def _revoke(told: Told, fresh: Profile, row: Customer | None, contact: Contact) -> bool:
    """Record that the person wants no more messages of a channel, by its own words or by its profile. First of all, and
    whatever becomes of the rest. Whether anything was recorded."""
    withdrawn: dict[Channel, str] = {}
    at = customers.moment(told.place)
    for channel, held in (contact.consent or {}).items():
        if held.get("status") != "revoked" and _takes_back(told, channel, held, row):
            withdrawn[channel] = "event"
        elif held.get("status") == "granted" and fresh.opt_ins.get(channel) is False and held["at"] < clock.iso(at):
            withdrawn[channel] = "profile"
    for channel, method in withdrawn.items():
        consent.revoke(
            told.tenant, contact, channel, reason=None, method=method, source=SOURCE, at=at,
            cause=told.evidence.cause or "", evidence=told.evidence,
        )  # fmt: skip
    return bool(withdrawn)


def _takes_back(told: Told, channel: Channel, held: Mapping[str, Any], row: Customer | None) -> bool:
    """Whether a withdrawal holds against the consent on record: unless that one was clearly given later, by this
    system's own clock, or here, by more than clocks may differ. One that was heard before is over."""
    before = (row.said or {}).get(channel) if row else None
    if told.said.get(channel) != "revoked" or (before and told.place <= before[1]):
        return False
    margin = timedelta() if held.get("source") == SOURCE else SKEW
    return clock.parse(held["at"]) <= customers.moment(told.place) + margin


def _same_person(told: Told) -> Contact | None:
    """Who has the customer's address already, and no id of the other system."""
    email = told.profile.values.get("email")
    found = model.find_by_email(told.tenant, email) if email else None
    return found if found is not None and not found.external_id else None


def _noted(told: Told, row: Customer | None) -> Customer:
    """The customer's row as it is to be after this."""
    after = customers.new(told.tenant, told.customer, State.KNOWN, is_number=told.is_number)
    after.fields, after.said = dict(row.fields or {}) if row else {}, dict(row.said or {}) if row else {}
    for channel, status in told.said.items():
        held = after.said.get(channel)
        if held is None or told.place > held[1]:
            after.said[channel] = [status, told.place]
    return after


def _fresh(told: Told, row: Customer | None) -> Profile:
    """What of the profile is newer than what is in force."""
    held, profile = (row.fields or {}) if row else {}, told.profile
    new = Profile(
        values={name: value for name, value in profile.values.items() if customers.later(told.place, held, name)},
        at=profile.at,
    )
    if customers.later(told.place, held, "attributes"):
        new.attributes = profile.attributes
    if customers.later(told.place, held, "preferences"):
        new.opt_ins, new.frequency, new.categories = profile.opt_ins, profile.frequency, profile.categories
    return new


def _places(after: Customer, fresh: Profile, place: str) -> None:
    """Note what is in force from this place on."""
    told = [*fresh.values, *(["attributes"] if fresh.attributes is not None else [])]
    if fresh.opt_ins or fresh.frequency or fresh.categories is not None:
        told.append("preferences")
    after.fields = {**after.fields, **dict.fromkeys(told, place)}


def _wanted(contact: Contact, told: Told, fresh: Profile, after: Customer) -> dict[str, Any]:
    """The values that the contact is to have. Notes in `after` what of the profile is in force."""
    values = meaning.usable(told.tenant, fresh.values, contact)
    if fresh.attributes is not None:
        values["attributes"] = meaning.attributes(contact.attributes or {}, fresh.attributes)
    if not contact.external_id:
        values |= {"external_id": told.customer, "external_id_is_number": told.is_number or None}
    chosen = meaning.preferred(told, fresh)
    if chosen is not None:
        values["preferences"] = preferences.merged(contact.preferences, chosen)
    opted = meaning.consents(contact.consent or {}, told, fresh, after)
    if opted != (contact.consent or {}):
        values["consent"] = opted
    _places(after, fresh, told.place)
    return values


def _create(told: Told, fresh: Profile, row: Customer | None, after: Customer) -> None:
    """A new contact, with what is known of its consent from its first moment on."""
    contact_id, now = ids.new("con"), clock.business()
    values = {
        name: value for name, value in meaning.usable(told.tenant, fresh.values, None).items() if value is not None
    }
    chosen = meaning.preferred(told, fresh)
    contact = Contact(
        *Contact.key(told.tenant, contact_id), gsi1pk=Contact.partition_of(told.tenant, contact_id), gsi1sk=contact_id,
        tenant=told.tenant, contact_id=contact_id, external_id=told.customer,
        external_id_is_number=told.is_number or None, attributes=meaning.attributes({}, fresh.attributes or {}),
        preferences=preferences.merged(None, chosen) if chosen else None,
        consent=meaning.first_consents(told, fresh, after), created_at=now, updated_at=now, **values,
    )  # fmt: skip
    _places(after, fresh, told.place)
    entry = model.first_entry(contact, told.evidence)
    transaction = Transaction().create(contact)
    for claim in model.claims(contact):
        transaction.create(claim)
    counts.into(transaction, told.tenant, model.KIND, contact_id, 1)
    if entry:
        transaction.create(entry)
    _row_into(transaction, row, after, told)
    _commit(transaction)


def _row_into(transaction: Transaction, row: Customer | None, after: Customer, told: Told) -> None:
    """Put the customer's row into a transaction, if nobody wrote it since it was read. Only a profile that was read
    ends the wait for one."""
    if row is None:
        transaction.create(after)
        return
    actions: list[Action] = [Customer.fields.set(after.fields), Customer.said.set(after.said)]
    if told.fetched:
        actions += [Customer.tries.set(0), Customer.reason.remove(), Customer.granted.remove(), *customers.not_due()]
    if told.fetched or row.gsi2pk is None:
        actions.append(Customer.state.set(State.KNOWN.value))
    transaction.update(Customer, row.pk, row.sk, actions, row.unchanged())


def _keep(row: Customer | None, after: Customer) -> None:
    """Note what was said of somebody whom we do not have."""
    if row is None:
        after.state = State.WANTED.value
        after.create()
    elif row.said != after.said:
        row.change(Customer.said.set(after.said), unchanged=True)


def _commit(transaction: Transaction) -> None:
    """Raises ConditionFailed when something of it was changed, or claimed, meanwhile."""
    try:
        transaction.commit()
    except TransactionRefused as refused:
        raise ConditionFailed(None) from refused
