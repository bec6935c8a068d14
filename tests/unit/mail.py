"""The mail provider of unit tests: the simulator of the local stack, in this process, with its clock-like tools."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from drumbeat import aws

from infra.local.simulators.config import Config, Ses
from infra.local.simulators.server import Simulators

VERIFIED = ["acme.example", "globex.example"]
# It speaks plain HTTP; httpx would load all of the system's certificates for each client.
_PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# The simulator's signing keys by file: all simulators of a run share the first one's, since making them takes longest.
_keys: dict[str, bytes] = {}


class Provider:
    """A running simulator: what it accepted, and how to make it misbehave."""

    def __init__(self, simulators: Simulators) -> None:
        self.url = simulators.url
        self.http = httpx.Client(base_url=simulators.url, verify=_PLAIN)

    def mails(self, **tags: str) -> list[dict[str, Any]]:
        """Accepted mails, oldest first, with their rendered parts."""
        query = {"order": "asc", "limit": "1000"}
        if tags:
            query["tag"] = ",".join(f"{name}:{value}" for name, value in tags.items())
        listed = self.http.get("/mailbox.json", params=query).json()["mails"]
        return [self.http.get(f"/mailbox/{mail['id']}.json").json() for mail in listed]

    def addresses(self) -> list[str]:
        listed = self.http.get("/mailbox.json", params={"order": "asc", "limit": "1000"}).json()["mails"]
        return [address for mail in listed for address in mail["to"]]

    def configure(self, **ses: Any) -> None:
        self.http.put("/config", json={"ses": ses}).raise_for_status()

    def fault(self, kind: str, **more: Any) -> None:
        """Make the next bulk call fail: 429, 500, 500_accepted, timeout, timeout_accepted, reset, partial."""
        self.http.post("/faults", json={"operation": "SendBulkEmail", "kind": kind, **more}).raise_for_status()

    def verify(self, identity: str) -> None:
        """SES has found the identity's records, or its owner has followed the link."""
        self.http.post("/verify", json={"identity": identity}).raise_for_status()

    def publish(self, name: str, kind: str, *values: str) -> None:
        """Put records into the DNS; without values there are none of this type."""
        records = [{"name": name, "type": kind, "values": values}]
        self.http.put("/dns", json={"records": records}).raise_for_status()


@contextmanager
def provider(folder: Path) -> Iterator[Provider]:
    """Run a simulator, and point the SES client of a world that is built after it at it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pem in _keys.items():
        (folder / name).write_bytes(pem)
    with Simulators(folder, Config(ses=Ses(verified=VERIFIED, max_send_rate=100_000.0, carry_events=False))) as running:
        os.environ["AWS_ENDPOINT_URL_SESV2"] = running.url
        os.environ["DNS_SERVER"] = running.url.removeprefix("http://")
        aws.client.cache_clear()
        _keys.update({file.name: file.read_bytes() for file in folder.glob("*.pem")})
        found = Provider(running)
        try:
            yield found
        finally:
            found.http.close()
            del os.environ["AWS_ENDPOINT_URL_SESV2"], os.environ["DNS_SERVER"]
            aws.client.cache_clear()
