"""Two tenants, each with a provider that really answers and a DNS that says what a test puts into it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drumbeat import clock, ids, table
from drumbeat.contacts.model import Contact

from tests.sends import batch
from tests.unit.mail import Provider, provider
from tests.world import World

HTML = """<p>Hi <a href="https://shop.example/eid">Shop</a> <a href="{{ unsubscribe_url }}">Leave</a>
{{ postal_address }}</p>"""


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[Provider]:
    with provider(tmp_path / "mail") as running:
        running.configure(verify_at_once=False)
        yield running


class Senders:
    """What the tests do as a tenant."""

    def __init__(self, world: World, mails: Provider) -> None:
        self.world, self.mails = world, mails

    def ask(self, verb: str, name: str = "", *, tenant: str = "acme", **request: Any) -> Any:
        path = {"identity_id": name} if name else {}
        return self.world.call(f"deliverability.{verb}", path=path, tenant=tenant, **request)

    def create(self, name: str, *, tenant: str = "acme", **fields: Any) -> Any:
        return self.ask("create_identity", tenant=tenant, body={"name": name, **fields})

    def verified(self, name: str, *, tenant: str = "acme") -> Any:
        """An identity that is ready to send."""
        assert self.create(name, tenant=tenant).status == 201
        self.mails.verify(name)
        shown = self.ask("refresh_identity", name, tenant=tenant).data
        assert shown["state"] == "verified", shown
        return shown

    def people(self, *emails: str, tenant: str = "acme") -> None:
        for email in emails:
            body = {"email": email, "consent": {"email": {"status": "granted"}}}
            assert self.world.call("contacts.create_contact", tenant=tenant, body=body).status == 201

    def crowd(self, size: int) -> None:
        """So many people who agreed to e-mail, put into the table at once."""
        said = {"email": {"status": "granted", "at": clock.iso(clock.business()), "method": "api"}}
        table.put_many(
            Contact(
                *Contact.key("ten_acme", one), gsi1pk=Contact.partition_of("ten_acme", one), gsi1sk=one,
                tenant="ten_acme", contact_id=one, email=f"{one.lower()}@people.example", consent=said,
                created_at=clock.business(), updated_at=clock.business(),
            )
            for one in (ids.new("con") for _ in range(size))
        )  # fmt: skip

    def launch(self, sender: str, *, tenant: str = "acme", name: str = "Eid") -> Any:
        """Launch a campaign to everyone, from this address."""
        body = {
            "name": name, "subject": name, "html": HTML, "audience": {"everyone": True}, "sender_email": sender,
            "send_type": "immediate",
        }  # fmt: skip
        return self.world.call("campaigns.create_campaign", tenant=tenant, body=body)

    def campaign(self, campaign: str, *, tenant: str = "acme") -> Any:
        return self.world.call("campaigns.get_campaign", tenant=tenant, path={"campaign_id": campaign}).data

    def feedback(self, *events: dict[str, Any]) -> None:
        """Hand events of SES to the worker, and do what follows."""
        failed = self.world.run("feedback.apply_feedback", batch(events))["batchItemFailures"]
        assert not failed
        self.world.settle()


@pytest.fixture
def senders(mails: Provider, world: World) -> Senders:
    return Senders(world, mails)
