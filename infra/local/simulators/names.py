"""DNS as the product looks it up: a server on UDP whose records are set over HTTP, on the port of the same number."""

from __future__ import annotations

import socket
import threading
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from .config import BadConfig
from .http import Reply, Request
from .ses import parse
from .simulation import Simulation

TTL = 60
MAX_PACKET = 4096


def put_records(sim: Simulation, request: Request) -> Reply:
    """PUT /dns {"records": [{"name", "type", "values"}]}: replaces those of the same name and type; no values: none."""
    for record in parse(sim, request).get("records") or ():
        name, kind = str(record.get("name", "")).lower().rstrip("."), str(record.get("type", "")).upper()
        values = [str(value) for value in record.get("values") or ()]
        try:
            _rrset(name, kind, values)
        except (dns.exception.DNSException, ValueError) as error:
            raise BadConfig(f"{name} {kind}: {error}") from None
        sim.records.pop((name, kind), None)
        if values:
            sim.records[name, kind] = values
    return get_records(sim, request)


def get_records(sim: Simulation, _: Request) -> Reply:
    """GET /dns."""
    rows = [{"name": name, "type": kind, "values": values} for (name, kind), values in sorted(sim.records.items())]
    return Reply.json({"records": rows})


def _rrset(name: str, kind: str, values: list[str]) -> dns.rrset.RRset:
    quoted = [_quoted(value) if kind == "TXT" else f"{value.rstrip('.')}." for value in values]
    return dns.rrset.from_text(f"{name}.", TTL, "IN", kind, *quoted)


def _quoted(text: str) -> str:
    """A TXT record's strings, of at most 255 bytes each (RFC 1035, 3.3.14)."""
    escaped = [
        part.replace("\\", "\\\\").replace('"', '\\"') for part in (text[i : i + 255] for i in range(0, len(text), 255))
    ]
    return " ".join(f'"{part}"' for part in escaped)


class Names:
    """Answers on UDP. What has a CNAME answers with it; a name without any record does not exist."""

    def __init__(self, sim: Simulation, port: int) -> None:
        self._sim = sim
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise
        self._socket.settimeout(0.2)
        self._thread = threading.Thread(target=self._serve, daemon=True, name="dns")

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop; the simulation is closing already."""
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._socket.close()

    def _serve(self) -> None:
        while not self._sim.closing.is_set():
            try:
                packet, caller = self._socket.recvfrom(MAX_PACKET)
            except TimeoutError:
                continue
            try:
                query = dns.message.from_wire(packet)
            except dns.exception.DNSException:
                continue  # no DNS: nothing to answer
            self._socket.sendto(self._answer(query).to_wire(max_size=65_535), caller)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query, recursion_available=True)
        for question in query.question:
            name = question.name.to_text().lower().rstrip(".")
            kind = dns.rdatatype.to_text(question.rdtype)
            known: dict[tuple[str, str], list[str]] = dict(self._sim.records)
            if not any(one == name for one, _ in known):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            answer.answer += self._found(known, name, kind)
        return answer

    def _found(self, known: dict[tuple[str, str], list[str]], name: str, kind: str) -> list[Any]:
        if (name, kind) in known:
            return [_rrset(name, kind, known[name, kind])]
        if (name, "CNAME") not in known:
            return []
        target = known[name, "CNAME"][0].lower().rstrip(".")
        return [_rrset(name, "CNAME", known[name, "CNAME"]), *self._found(known, target, kind)]
