"""An AWS emulator and a mail provider for handlers that run in another process: no templates, no functions."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from infra.local import tools
from infra.local.deployment import REGION
from infra.local.places import free_port, held, remove_stale_folders, volatile_folder
from infra.local.processes import CREDENTIALS, Processes, environment, processes


@dataclass(frozen=True)
class Emulated:
    """Where AWS and the provider are."""

    aws: str
    provider: str


@contextmanager
def emulated(folder: Path) -> Iterator[Emulated]:
    """Run both for as long as the block; they end with this process, however it ends."""
    with processes(folder) as running:
        remove_stale_folders()
        memory = volatile_folder()
        running.remove_at_end(memory)
        with held(memory / "lock", wait=False):
            yield Emulated(_aws(running, memory), _provider(running, folder))


def _aws(running: Processes, memory: Path) -> str:
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    own = environment(
        **CREDENTIALS, AWS_ENDPOINT_URL=endpoint, BIND_HOST="127.0.0.1", GATEWAY_PORT=str(port),
        MINISTACK_REGION=REGION, TMPDIR=str(memory), IOT_MTLS_ENABLED="0", SFTP_ENABLED="0", LOG_LEVEL="WARNING",
    )  # fmt: skip
    running.start("emulator", [str(tools.emulator_python(running)), "-P", "infra/local/emulator.py"], own)
    running.wait_until_healthy("emulator", f"{endpoint}/_ministack/health")
    return endpoint


def _provider(running: Processes, folder: Path) -> str:
    port = free_port()
    command = [sys.executable, "-m", "infra.local.simulators", "--port", str(port), "--data", str(folder / "provider")]
    running.start("provider", command, environment(**CREDENTIALS))
    url = f"http://127.0.0.1:{port}"
    running.wait_until_healthy("provider", f"{url}/health")
    ses = {"verified": ["acme.example"], "carry_events": False, "max_send_rate": 100_000.0}
    httpx.put(f"{url}/config", json={"ses": ses}).raise_for_status()
    return url
