"""A contact's consent as the API shows it: every entry of the ledger, and whether the chain is whole."""

from datetime import datetime

from drumbeat.contacts import chain, ledger, model
from drumbeat.contacts.ledger import Entry
from drumbeat.contacts.model import Contact
from drumbeat.contacts.opt_in import model as opt_in
from drumbeat.contacts.opt_in.model import ConfirmationView, OptIn
from drumbeat.contacts.views import ConsentView
from drumbeat.errors import NotFound
from drumbeat.fields import Instant, View

READS = (Contact, Entry, OptIn)


class StatementView(ConsentView):
    """What was said of one channel."""

    channel: str


class EvidenceView(View):
    """Who said it, as far as it was known: the addresses at that time, and where the answer came from."""

    email: str | None = None
    phone: str | None = None
    ip: str | None = None
    user_agent: str | None = None


class EntryView(View):
    """An entry of the ledger. `evidence` is null when there was none, or when it was erased (`redacted_at`). `ends` is
    `deleted` on the last entry of a contact that was deleted."""

    number: int
    statements: list[StatementView]
    recorded_at: Instant
    actor: str | None
    cause: str | None
    evidence: EvidenceView | None
    redacted_at: Instant | None
    ends: str | None
    hash: str


class FaultView(View):
    """Where the chain does not hold, and what is wrong there."""

    number: int
    fault: str
    means: str


class HistoryView(View):
    """`verified` says that the chain of entries is whole; otherwise `broken` names the first that is not."""

    contact_id: str
    deleted: bool
    consent: dict[str, ConsentView]
    confirmation: ConfirmationView | None
    verified: bool
    broken: FaultView | None
    entries: list[EntryView]


def show(tenant: str, contact_id: str, now: datetime) -> HistoryView:
    """The history, also of a contact that was deleted. Raises NotFound for one that never was. Reads `READS`."""
    contact = model.find(tenant, contact_id)
    entries = ledger.history(tenant, contact_id)
    if contact is None and not entries:
        raise NotFound("There is no such contact. List contacts, or look one up by email, phone or external_id.")
    broken = chain.first_fault(tenant, contact_id, entries, contact)
    held = (contact.consent or {}) if contact else ledger.state(entries)
    asked = opt_in.find(tenant, contact.email) if contact and contact.email else None
    return HistoryView(
        contact_id=contact_id,
        deleted=contact is None,
        consent={channel: ConsentView.model_validate(said) for channel, said in held.items()},
        confirmation=opt_in.view(asked, now) if asked and asked.contact == contact_id else None,
        verified=broken is None,
        broken=FaultView(number=broken.number, fault=broken.fault, means=broken.means) if broken else None,
        entries=[_entry(made) for made in entries],
    )


def _entry(made: Entry) -> EntryView:
    known = {name: value for name, value in (made.personal or {}).items() if name != "salt"}
    return EntryView(
        number=made.number,
        statements=[StatementView.model_validate(one) for one in made.statements],
        recorded_at=made.recorded_at,
        actor=made.actor,
        cause=made.cause,
        evidence=EvidenceView(**known) if known else None,
        redacted_at=made.redacted_at,
        ends=made.ends,
        hash=made.hash.hex(),
    )
