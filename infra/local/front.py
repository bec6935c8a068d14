"""The front door of the local stack: plain `http://127.0.0.1:<port>` addresses for the API and for each function URL.

MiniStack knows an API by its host name (`<api>.execute-api.localhost`), which Python, Java and some browsers do not
resolve, and it keeps paths such as `/health` for itself there. Each port here stands for one API or function URL,
reached through MiniStack's path form. Bodies and queries pass byte for byte: signatures are over them.
"""

import argparse
import asyncio
import contextlib
from dataclasses import dataclass, field

# MiniStack starts a process for each concurrent call of a function.
CALLS_AT_ONCE = 8
LARGEST_HEAD = 64 * 1024
# RFC 9110, 7.6.1: these belong to one connection and are not passed on.
OF_ONE_CONNECTION = {
    b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
    b"content-length", b"expect",
}  # fmt: skip
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Message:
    """A request or a reply: its first line, headers as they came, and the whole body."""

    start: bytes
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        return _header(self.headers, name)

    @property
    def keeps_alive(self) -> bool:
        return (self.header(b"connection") or b"").lower() != b"close" and b"HTTP/1.0" not in self.start

    def encoded(self, *extra: tuple[bytes, bytes]) -> bytes:
        """The bytes to send: with a length, and without what belonged to the other connection."""
        kept = [(name, value) for name, value in self.headers if name.lower() not in OF_ONE_CONNECTION]
        lines = [name + b": " + value for name, value in (*kept, *extra)]
        return b"\r\n".join([self.start, *lines, b"", self.body])


@dataclass
class Door:
    """One port, and the path under which MiniStack has what stands behind it."""

    prefix: bytes
    emulator_port: int
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLS_AT_ONCE))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers a client until it goes away."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            while request := await read_message(reader, writer):
                method = request.start.split(b" ", 1)[0]
                try:
                    async with self.turn:
                        reply = await self._forward(request, method, writer.get_extra_info("peername")[0])
                except (OSError, asyncio.IncompleteReadError):
                    body = b'{"message": "The local stack does not answer."}'
                    reply = Message(b"HTTP/1.1 502 Bad Gateway", [(b"content-type", b"application/json")], body)
                writer.write(for_client(reply, method, request.keeps_alive))
                await writer.drain()
                if not request.keeps_alive:
                    break
        writer.close()

    async def _forward(self, request: Message, method: bytes, client: str) -> Message:
        """Asks MiniStack. Raises OSError and IncompleteReadError when it does not answer."""
        method_, target, version = request.start.split(b" ", 2)
        seen_by = [value for name, value in request.headers if name.lower() == b"x-forwarded-for"]
        others = [(name, value) for name, value in request.headers if name.lower() != b"x-forwarded-for"]
        start = b" ".join([method_, self.prefix + target, version])
        sent = Message(start, others, request.body).encoded(
            (b"X-Forwarded-For", b", ".join([*seen_by, client.encode()])),
            (b"Content-Length", b"%d" % len(request.body)),
        )
        reader, writer = await self._connection()
        writer.write(sent)
        reply = await read_message(reader, None, head_only=method == b"HEAD")
        if reply is None:
            raise ConnectionResetError("the emulator closed the connection")
        if reply.keeps_alive:
            self.idle.append((reader, writer))
        else:
            writer.close()
        return reply

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self.emulator_port, limit=LARGEST_HEAD)


def for_client(reply: Message, method: bytes, keep: bool) -> bytes:
    """The bytes of a reply to a request of this method; without `keep` the connection ends with it."""
    extra = [] if keep else [(b"Connection", b"close")]
    if method == b"HEAD" and (length := reply.header(b"content-length")):
        extra.append((b"Content-Length", length))
    elif not _has_no_body(reply.start):
        extra.append((b"Content-Length", b"%d" % len(reply.body)))
    return reply.encoded(*extra)


def _has_no_body(start: bytes) -> bool:
    return start.startswith(b"HTTP/") and start.split(b" ", 2)[1] in (b"204", b"304")


def _header(headers: Headers, wanted: bytes) -> bytes | None:
    return next((value for name, value in headers if name.lower() == wanted), None)


async def read_message(
    reader: asyncio.StreamReader, answer: asyncio.StreamWriter | None, head_only: bool = False
) -> Message | None:
    """The next message with its body, or None when the other side has closed. Raises ValueError on what is not HTTP."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    start, *lines = head[:-4].split(b"\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    if answer and (_header(headers, b"expect") or b"").lower() == b"100-continue":
        answer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if head_only or _has_no_body(start):
        return Message(start, headers, b"")
    if (_header(headers, b"transfer-encoding") or b"").lower() == b"chunked":
        return Message(start, headers, await _chunks(reader))
    return Message(start, headers, await reader.readexactly(int(_header(headers, b"content-length") or 0)))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while (await reader.readline()).strip():
        pass
    return b"".join(parts)


async def run(emulator_port: int, doors: dict[int, str]) -> None:
    """Listens until cancelled. `doors` are ports and the MiniStack path behind each, without a slash at its end."""
    servers = [
        await asyncio.start_server(
            Door(prefix.encode(), emulator_port).serve, "127.0.0.1", port, limit=LARGEST_HEAD, backlog=512
        )
        for port, prefix in doors.items()
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--emulator", type=int, required=True, help="MiniStack's port")
    parser.add_argument("door", nargs="+", help="PORT=/path/in/MiniStack")
    arguments = parser.parse_args()
    doors = {int(port): prefix for port, _, prefix in (door.partition("=") for door in arguments.door)}
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(arguments.emulator, doors))


if __name__ == "__main__":
    main()
