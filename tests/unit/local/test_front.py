"""The front: bytes through it are the bytes that came, because signatures are over them."""

import asyncio
import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.local import front
from infra.local.places import ROOT, free_port

pytestmark = pytest.mark.enable_socket


class Echo(BaseHTTPRequestHandler):
    """Stands where MiniStack would: remembers what arrives."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    seen: list[tuple[str, str, list[tuple[str, str]], bytes]]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, self.headers.items(), body))
        if "empty" in self.path:
            self.send_response(204)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        if "chunked" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = do_OPTIONS = do_PUT = answer  # noqa: N815 - names of http.server

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def port(seen: list[Any]) -> Iterator[int]:
    """A front before the echo, at `/_aws/here`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Remembers", (Echo,), {"seen": seen}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    door = free_port()
    command = [sys.executable, "-m", "infra.local.front", "--emulator", str(server.server_port), f"{door}=/_aws/here"]
    with subprocess.Popen(command, cwd=ROOT) as process:
        deadline = time.monotonic() + 10
        while not listens(door) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield door
        process.terminate()
    server.shutdown()
    server.server_close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        return reply, reply.read()
    finally:
        connection.close()


def test_path_query_and_body_are_not_touched(port: int, seen: list[Any]) -> None:
    body = bytes(range(256)) * 20

    reply, answer = ask(port, "POST", "/a%2Fb%20c?phone=+880%2B1&x=&x=%c3%a9", body, X_Signature="s=")

    method, path, headers, arrived = seen[0]
    assert (method, path) == ("POST", "/_aws/here/a%2Fb%20c?phone=+880%2B1&x=&x=%c3%a9")
    assert arrived == body == answer
    assert ("X-Signature", "s=") in headers
    assert reply.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_the_client_is_named_behind_those_who_passed_the_request_on(port: int, seen: list[Any]) -> None:
    ask(port, "GET", "/", X_Forwarded_For="203.0.113.9", Host="links.acme.example")

    headers = dict(seen[0][2])
    assert headers["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert headers["Host"] == "links.acme.example"


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [("GET", "/chunked", 200, b"abcde"), ("GET", "/empty", 204, b""), ("HEAD", "/", 200, b"")],
)
def test_replies_without_a_plain_length(port: int, method: str, path: str, status: int, body: bytes) -> None:
    reply, answer = ask(port, method, path)

    assert (reply.status, answer) == (status, body)


def test_a_connection_serves_many_requests(port: int, seen: list[Any]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    for number in range(50):
        connection.request("PUT", f"/{number}", b"x" * number)
        assert connection.getresponse().read() == b"x" * number
    connection.close()

    assert [path for _, path, _, _ in seen] == [f"/_aws/here/{number}" for number in range(50)]


def test_without_the_emulator_it_says_so() -> None:
    async def asked() -> front.Message:
        door = front.Door(b"/nowhere", free_port())
        server = await asyncio.start_server(door.serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        reply = await front.read_message(reader, None)
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        assert reply
        return reply

    assert asyncio.run(asked()).start == b"HTTP/1.1 502 Bad Gateway"
