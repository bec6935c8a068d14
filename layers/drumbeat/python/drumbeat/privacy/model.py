"""Requests of people about their data, and the links by which they make them.

pk                               sk         gsi1pk                gsi1sk   gsi2pk          gsi2sk
PRIVACY#<tenant>#<id>            PRIVACY    PRIVACIES#<tenant>    <id>     DUE#privacy#0   <wall time>   while it lasts
PRIVACYLINK#<tenant>#<contact>   <wish>     a link that was mailed to the person

A request keeps who asked, when, and how many rows of what there were. It has no personal data: of the person, only the
id that the contact had. A file with a person's data lies in `privacy/<tenant>/<folder>/data.json` for a week, where an
erasure finds it: `folder` is the contact's id, or a keyed hash of the address of somebody who is no contact.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from pydantic import model_validator
from pynamodb.attributes import JSONAttribute

from drumbeat import clock, files, ids, machines
from drumbeat.contacts import addresses, suppressions
from drumbeat.declare import Files, Machine, Queue
from drumbeat.errors import NotFound
from drumbeat.fields import Body, Instant, Text, View
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, UnicodeAttribute, index

FOLDER = Files("privacy")
# What a function that only shows something may do there.
READ_ONLY = Files("privacy", write=False)
PRIVACY = Machine("privacy")
LETTERS = Queue("privacy_letters")
DUE = "DUE#privacy#0"
LINK_SECONDS = 900
# How long files live; `infra.base_stack.TEMPORARY` says it to the bucket.
KEPT = timedelta(days=7)
# Longer than a round may run (wall time).
STALLED = timedelta(minutes=15)

Wish = Literal["data_export", "erasure"]
State = Literal["running", "done"]


class PrivacyRequest(Entity):
    """A request. `counts` says how many rows of what were found when it was made."""

    TYPE = "PRIVACY"
    LEDGER = True
    INDEX_TYPES = {"gsi1": "PRIVACIES", "gsi2": "DUE"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    listed = index(1)
    tenant = UnicodeAttribute()
    request_id = UnicodeAttribute()
    wish = UnicodeAttribute()
    contact = UnicodeAttribute(null=True)
    folder = UnicodeAttribute()
    state = UnicodeAttribute()
    looked = NumberAttribute(default=0)
    runs = NumberAttribute(default=0)
    counts = JSONAttribute(default=dict)
    requested_by = UnicodeAttribute()
    created_at = InstantAttribute()
    finished_at = InstantAttribute(null=True)
    expires_at = InstantAttribute(null=True)

    @staticmethod
    def key(tenant: str, request_id: str) -> tuple[str, str]:
        return f"PRIVACY#{tenant}#{request_id}", "PRIVACY"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"PRIVACIES#{tenant}"


class PrivacyLink(Entity):
    """A link that was mailed to a person. Its hash is stored; `request` is what came of it, once."""

    TYPE = "PRIVACYLINK"

    code_hash = UnicodeAttribute()
    cause = UnicodeAttribute()
    mailed_at = InstantAttribute()
    expires_at = InstantAttribute()
    request = UnicodeAttribute(null=True)
    ttl = NumberAttribute()

    @staticmethod
    def key(tenant: str, contact_id: str, wish: Wish) -> tuple[str, str]:
        return f"PRIVACYLINK#{tenant}#{contact_id}", wish


class NewPrivacyRequest(Body):
    """What a person wants, and who it is: a contact, or whoever has an address (also one that is only suppressed)."""

    wish: Wish
    contact_id: Text | None = None
    address: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> "NewPrivacyRequest":
        if (self.contact_id is None) == (self.address is None):
            raise ValueError("must say whose data is meant by one of contact_id and address")
        if self.address is not None:
            addresses.any_address(self.address)
        return self


class Download(View):
    """Where the file can be had with a GET, without a credential, and until when (real time)."""

    url: str
    expires: Instant


class PrivacyRequestView(View):
    """A request. `requested_by` is an API key, a user, or `recipient` for the person itself. `download` is there for a
    finished data export, until `file_expires_at`; each answer has a fresh link."""

    id: str
    wish: Wish
    contact_id: str | None
    state: State
    counts: dict[str, int]
    requested_by: str
    created_at: Instant
    finished_at: Instant | None
    download: Download | None
    file_expires_at: Instant | None


def made(
    tenant: str, wish: Wish, contact_id: str | None, claims: Sequence[str], *, request_id: str, actor: str
) -> PrivacyRequest:
    """The row of a new request about a contact, or about whoever has the first of these addresses."""
    folder = contact_id or suppressions.hashed(tenant, claims[0]).rpartition(":")[2]
    return PrivacyRequest(
        *PrivacyRequest.key(tenant, request_id), gsi1pk=PrivacyRequest.partition(tenant), gsi1sk=request_id,
        gsi2pk=DUE, gsi2sk=due_from_now(), tenant=tenant, request_id=request_id, wish=wish, contact=contact_id,
        folder=folder, state="running", requested_by=actor, created_at=clock.business(),
    )  # fmt: skip


def due_from_now() -> str:
    """When a request counts as stalled, if nobody goes on with it."""
    return clock.iso(clock.wall() + STALLED)


def start(row: PrivacyRequest) -> None:
    """Start the machine; its name makes this once for each run."""
    name = f"{row.request_id}-{int(row.runs)}"
    machines.start(PRIVACY, name, {"tenant": row.tenant, "request_id": row.request_id})


def find(tenant: str, request_id: str) -> PrivacyRequest | None:
    return PrivacyRequest.fetch(*PrivacyRequest.key(tenant, request_id)) if ids.is_id(request_id, "prv") else None


def get(tenant: str, request_id: str) -> PrivacyRequest:
    """Raises NotFound."""
    row = find(tenant, request_id)
    if row is None:
        raise NotFound("There is no such request. List privacy requests to see their ids.")
    return row


def finished(row: PrivacyRequest) -> list[Any]:
    """What ends a request."""
    cls = PrivacyRequest
    ended = [cls.state.set("done"), cls.finished_at.set(clock.business()), cls.gsi2pk.remove(), cls.gsi2sk.remove()]
    return [*ended, cls.expires_at.set(clock.wall() + KEPT)] if row.wish == "data_export" else ended


def file_of(row: PrivacyRequest) -> str:
    """The file of a data export, inside the folder of its tenant."""
    return f"{row.folder}/data.json"


def link(row: PrivacyRequest) -> Download | None:
    """A fresh link to the file of a data export, while there is one."""
    until = row.expires_at
    if until is None or clock.wall() >= until:
        return None
    url = files.download_link(FOLDER, row.tenant, file_of(row), LINK_SECONDS)
    return Download(url=url, expires=clock.wall() + timedelta(seconds=LINK_SECONDS))


def view(row: PrivacyRequest) -> PrivacyRequestView:
    """What the API shows of a request."""
    same = ("wish", "state", "requested_by", "created_at", "finished_at")
    told = {name: getattr(row, name) for name in same}
    return PrivacyRequestView.model_validate({
        **told, "id": row.request_id, "contact_id": row.contact, "counts": row.counts or {}, "download": link(row),
        "file_expires_at": row.expires_at,
    })  # fmt: skip
