"""The internet of unit tests: names, addresses, and servers that speak HTTP byte by byte. No sockets."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from drumbeat import egress

# An address that nobody has, of those that IANA gives out: what a name leads to unless a test says otherwise.
SOMEWHERE = "93.184.216.34"


@dataclass(frozen=True)
class Asked:
    """A request as its server got it. Header names are in lower case."""

    address: str
    port: int
    name: str | None
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP response."""
    lines = {"content-length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + body


class Broken(Exception):
    """A server that goes away before it answers."""


Server = Callable[[Asked], bytes]


@dataclass
class Internet:
    """`names` are the addresses of names, each look-up's in turn (the last stays); `server` answers every request."""

    server: Server = field(default=lambda asked: answer())
    names: dict[str, list[list[str]]] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    connections: list[tuple[str, int, str | None]] = field(default_factory=list)

    def addresses(self, host: str) -> list[str]:
        turn = self.looked_up.count(host)
        self.looked_up.append(host)
        told = self.names.get(host, [[SOMEWHERE]])
        return told[min(turn, len(told) - 1)]

    def connected(self, address: str, port: int, host: str | None, seconds: float) -> Any:
        self.connections.append((address, port, host))
        if address in self.down or host in self.down:
            raise ConnectionRefusedError
        return _Socket(self, address, port, host)


class _Socket:
    """One connection: takes a request, gives the server's answer."""

    def __init__(self, internet: Internet, address: str, port: int, name: str | None) -> None:
        self._internet, self._where = internet, (address, port, name)
        self._sent = bytearray()
        self._answer: io.BytesIO | None = None

    def settimeout(self, seconds: float) -> None:
        assert 0 < seconds <= egress.SECONDS

    def sendall(self, data: Any) -> None:
        self._sent += data

    def recv_into(self, buffer: memoryview) -> int:
        if self._answer is None:
            asked = _parsed(bytes(self._sent), *self._where)
            self._internet.asked.append(asked)
            try:
                self._answer = io.BytesIO(self._internet.server(asked))
            except Broken:
                raise ConnectionResetError from None
        return self._answer.readinto(buffer)

    def close(self) -> None:
        pass


def _parsed(sent: bytes, address: str, port: int, name: str | None) -> Asked:
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
    assert int(headers.get("content-length", 0)) == len(body)
    return Asked(address, port, name, method, target, headers, body)


@contextmanager
def internet(
    server: Server = lambda asked: answer(), names: dict[str, list[list[str]]] | None = None
) -> Iterator[Internet]:
    """Requests of the block go to this server, whatever they name."""
    made = Internet(server, names or {})
    with egress.through(made):
        yield made
