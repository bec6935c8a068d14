"""A tenant with a Twilio account (another one, where it matters), contacts in several countries, and a simulator."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from drumbeat import clock

from tests.clocks import Time, moved
from tests.sends import batch
from tests.unit.mail import Provider, provider
from tests.world import World

PRICES = [
    {"country": "BD", "carrier": "Grameenphone", "price": 0.35},
    {"country": "BD", "price": 0.5},
    {"country": "US", "price": 0.0079},
]


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    with provider(tmp_path / "texts") as running:
        monkeypatch.setenv("TWILIO_API_URL", running.url)
        yield running


class Texts:
    """What the tests need, made through the API."""

    def __init__(self, world: World, simulator: Provider, time: Time) -> None:
        self.world, self.simulator, self.time = world, simulator, time
        self.settle_in("acme")

    def settle_in(self, tenant: str) -> None:
        """The tenant gets an account, prices and a country."""
        keys = self.simulator.http.get("/keys").json()["twilio"]
        account = self.account(tenant, "Twilio", keys)
        wanted = {"sms_prices": PRICES, "country": "BD", "channels": {"sms": {"account": account}}}
        assert self.world.call("accounts.update_settings", tenant=tenant, body=wanted).status == 200

    def account(self, tenant: str, name: str, keys: Mapping[str, str], **config: Any) -> str:
        body = {
            "name": name, "channel": "sms", "provider": "twilio",
            "config": {"account_sid": keys["account_sid"], "from_number": "+15005550006", "per_second": 1000, **config},
            "credentials": {"auth_token": keys["auth_token"]},
        }  # fmt: skip
        return str(self.world.call("providers.create_account", tenant=tenant, body=body).data["id"])

    def contact(self, phone: str, *, tenant: str = "acme", consent: str | None = "granted", **fields: Any) -> str:
        said = {"consent": {"sms": {"status": consent, "source": "form", "method": "web"}}} if consent else {}
        body = {"phone": phone, **said, **fields}
        return str(self.world.call("contacts.create_contact", tenant=tenant, body=body).data["id"])

    def campaign(self, text: str, *, tenant: str = "acme", **fields: Any) -> str:
        body = {
            "name": "Flash sale", "channel": "sms", "text": text, "sender_id": "GetIt", "quiet": "hold",
            "purpose": "transactional", "audience": {"everyone": True}, **fields,
        }  # fmt: skip
        return str(self.world.call("campaigns.create_campaign", tenant=tenant, body=body).data["id"])

    def launch(self, campaign: str, *, tenant: str = "acme") -> None:
        reply = self.world.call("campaigns.launch_campaign", tenant=tenant, path={"campaign_id": campaign})
        assert reply.status == 200, reply.text
        self.world.settle()

    def results(self, campaign: str, *, tenant: str = "acme") -> Any:
        return self.world.call("campaigns.get_performance", tenant=tenant, path={"campaign_id": campaign}).data

    def sent(self) -> dict[str, dict[str, Any]]:
        """What Twilio took, by number."""
        return {mail["to"][0]: mail for mail in self.simulator.mails()}

    def report(self, mail: Mapping[str, Any], kind: str, code: str = "", times: int = 1) -> None:
        """Twilio says what became of a message, as the callback queues it."""
        told = {
            "type": "twilio", "tenant": "ten_acme", "kind": kind, "sid": mail["id"],
            "at": clock.iso(clock.business()), "tags": mail["tags"], "to": mail["to"][0], "code": code,
        }  # fmt: skip
        self.world.run("feedback.apply_feedback", batch([told] * times))


@pytest.fixture
def texts(simulator: Provider, world: World) -> Iterator[Texts]:
    """It is three in the afternoon in Dhaka, so that marketing may leave."""
    time = Time()
    with moved(time):
        yield Texts(world, simulator, time)
