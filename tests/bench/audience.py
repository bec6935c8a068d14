"""Contacts as a shop has them, written straight into the table, and the newsletter that they get."""

import json
from typing import Any

from drumbeat import clock, counts, ids
from drumbeat.contacts.model import Contact
from drumbeat.segments.model import SHARDS, Member

from tests.bench.dynamo import Table
from tests.bench.render_template import HTML, SUBJECT

TENANT = "ten_acme"


def seed(table: Table, number: int, segment: str) -> list[str]:
    """Put contacts, and their membership of a segment, without metering; gives their ids."""
    at = clock.iso(clock.business())
    made = sorted(ids.new("con") for _ in range(number))
    for place, contact_id in enumerate(made):
        table.store(Contact.key(TENANT, contact_id), _contact(contact_id, place, at))
        pk, sk = Member.key(TENANT, segment, contact_id)
        member = {"pk": pk, "sk": sk, "since": at, "channels": "email,sms"}
        numbers = {"value": {"N": str(place % 90_000)}, "orders": {"N": str(place % 12)}}
        table.store((pk, sk), {**_texts(member), **numbers})
    for shard in range(counts.SHARDS):
        pk, sk = counts.Count.key(TENANT, "contacts", shard)
        table.store((pk, sk), {**_texts({"pk": pk, "sk": sk}), "number": {"N": str(number // counts.SHARDS)}})
    return made


def _contact(contact_id: str, place: int, at: str) -> dict[str, Any]:
    pk, sk = Contact.key(TENANT, contact_id)
    consent = {"email": {"status": "granted", "at": at, "source": "checkout form", "method": "web"}}
    texts = {
        "pk": pk, "sk": sk, "gsi1pk": Contact.partition(TENANT, ids.shard(contact_id, SHARDS)), "gsi1sk": contact_id,
        "tenant": TENANT, "contact_id": contact_id, "email": f"anika.rahman{place}@customers.example",
        "first_name": f"Anika{place}", "last_name": "Rahman", "phone": f"+88017{place:08d}", "language": "en",
        "time_zone": "Asia/Dhaka", "country": "BD", "external_id": str(100_000 + place), "currency": "BDT",
        "attributes": json.dumps(attributes(place), separators=(",", ":")), "consent": json.dumps(consent),
        "created_at": at, "updated_at": at, "last_purchase_at": at, "first_purchase_at": at, "att": "0123456789abcdef",
    }  # fmt: skip
    numbers = {"lifetime_value": str(place % 90_000), "total_orders": str(place % 12)}
    return {
        **_texts(texts),
        **{name: {"N": value} for name, value in numbers.items()},
        "tags": {"SS": ["newsletter", "shop"]},
        "external_id_is_number": {"BOOL": True},
    }


def attributes(place: int) -> dict[str, Any]:
    """What the newsletter says of a recipient besides the contact's own fields."""
    return {
        "city": "Dhaka & Co", "coupon": f"save{place}", "gender_greeting": "Bye!", "last_order": "2026-10-05",
        "loyalty": {"tier": "gold" if place % 2 else "silver", "points": place},
        "products": [{"sku": f"s{place}{n}", "name": f"Shirt {n}", "price": "1250.00"} for n in range(3)],
    }  # fmt: skip


# What is the same for all recipients.
SAID = {"month": "November", "expires": "2026-12-01T00:00:00Z", "store": {"name": "Shop", "street": "Road 1"}}
SMALL_HTML = (
    "<html><body><p>Hello {{ first_name }}, <a href='https://shop.example/sale'>shop</a> or "
    "<a href='https://shop.example/new'>look</a>.</p><p>{{ postal_address }} "
    "<a href='{{ unsubscribe_url }}'>Unsubscribe</a></p></body></html>"
)


def newsletter(large: bool) -> tuple[str, str]:
    """Subject and HTML: 30 KB with fifteen personal places, or a short note."""
    return (SUBJECT, HTML) if large else ("Hello {{ first_name }}", SMALL_HTML)


def _texts(values: dict[str, str]) -> dict[str, Any]:
    return {name: {"S": value} for name, value in values.items()}
