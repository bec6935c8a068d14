"""A copy of all that is stored of a person, as one JSON file with a list for each kind of data."""

import json
from collections.abc import Iterator
from typing import Any

from drumbeat import clock, files
from drumbeat.contacts import model as contacts
from drumbeat.errors import NotFound
from drumbeat.privacy import erasing, holdings, model
from drumbeat.privacy.holdings import HOLDINGS, Person
from drumbeat.privacy.model import FOLDER, PrivacyRequest
from drumbeat.table import ConditionFailed

BATCH = 500


def request(tenant: str, contact_id: str | None, address: str | None, *, request_id: str, actor: str) -> PrivacyRequest:
    """Start to write the file. Of an address that no contact has there is little, and it is written at once: the
    address itself is not kept for it. The same request again gives the stored one. Raises NotFound."""
    held = model.find(tenant, request_id)
    if held is None:
        who = erasing.person(tenant, contact_id, address)
        row = model.made(tenant, "data_export", who.contact_id, who.addresses, request_id=request_id, actor=actor)
        row.counts = holdings.counted(who)
        if who.contact_id is None:
            _write(row, who)
            row.state, row.finished_at, row.expires_at = "done", clock.business(), clock.wall() + model.KEPT
            row.gsi2pk = row.gsi2sk = None
        try:
            row.create()
        except ConditionFailed as refused:
            row = PrivacyRequest.from_raw_data(refused.found or {})
        held = row
    if held.state == "running":
        model.start(held)
    return held


def advance(row: PrivacyRequest) -> None:
    """Write the file, and end the request. Repeating it writes what is stored then. Who is erased meanwhile is not in
    the file, whichever of the two ends first."""
    try:
        who = erasing.person(row.tenant, row.contact, None)
    except NotFound:
        who = Person(row.tenant, row.contact)
    _write(row, who)
    if who.contact is not None and contacts.find(row.tenant, row.contact) is None:
        erasing.forget_file(row)
    try:
        row.change(*model.finished(row), condition=PrivacyRequest.state == "running")
    except ConditionFailed:
        return


def _write(row: PrivacyRequest, who: Person) -> None:
    files.write_stream(FOLDER, row.tenant, model.file_of(row), _pieces(row, who), "application/json")


def _pieces(row: PrivacyRequest, who: Person) -> Iterator[bytes]:
    """The file in pieces: a timeline may be long."""
    head = {"request_id": row.request_id, "made_at": clock.iso(clock.business()), "contact_id": row.contact}
    yield b"{\n" + json.dumps(head)[1:-1].encode()
    for one in HOLDINGS:
        yield f',\n"{one.name}": ['.encode()
        behind = "\n"
        held: list[str] = []
        for said in one.shown(who):
            held.append(behind + _line(said))
            behind = ",\n"
            if len(held) == BATCH:
                yield "".join(held).encode("utf-8", "replace")
                held.clear()
        yield ("".join(held) + ("]" if behind == "\n" else "\n]")).encode("utf-8", "replace")
    yield b"\n}\n"


def _line(said: Any) -> str:
    return json.dumps(said, ensure_ascii=False)
