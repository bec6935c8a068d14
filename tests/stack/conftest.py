"""One deployed local stack for all tests here, on ports of its own, ended with the session however that ends."""

import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from infra.local.stack import TIME_SCALE, Plan, Stack, up
from tests.stack.company import Company, company, founded
from tests.stack.provider import Provider, provider

HERE = Path(__file__).parent
# The first test waits for the stack, which takes long where its templates and layers were never built.
TIMEOUT_SECONDS = 300


class Schedule(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist is untyped
    """All tests of the stack run in one worker, where there are several: a second one would start a second stack. The
    templates are synthesized in one, too. Event files are shared out by context, simulated days by the hundred,
    everything else by file.

    `--dist loadgroup` is meant for this, but pytest-xdist 3.8 sets an attribute for it that pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if file.endswith("/test_event_files.py") and "[" in test:
            return f"{file}[{re.split(r'[/.]', test.partition('[')[2])[0]}"
        if file.endswith("simulation/test_sending.py"):
            return nodeid
        together = re.match(r"tests/(stack|infra)/", file)
        return together[1] if together else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Schedule:
    return Schedule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They have sockets, and more time."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.stack)
            item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))
            item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The running stack: `api_url`, `api_key`, `client("dynamodb")`, and the rest of `stack.json`."""
    scale = float(os.environ.get("TIME_SCALE", TIME_SCALE))
    with (
        tempfile.TemporaryDirectory(prefix="drumbeat-test-") as folder,
        up(Plan(Path(folder), scale, ports=(0, 0))) as (running, _),
    ):
        yield running


@pytest.fixture(scope="module")
def shop(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Company]:
    """A tenant for the tests of one file."""
    name = request.path.stem.removeprefix("test_").replace("_", "")
    with founded(stack, f"{name}{secrets.token_hex(3)}") as made:
        yield made


@pytest.fixture(scope="session")
def acme(stack: Stack) -> Iterator[Company]:
    """The tenant with the fixtures that the documents' examples assume."""
    with company(stack, stack.tenant, stack.api_key) as local:
        yield local


@pytest.fixture
def mail_provider(stack: Stack) -> Iterator[Provider]:
    """The simulated provider. It behaves again when the test is over."""
    with provider(stack) as simulated:
        yield simulated
