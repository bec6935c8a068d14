"""From a draft to mails: everyone who may gets exactly one, and it is shown who did not, and why."""

from tests.unit.campaigns.conftest import Shop


def test_a_campaign_reaches_everyone_with_consent_once(shop: Shop) -> None:
    for number in range(55):
        shop.contact(f"person{number}@town.example", first_name=f"Person {number}")
    shop.contact("silent@town.example", consent=None)
    campaign = shop.campaign()

    shop.launch(campaign)

    assert sorted(shop.mails.addresses()) == sorted(f"person{number}@town.example" for number in range(55))
    results = shop.results(campaign)
    assert results["recipients"] == 56
    assert results["sent"] == 55
    assert results["not_sent_by_reason"] == {"no_consent": 1}
    assert shop.status(campaign) == "sent"


def test_a_mail_is_personal_and_has_what_the_law_asks_for(shop: Shop) -> None:
    shop.contact("amina@town.example", first_name="আমিনা")
    shop.launch(shop.campaign())

    (mail,) = shop.mails.mails()

    assert mail["subject"] == "Hi আমিনা"
    assert "Hello আমিনা" in mail["html"]
    assert "1 Main Street" in mail["html"] and "1 Main Street" in mail["text"]
    headers = dict(mail["headers"])
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith("<https://track.example/u/")
    assert "https://shop.example/eid" not in mail["html"]  # links are tracked, by number
    assert mail["from"] == "Acme <news@acme.example>"


def test_suppressed_revoked_and_deleted_people_get_nothing_and_are_shown(shop: Shop) -> None:
    for name in ("kept", "suppressed", "revoked", "deleted"):
        shop.contact(f"{name}@town.example")
    campaign = shop.campaign(audience={"segments": [shop.segment()]})
    world = shop.world
    world.call("contacts.create_suppression", body={"address": "suppressed@town.example", "reason": "manual"})
    world.call("contacts.create_unsubscribe", body={"email": "revoked@town.example", "reason": "too_frequent"})
    (gone,) = world.call("contacts.list_contacts", query={"email": "deleted@town.example"}).data["items"]
    shop.do("launch", campaign)  # the audience is frozen by the planner, below
    world._machines()
    world.call("contacts.delete_contact", path={"contact_id": gone["id"]})
    world.settle()

    assert shop.mails.addresses() == ["kept@town.example"]
    assert shop.results(campaign)["not_sent_by_reason"] == {"suppressed": 1, "consent_revoked": 1, "contact_deleted": 1}
    listed = world.call("campaigns.list_recipients", path={"campaign_id": campaign}, query={"outcome": "not_sent"}).data
    assert listed["total_count"] == 3
    assert {row["reason"] for row in listed["items"]} == {"suppressed", "consent_revoked", "contact_deleted"}


def test_launching_twice_is_refused_and_sends_once(shop: Shop) -> None:
    shop.contact("one@town.example")
    campaign = shop.campaign()

    shop.launch(campaign)
    again = shop.do("launch", campaign)

    assert again.status == 409
    assert again.body["error"]["code"] == "CAMPAIGN_STATUS"
    assert shop.mails.addresses() == ["one@town.example"]


def test_a_campaign_that_is_not_ready_says_all_that_is_missing(shop: Shop) -> None:
    world = shop.world
    made = world.call("campaigns.create_campaign", body={"name": "Empty"}).data["id"]

    reply = shop.do("launch", made)

    assert reply.status == 422
    assert reply.body["error"]["code"] == "CAMPAIGN_NOT_READY"
    assert set(reply.refused) == {"subject", "template_id"}


def test_segments_less_excluded_ones(shop: Shop) -> None:
    for number in range(10):
        shop.contact(f"p{number}@town.example", attributes={"number": number})
    small = shop.segment("Small", logic="AND", conditions=[{"field": "number", "operator": "less_than", "value": 5}])
    odd = shop.segment("Odd", logic="AND", conditions=[{"field": "number", "operator": "in", "value": [1, 3, 5, 7, 9]}])
    three = shop.segment("Three", logic="AND", conditions=[{"field": "number", "operator": "equals", "value": 3}])

    shop.launch(shop.campaign(audience={"segments": [small, odd], "exclude": [three]}))

    assert sorted(shop.mails.addresses()) == sorted(f"p{n}@town.example" for n in (0, 1, 2, 4, 5, 7, 9))


def test_filters_narrow_an_audience(shop: Shop) -> None:
    shop.contact("new@town.example", attributes={"user_type": "new"})
    shop.contact("old@town.example", attributes={"user_type": "old"})
    shop.launch(shop.campaign(audience={"filters": {"user_type": "new"}}))

    assert shop.mails.addresses() == ["new@town.example"]


def test_another_tenants_campaign_is_not_there(shop: Shop) -> None:
    campaign = shop.campaign()

    for verb in ("get", "launch", "pause", "resume", "cancel"):
        assert shop.do(verb, campaign, tenant="globex").status == 404


def test_recipients_named_by_the_request(shop: Shop) -> None:
    shop.contact("revoked@town.example", consent="revoked")
    campaign = shop.campaign()
    named = [{"email": "john.doe@company.com", "name": "John Doe"}, {"email": "revoked@town.example"}]

    reply = shop.world.call("campaigns.send_to_recipients", path={"campaign_id": campaign}, body=named)
    shop.world.settle()

    assert reply.status == 202
    assert reply.data["recipients"] == 2
    assert shop.mails.addresses() == ["john.doe@company.com"]
    assert shop.results(campaign)["not_sent_by_reason"] == {"consent_revoked": 1}


def test_a_test_mail_is_not_counted(shop: Shop) -> None:
    shop.contact("one@town.example")
    campaign = shop.campaign()

    reply = shop.world.call(
        "campaigns.send_test", path={"campaign_id": campaign},
        body={"emails": ["boss@acme.example"], "data": {"first_name": "Boss"}},
    )  # fmt: skip

    assert reply.data[0]["sent"] is True
    (mail,) = shop.mails.mails()
    assert mail["subject"] == "[Test] Hi Boss"
    assert shop.status(campaign) == "draft"
    assert shop.results(campaign)["sent"] == 0
