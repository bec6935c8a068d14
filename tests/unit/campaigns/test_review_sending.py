"""Recipients that a request names, test mails, and whose a purchase is: what holds when things come in odd orders."""

from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, ids, table
from drumbeat.activity.model import Timeline
from drumbeat.campaigns import conversions, economics
from drumbeat.campaigns.conversions import Conversion
from drumbeat.campaigns.economics import Sums
from drumbeat.contacts import model as contacts

from tests.unit.campaigns.conftest import Shop

TENANT = "ten_acme"
AT = datetime.fromisoformat("2026-03-02T10:00:00+00:00")


def send(shop: Shop, campaign: str, *emails: str) -> Any:
    body = [{"email": email} for email in emails]
    return shop.world.call("campaigns.send_to_recipients", path={"campaign_id": campaign}, body=body)


def send_test(shop: Shop, campaign: str, *emails: str) -> dict[str, Any]:
    reply = shop.world.call("campaigns.send_test", path={"campaign_id": campaign}, body={"emails": emails})
    assert reply.status == 200, reply.text
    return {one["email"]: (one["sent"], one["reason"]) for one in reply.data}


def test_a_refused_request_leaves_nobody_behind_who_gets_the_next_one(shop: Shop) -> None:
    campaign = shop.world.call("campaigns.create_campaign", body={"name": "Late", "subject": "Hi"}).data["id"]

    refused = send(shop, campaign, "a@town.example")

    assert refused.body["error"]["code"] == "CAMPAIGN_NOT_READY"
    assert contacts.find_by_email(TENANT, "a@town.example") is None
    shop.world.call("campaigns.update_campaign", path={"campaign_id": campaign}, body={"template_id": shop.template()})
    assert send(shop, campaign, "b@town.example").status == 202
    shop.world.settle()
    assert shop.mails.addresses() == ["b@town.example"]


def test_a_list_that_was_not_launched_is_not_part_of_another(shop: Shop) -> None:
    """The request dies between its list and its launch; the next one names somebody else."""
    campaign = shop.campaign()
    table.connection().connection.client.meta.events.register("before-call.dynamodb.TransactWriteItems", _die_at_send)
    try:
        assert send(shop, campaign, "a@town.example").status == 500
    finally:
        table.connection().connection.client.meta.events.unregister(
            "before-call.dynamodb.TransactWriteItems", _die_at_send
        )
    assert send(shop, campaign, "b@town.example").status == 202
    shop.world.settle()
    assert shop.mails.addresses() == ["b@town.example"]


def _die_at_send(params: dict[str, Any], **_: Any) -> None:
    if b'"SENDKEY#' in params["body"]:
        raise RuntimeError("the instance died")


def test_filters_are_of_those_who_match_at_the_launch_that_sends(shop: Shop) -> None:
    """A launch dies behind its list; until the next one somebody comes and somebody goes."""
    old = shop.contact("old@town.example", attributes={"user_type": "new"})
    campaign = shop.campaign(audience={"filters": {"user_type": "new"}})
    events = table.connection().connection.client.meta.events
    events.register("before-call.dynamodb.TransactWriteItems", _die_at_send)
    try:
        assert shop.do("launch", campaign).status == 500
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", _die_at_send)
    shop.world.settle()
    shop.world.call("contacts.update_contact", path={"contact_id": old}, body={"attributes": {"user_type": "old"}})
    shop.contact("new@town.example", attributes={"user_type": "new"})
    shop.launch(campaign)

    assert shop.mails.addresses() == ["new@town.example"]


def test_a_test_mail_respects_who_may_not_be_written_to(shop: Shop) -> None:
    shop.contact("revoked@town.example", consent="revoked")
    shop.world.call("contacts.create_suppression", body={"address": "bounced@town.example", "reason": "hard_bounce"})
    named = ("boss@acme.example", "Revoked@town.example", "bounced@town.example")

    found = send_test(shop, shop.campaign(), *named)

    assert sorted(found.values(), key=str) == [(False, "revoked"), (False, "suppressed:hard_bounce"), (True, None)]
    assert shop.mails.addresses() == ["boss@acme.example"]
    boss = contacts.find_by_email(TENANT, "boss@acme.example")
    assert boss is not None and boss.consent["email"]["method"] == "api"
    assert contacts.find_by_email(TENANT, "bounced@town.example") is None


def test_a_test_to_nobody_who_may_get_it_asks_no_provider(shop: Shop) -> None:
    shop.contact("revoked@town.example", consent="revoked")

    assert send_test(shop, shop.campaign(), "revoked@town.example") == {"revoked@town.example": (False, "revoked")}
    assert shop.mails.addresses() == []


def test_a_test_keeps_what_is_known_of_a_contact(shop: Shop) -> None:
    known = shop.contact("boss@acme.example", first_name="Bea")

    send_test(shop, shop.campaign(), "boss@acme.example", "BOSS@acme.example")

    boss = contacts.get(TENANT, known)
    assert (boss.first_name, boss.consent["email"]["method"]) == ("Bea", "web")


def click(contact: str, campaign: str, at: datetime) -> None:
    event_id = ids.new("evt")
    Timeline(
        *Timeline.key(TENANT, contact, at, event_id), event_id=event_id, name="email.clicked", at=at,
        campaign=campaign, ttl=1_900_000_000,
    ).create()  # fmt: skip


def purchase(contact: str, event_id: str = "order-1", value: int = 500) -> dict[str, Any]:
    data = {"contact_id": contact, "event_id": event_id, "value_minor": value, "occurred_at": clock.iso(AT)}
    frame = {"event_type": "contact.purchased", "data": data, "metadata": {"tenant_id": TENANT}}
    return {"detail-type": "contact.purchased", "detail": frame}


def test_a_purchase_is_one_campaigns_for_ever(shop: Shop) -> None:
    contact = shop.contact("buyer@town.example")
    first, second = ids.new("cmp"), ids.new("cmp")
    click(contact, first, AT - timedelta(hours=2))
    for _ in range(2):
        assert conversions.credit(TENANT, contact, "order-1", 500, AT) == first
    click(contact, second, AT - timedelta(hours=1))  # told late, after the purchase was

    assert conversions.credit(TENANT, contact, "order-1", 500, AT) == first
    assert (economics.of(TENANT, first), economics.of(TENANT, second)) == ({"USD": Sums(1, 500)}, {})
    assert conversions.credit(TENANT, contact, "order-2", 700, AT) == second


def test_the_mark_of_a_purchase_is_in_no_campaign(shop: Shop) -> None:
    contact, campaign = shop.contact("buyer@town.example"), ids.new("cmp")
    click(contact, campaign, AT - timedelta(hours=1))
    conversions.credit(TENANT, contact, campaign, 500, AT)  # an event may be called anything

    assert economics.of(TENANT, campaign) == {"USD": Sums(1, 500)}
    assert len(list(table.rows(Conversion, Conversion.partition(TENANT, campaign)))) == 1


def test_a_purchase_waits_for_the_click_that_is_still_on_its_way(shop: Shop) -> None:
    contact, campaign = shop.contact("buyer@town.example"), shop.campaign()
    shop.launch(campaign)
    shop.world.run("campaigns.attribute_purchase", purchase(contact))
    assert shop.results(campaign)["conversions"] == 0
    click(contact, campaign, AT - timedelta(seconds=5))
    shop.world.settle()

    results = shop.results(campaign)
    assert (results["conversions"], results["revenue"]) == (1, 5)
