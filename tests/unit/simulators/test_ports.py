"""HTTP and names share a port number, which another process may hold for one of them."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.local.simulators import server
from infra.local.simulators.server import Simulators


def taken() -> tuple[socket.socket, int]:
    """A port that is taken for UDP and free for TCP."""
    held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    held.bind(("127.0.0.1", 0))
    return held, held.getsockname()[1]


def test_another_port_is_tried_when_its_names_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, number = taken()
    asked: list[int] = []
    made = server._Server

    def first_the_taken_one(address: tuple[str, int], handler: type) -> server._Server:
        asked.append(address[1])
        return made((address[0], number if len(asked) == 1 else 0), handler)

    monkeypatch.setattr(server, "_Server", first_the_taken_one)
    with held, Simulators(tmp_path) as running:
        assert running.url != f"http://127.0.0.1:{number}"
    assert asked == [0, 0]


def test_a_port_that_was_asked_for_is_that_one_or_none(tmp_path: Path) -> None:
    held, number = taken()
    with held, pytest.raises(OSError, match="in use"):
        Simulators(tmp_path, port=number)
    with ExitStack() as stack:  # nothing was kept of it
        stack.enter_context(Simulators(tmp_path, port=number))
