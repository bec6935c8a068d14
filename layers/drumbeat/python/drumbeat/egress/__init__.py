"""Requests to addresses that tenants name: the one way to make them, since such an address may name us or our network.

Only https on port 443 or 8443, to a name in the public DNS. The name is looked up once, all of its addresses must be
of the internet (one that is not is an attack: RFC 1918 and its like, `127.0.0.1:9001` where Lambda hands out events,
169.254.169.254), and the connection goes to an address that was checked, so that a second answer of the DNS changes
nothing. TLS and `Host` are those of the name. No redirects, no proxies, and an end to time and size.

`EGRESS_LOCAL` (`address:port`, several with commas) names what may be reached over http on the local stack: its
simulators. No template has it.
"""

import functools
import http.client
import io
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from drumbeat import lookup
from drumbeat.egress.addresses import PORTS, Denied, allowed, is_global, is_local

if TYPE_CHECKING:
    import ssl

LOOK_UP_SECONDS, CONNECT_SECONDS, SECONDS = 2.0, 3.0, 15.0
# Of the answer: what is read of its body unless the caller takes more, and how much more of all with its headers.
MOST_BYTES, HEADERS = 64 << 10, 96 << 10
# Of a name's addresses, how many are tried.
MOST_TRIES = 2


class Unreached(Exception):
    """There was no connection: nobody has the request."""


class Unanswered(Exception):
    """The request may have arrived; the answer did not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Header names are in lower case. `whole` is False when the body was longer than what is read, or
    broke off: then `body` is its beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True


class Network(Protocol):
    """The outside world; tests have another one."""

    def addresses(self, host: str) -> list[str]:
        """All addresses of a name, IPv4 first. Raises Unreached when nobody can tell."""
        ...

    def connected(self, address: str, port: int, host: str | None, seconds: float) -> Any:
        """A connected socket, with TLS for `host` unless it is None. Raises OSError."""
        ...


class Internet:
    """The real one."""

    def addresses(self, host: str) -> list[str]:
        found: list[str] = []
        failed: str | None = None
        for kind in ("A", "AAAA"):
            answer = lookup.records(host, kind, LOOK_UP_SECONDS)
            found += answer.values
            failed = failed or answer.failed
        if failed and not found:
            raise Unreached(f"dns_{failed}".lower())
        return found

    def connected(self, address: str, port: int, host: str | None, seconds: float) -> Any:
        plain = socket.create_connection((address, port), seconds)
        if host is None:
            return plain
        try:
            return trust().wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


@functools.cache
def trust() -> "ssl.SSLContext":
    """The machine's certificates, read once."""
    import ssl

    return ssl.create_default_context()


_network: Network = Internet()


@contextmanager
def through(network: Network) -> Iterator[None]:
    """Another outside world for the time of the block."""
    global _network
    before, _network = _network, network
    try:
        yield
    finally:
        _network = before


def request(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    seconds: float = SECONDS,
    most: int = MOST_BYTES,
) -> Answer:
    """Make one request, once, and wait for its answer at most `seconds`, all told; of its body `most` bytes are read.

    Raises Denied, Unreached (nobody has the request) or Unanswered (somebody may have it).
    """
    until = time.monotonic() + seconds
    parts = urlsplit(allowed(url))
    plain = is_local(parts)
    host, port = parts.hostname or "", parts.port or PORTS[0]
    connected = _connected([host] if plain else _vetted(host), port, None if plain else host, until)
    connection = _Connection(parts.netloc, _Timed(connected, until, most + HEADERS))
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection.request(method, target, body, {"connection": "close", "user-agent": "drumbeat", **headers})
        return _answer(connection.getresponse(), most)
    except (OSError, http.client.HTTPException) as error:
        raise Unanswered(type(error).__name__) from error
    finally:
        connected.close()


def _vetted(host: str) -> list[str]:
    """The addresses of a name, when each of them is of the internet."""
    found = _network.addresses(host)
    if not found:
        raise Unreached("dns_no_address")
    if not all(map(is_global, found)):
        raise Denied("must name a host of the internet: one of its addresses is not")
    return found[:MOST_TRIES]


def _connected(addresses: list[str], port: int, host: str | None, until: float) -> Any:
    failed: OSError | None = None
    for address in addresses:
        seconds = min(CONNECT_SECONDS, until - time.monotonic())
        if seconds <= 0:
            break
        try:
            return _network.connected(address, port, host, seconds)
        except OSError as error:
            failed = error
    raise Unreached(type(failed).__name__ if failed else "TimeoutError") from failed


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket that is connected already, until a time. It neither connects by itself nor follows."""

    auto_open = 0
    default_port = PORTS[0]

    def __init__(self, netloc: str, connected: "_Timed") -> None:
        super().__init__(netloc)
        self.sock: Any = connected


class _Timed:
    """A socket as `http.client` uses it. Each read and write has what is left of the time: whoever sends a byte every
    ten seconds gets no further than others. `http.client` closes it before it has read the answer: that means nothing.
    """

    def __init__(self, connected: Any, until: float, most: int) -> None:
        self._socket, self._until, self._most = connected, until, most

    def in_time(self) -> Any:
        """The socket, with what is left of the time. Raises TimeoutError."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._socket

    def sendall(self, data: Any) -> None:
        self.in_time().sendall(data)

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_Bytes(self, self._most))

    def close(self) -> None:
        pass


class _Bytes(io.RawIOBase):
    """What comes over a socket, up to `most` bytes."""

    def __init__(self, timed: _Timed, most: int) -> None:
        self._timed, self._left = timed, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        room = memoryview(buffer)[: self._left]
        read: int = self._timed.in_time().recv_into(room) if room else 0
        self._left -= read
        return read


def _answer(response: http.client.HTTPResponse, most: int) -> Answer:
    """The status is an answer, even if the body breaks off."""
    try:
        body, whole = response.read(most + 1), True
    except http.client.IncompleteRead as error:
        body, whole = error.partial, False
    except (OSError, http.client.HTTPException):
        body, whole = b"", False
    whole = whole and len(body) <= most and (response.length or 0) == 0
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, body[:most], whole)
