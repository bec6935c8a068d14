"""Campaigns over any channel, made and run through the API."""

import importlib
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from drumbeat import channels, clock, providers
from drumbeat.channels.push import sns
from drumbeat.sends import rollups
from jsonschema import Draft202012Validator

from tests import schemas
from tests.clocks import Time, moved
from tests.world import World

PIGEONS = Path(__file__).parent / "pigeons"


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    providers.forget()
    sns.forget()
    yield
    providers.forget()
    sns.forget()


@pytest.fixture
def pigeon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The channel of tests/unit/channels/pigeons, put where channels are looked for: all that it takes to add one."""
    monkeypatch.setattr(channels, "__path__", [*channels.__path__, str(PIGEONS)])
    monkeypatch.setitem(schemas.registry(), "marketing.pigeon.sent", Draft202012Validator({}))
    _forget()
    try:
        yield importlib.import_module("drumbeat.channels.pigeon")
    finally:
        for name in [name for name in sys.modules if name.startswith("drumbeat.channels.pigeon")]:
            del sys.modules[name]
        _forget()


def _forget() -> None:
    channels.forget()
    providers.lookup.own.cache_clear()


class Office:
    """A tenant that writes to its people in more ways than one."""

    def __init__(self, world: World, time: Time | None = None, tenant: str = "acme") -> None:
        self.world, self.time, self.tenant = world, time or Time(), tenant

    def call(self, name: str, **request: Any) -> Any:
        return self.world.call(name, tenant=self.tenant, **request)

    def contact(self, **fields: Any) -> str:
        agreed = {"status": "granted", "at": clock.iso(clock.business()), "method": "api"}
        said = {"consent": {name: agreed for name in ("email", "push") if name not in fields.get("consent", {})}}
        return str(self.call("contacts.create_contact", body={**said, **fields}).data["id"])

    def account(self, channel: str, provider: str, config: Any, credentials: Any = None) -> str:
        """A provider account that the tenant's settings choose from now on."""
        body = {"name": channel, "channel": channel, "provider": provider, "config": config}
        made = self.call("providers.create_account", body={**body, "credentials": credentials or {}}).data["id"]
        chosen = self.call("accounts.update_settings", body={"channels": {channel: {"account": made}}})
        assert chosen.status == 200, chosen.text
        return str(made)

    def launched(self, channel: str, **fields: Any) -> str:
        """A campaign to everyone that has run to its end."""
        body = {"name": "Eid", "channel": channel, "audience": {"everyone": True}, "quiet": "ignore",
                "purpose": "transactional", **fields}  # fmt: skip
        reply = self.call("campaigns.create_campaign", body=body)
        assert reply.status == 201, reply.text
        made = str(reply.data["id"])
        reply = self.call("campaigns.launch_campaign", path={"campaign_id": made})
        assert reply.status == 200, reply.text
        self.world.settle()
        return made

    def later(self, **duration: float) -> None:
        """Let time pass (with the fixture `time`), and the schedules do what they do each minute."""
        self.time.passes(timedelta(**duration))
        rollups.forget()
        self.world.run("sends.sweep_sends", {})
        self.world.settle()

    def recipients(self, campaign: str, **query: Any) -> dict[str, dict[str, Any]]:
        found = self.call("campaigns.list_recipients", path={"campaign_id": campaign}, query=query).data["items"]
        return {row["contact_id"]: row for row in found}

    def results(self, campaign: str) -> Any:
        return self.call("campaigns.get_performance", path={"campaign_id": campaign}).data

    def timeline(self, contact: str) -> list[dict[str, Any]]:
        return list(self.call("activity.list_timeline", path={"contact_id": contact}).data["items"])


@pytest.fixture
def time() -> Iterator[Time]:
    made = Time()
    with moved(made):
        yield made


@pytest.fixture
def office(request: pytest.FixtureRequest) -> Office:
    """With the fixture `time`, its clock is the test's."""
    time = request.getfixturevalue("time") if "time" in request.fixturenames else None
    return Office(request.getfixturevalue("world"), time)
