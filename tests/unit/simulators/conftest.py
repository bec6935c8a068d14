"""A running simulator on a free port, an SES client pointed at it, and a server for callbacks."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.simulators.server import Simulators
from infra.local.simulators.signing import Keys
from tests.unit.simulators.parts import Sink, client


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys cost a quarter of a second, so the tests share them."""
    folder = tmp_path_factory.mktemp("keys")
    Keys(folder)
    return folder


@pytest.fixture
def running(tmp_path: Path, keys: Path) -> Iterator[Simulators]:
    shutil.copytree(keys, tmp_path / "simulators")
    with Simulators(tmp_path / "simulators") as simulators:
        yield simulators


@pytest.fixture
def ses(running: Simulators) -> Iterator[Any]:
    made = client(running)
    yield made
    made.close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()
