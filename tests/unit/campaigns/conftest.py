"""A tenant with contacts, a segment, a template, and a provider that really answers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.mail import Provider, provider
from tests.world import World

HTML = """<!doctype html><html><body>
<h1>Hello {{ first_name | default: "there" }}</h1>
<p><a href="https://shop.example/eid">Shop now</a> <a href="https://shop.example/about">About us</a></p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p>
</body></html>"""


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[Provider]:
    with provider(tmp_path / "mail") as running:
        yield running


class Shop:
    """What most tests need, made through the API."""

    def __init__(self, world: World, mails: Provider) -> None:
        self.world, self.mails = world, mails

    def contact(self, email: str, *, consent: str | None = "granted", **fields: Any) -> str:
        said = {"consent": {"email": {"status": consent, "source": "form", "method": "web"}}} if consent else {}
        return str(self.world.call("contacts.create_contact", body={"email": email, **said, **fields}).data["id"])

    def segment(self, name: str = "Everyone in town", **criteria: Any) -> str:
        body = {
            "name": name,
            "criteria": criteria or {"logic": "AND", "conditions": [{"field": "email", "operator": "is_set"}]},
        }
        made = str(self.world.call("segments.create_segment", body=body).data["id"])
        self.world.settle()
        return made

    def template(self, **fields: Any) -> str:
        body = {"name": "Eid", "subject": "Hi {{ first_name }}", "html": HTML, "variables": ["first_name"], **fields}
        return str(self.world.call("templates.create_template", body=body).data["id"])

    def campaign(self, *, audience: dict[str, Any] | None = None, **fields: Any) -> str:
        body = {
            "name": "Eid offers",
            "template_id": self.template(),
            "audience": audience or {"everyone": True},
            **fields,
        }
        return str(self.world.call("campaigns.create_campaign", body=body).data["id"])

    def do(self, verb: str, campaign: str, **request: Any) -> Any:
        return self.world.call(f"campaigns.{verb}_campaign", path={"campaign_id": campaign}, **request)

    def launch(self, campaign: str) -> Any:
        reply = self.do("launch", campaign)
        assert reply.status == 200, reply.text
        self.world.settle()
        return reply.data

    def results(self, campaign: str) -> Any:
        return self.world.call("campaigns.get_performance", path={"campaign_id": campaign}).data

    def status(self, campaign: str) -> str:
        return str(self.do("get", campaign).data["status"])


@pytest.fixture
def shop(mails: Provider, world: World) -> Shop:
    return Shop(world, mails)
