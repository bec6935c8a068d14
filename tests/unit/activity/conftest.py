"""What the tests of activity stand in: a deployment with contacts, and short ways to ask for what is stored."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.contacts import model as contacts
from drumbeat.contacts.views import NewContact

from tests import quick_moto
from tests.harness import Reply
from tests.world import World

quick_moto.quicken()


@pytest.fixture(autouse=True)
def _fresh_settings() -> Iterator[None]:
    settings.forget()
    yield
    settings.forget()


class Shop:
    """A tenant that reports what its contacts do."""

    def __init__(self, world: World) -> None:
        self.world = world

    def contact(self, email: str = "ann@example.com", tenant: str = "acme", **more: Any) -> str:
        new = NewContact(email=email, **more)
        return contacts.add(f"ten_{tenant}", new, now=clock.business()).contact_id

    def settings(self, **changed: Any) -> None:
        row = settings.stored("ten_acme")
        row.change(Tenant.settings.set({**row.settings, **changed}))
        settings.forget()

    def send(self, *events: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        """The results of a batch."""
        found: list[dict[str, Any]] = self.post({"events": list(events)}, **more).data["results"]
        return found

    def post(self, body: Any, **more: Any) -> Reply:
        return self.world.call("activity.record_events", body=body, **more)

    def facts(self, contact_id: str) -> dict[str, Any]:
        row = contacts.get("ten_acme", contact_id)
        return {
            "value": row.lifetime_value,
            "orders": row.total_orders,
            "currency": row.currency,
            "first": row.first_purchase_at and clock.iso(row.first_purchase_at)[:10],
            "last": row.last_purchase_at and clock.iso(row.last_purchase_at)[:10],
        }

    def timeline(self, contact_id: str, **query: str) -> Any:
        path = {"contact_id": contact_id}
        return self.world.call("activity.list_timeline", path=path, query={"limit": "100", **query}).data

    def names(self, contact_id: str) -> list[str]:
        return [item["name"] for item in self.timeline(contact_id)["items"]]

    def activity(self, contact_id: str, **query: str) -> dict[str, dict[str, int]]:
        data = self.world.call("activity.get_activity", path={"contact_id": contact_id}, query=query).data
        return {event["name"]: {day["date"]: day["count"] for day in event["days"]} for event in data["events"]}


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


@pytest.fixture
def published(world: World) -> list[dict[str, Any]]:
    """The frames that were put on the bus, in their order."""
    return world.published


Purchase = Callable[..., dict[str, Any]]


@pytest.fixture
def purchase() -> Purchase:
    def made(contact_id: str, number: int, value: Any = "10.00", **more: Any) -> dict[str, Any]:
        return {
            "event_id": f"evt-{number}",
            "name": "purchase",
            "contact": {"contact_id": contact_id},
            "occurred_at": f"2026-03-{number % 28 + 1:02d}T10:00:00Z",
            "properties": {"value": value, "order_id": f"order-{number}", **more},
        }

    return made
