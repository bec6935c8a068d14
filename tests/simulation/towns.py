"""The town before the send: two tenants, whose contacts, campaigns and templates have the same ids."""

import functools
from datetime import UTC, datetime
from typing import Any, NamedTuple

from drumbeat import access, clock, table
from drumbeat.accounts.model import ApiKey, Tenant
from drumbeat.contacts.model import Contact

from tests import harness
from tests.simulation import edge
from tests.simulation.clouds import Cloud
from tests.simulation.expressions import Item
from tests.simulation.store import Store
from tests.simulation.streams import watched

TENANTS = ("ten_acme", "ten_globex")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC).timestamp()
HTML = """<html><body><h1>Hello {{ first_name | default: "there" }}</h1>
<p><a href="https://shop.example/eid">Shop now</a></p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p></body></html>"""


class Town(NamedTuple):
    """The table as it is before, and what in it the stories need."""

    store: Store
    campaign: str
    people: list[str]


def contact_id(number: int) -> str:
    """Ids whose order is that of the numbers; spread over the shards as any others."""
    return f"con_{number:026d}"


def number_of(contact: str) -> int:
    """The number that a contact's id was made of."""
    return int(contact.removeprefix("con_"))


def address(number: int) -> str:
    return f"p{number}@town.example"


def credential(tenant: str) -> dict[str, str]:
    return {"X-API-Key": f"db_live_{tenant.removeprefix('ten_')}_secret"}


@functools.cache
def town(people: int) -> Town:
    """The town with so many people for each tenant. Made once: seeds begin with copies of it."""
    store, campaigns = Store(lambda: START, watched()), []
    for tenant in TENANTS:
        cloud = Cloud(0, store, START)
        with edge.played(cloud, 0):  # the same chance and the same time for each, and so the same ids
            _tenant(tenant)
            campaigns.append(_campaign(tenant))
            _people(cloud.store, tenant, people)
        store = cloud.store
    assert len(set(campaigns)) == 1
    everyone = [contact_id(number) for number in range(people)]
    return Town(store.copy(lambda: START), campaigns[0], everyone)


def _tenant(tenant: str) -> None:
    now, name = clock.wall(), tenant.removeprefix("ten_")
    Tenant(
        *Tenant.key(tenant), gsi1pk="TENANTS#all", gsi1sk=tenant, tenant=tenant, name=name, slug=name, created_at=now,
        limits={"standard": 100_000, "analytics": 100_000},
        settings={
            "currency": "USD", "time_zone": "UTC", "sender_name": name.title(), "sender_email": f"news@{name}.example",
            "postal_address": "1 Main Street, Springfield",
        },
    ).create()  # fmt: skip
    ApiKey(
        *ApiKey.key(name), gsi1pk=f"APIKEYS#{tenant}", gsi1sk=name, tenant=tenant, key_id=name, name="test",
        secret_hash=access.hashed("secret"), scopes={"*"}, created_at=now,
    ).create()  # fmt: skip


def ask(tenant: str | None, name: str, **request: Any) -> harness.Reply:
    """An http function's answer, without the harness's own checks: there are hundreds of seeds."""
    function = harness.function(name)
    headers = {**(credential(tenant) if tenant else {}), **request.pop("headers", {})}
    answer = function(harness.http_event(function.declaration.route or "", headers=headers, **request), None)
    return harness.Reply(answer["statusCode"], answer["headers"], answer["body"])


def _campaign(tenant: str) -> str:
    template = {"name": "Eid", "subject": "Hi {{ first_name }}", "html": HTML, "variables": ["first_name"]}
    made = ask(tenant, "templates.create_template", body=template).data["id"]
    body = {"name": "Eid offers", "template_id": made, "audience": {"everyone": True}}
    return str(ask(tenant, "campaigns.create_campaign", body=body).data["id"])


def _people(store: Store, tenant: str, people: int) -> None:
    """Contacts as the API makes them, of one form, so that only what differs is written for each."""
    now = clock.business()
    said = {"email": {"status": "granted", "at": clock.iso(now), "method": "api"}}
    one = Contact(
        *Contact.key(tenant, contact_id(0)), gsi1pk=Contact.partition_of(tenant, contact_id(0)), gsi1sk=contact_id(0),
        tenant=tenant, contact_id=contact_id(0), email=address(0), first_name="Rina", consent=said,
        created_at=now, updated_at=now,
    )  # fmt: skip
    form = table.raw(one)
    for number in range(people):
        store.write(_person(form, tenant, number))
    store.write({**_key(f"COUNT#{tenant}#contacts", "0"), "number": {"N": str(people)}})


def _person(form: Item, tenant: str, number: int) -> Item:
    who = contact_id(number)
    return {
        **form, "pk": {"S": f"CONTACT#{tenant}#{who}"}, "gsi1pk": {"S": Contact.partition_of(tenant, who)},
        "gsi1sk": {"S": who}, "contact_id": {"S": who}, "email": {"S": address(number)},
    }  # fmt: skip


def _key(pk: str, sk: str) -> Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}
