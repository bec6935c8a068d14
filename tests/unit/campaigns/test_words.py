"""What a send says: each reader's language, products, blocks and addresses, frozen at launch."""

import re
from collections import defaultdict
from typing import Any

from tests.unit.campaigns.conftest import HTML, Shop

BN = HTML.replace("Hello", "প্রিয়").replace("Shop now", "এখনই কিনুন")
SAREE = {
    "sku": "SAREE-1", "name": "Saree", "names": {"bn": "শাড়ি"}, "price": 45, "compare_at_price": 60,
    "url": "https://shop.example/saree", "image_url": "https://cdn.example/saree.jpg",
}  # fmt: skip


def by_address(shop: Shop) -> dict[str, dict[str, Any]]:
    """Everybody's one mail."""
    mails = shop.mails.mails()
    found = {mail["to"][0]: mail for mail in mails}
    assert len(found) == len(mails)
    return found


def calls(shop: Shop) -> dict[tuple[str, str], set[str]]:
    """The subjects of each call: a claim of a chunk makes one."""
    made = defaultdict(set)
    for mail in shop.mails.mails():
        made[mail["tags"]["chunk"], mail["tags"]["attempt"]].add(mail["subject"])
    return made


def test_each_reader_gets_their_language(shop: Shop) -> None:
    for name, language in {"en": "en", "bn": "bn", "bd": "bn-BD", "fr": "fr", "no": None}.items():
        shop.contact(f"{name}@t.example", **({"language": language} if language else {}))
    template = shop.template(languages={"bn": {"html": BN}})
    campaign = shop.campaign(template_id=template, subject="Eid offers", subjects={"bn": "ঈদের অফার", "fr": "Offres"})

    shop.launch(campaign)

    mails = by_address(shop)
    assert {address: mail["subject"] for address, mail in mails.items()} == {
        "en@t.example": "Eid offers", "no@t.example": "Eid offers", "fr@t.example": "Offres",
        "bn@t.example": "ঈদের অফার", "bd@t.example": "ঈদের অফার",
    }  # fmt: skip
    assert {address for address, mail in mails.items() if "এখনই কিনুন" in mail["html"]} == {
        "bn@t.example", "bd@t.example"
    }  # fmt: skip
    # The same target has the same number in every language, so that its clicks are added up.
    assert {tuple(re.findall(r"/c/[\w-]+/(\d+)", mail["html"])) for mail in mails.values()} == {("1", "2")}
    # A chunk was planned for each language, and needed one call.
    assert sorted(map(list, calls(shop).values())) == [["Eid offers"], ["Offres"], ["ঈদের অফার"]]
    assert {attempt for _, attempt in calls(shop)} == {"1"}
    assert shop.results(campaign)["sent"] == 5


def test_who_changes_the_language_meanwhile_gets_the_new_one_once(shop: Shop) -> None:
    shop.contact("stays@t.example", language="bn")
    changes = shop.contact("changes@t.example", language="bn")
    campaign = shop.campaign(subject="Offers", subjects={"bn": "অফার"})

    shop.do("launch", campaign)
    shop.world._machines()  # planned: both are in the chunk of those who read Bangla
    shop.world.call("contacts.update_contact", path={"contact_id": changes}, body={"language": "en"})
    shop.world.settle()

    assert {address: mail["subject"] for address, mail in by_address(shop).items()} == {
        "stays@t.example": "অফার", "changes@t.example": "Offers",
    }  # fmt: skip
    # One call has one language: the chunk was claimed twice, and each claim made one call.
    assert sorted((attempt, *subjects) for (_, attempt), subjects in calls(shop).items()) == [
        ("1", "অফার"), ("2", "Offers"),
    ]  # fmt: skip
    assert shop.status(campaign) == "sent"


def test_products_are_frozen_and_their_links_tracked(shop: Shop) -> None:
    world = shop.world
    world.call("products.create_product", body=SAREE)
    template = world.call("templates.create_template", body={"starter": "promotion"}).data["id"]
    content = {"products": ["SAREE-1"], "cta_text": "Shop", "cta_link": "https://shop.example/eid?x=1"}
    campaign = shop.campaign(template_id=template, content=content)
    shop.contact("en@t.example")
    shop.contact("bn@t.example", language="bn")

    shop.do("launch", campaign)
    world.call("products.update_product", path={"product_id": "SAREE-1"}, body={"name": "Sold out", "price": 1})
    world.settle()

    mails = by_address(shop)
    english, bangla = mails["en@t.example"], mails["bn@t.example"]
    assert "Saree" in english["html"] and "শাড়ি" in bangla["html"]
    assert "$45.00" in english["html"] and "$60.00" in english["html"]
    assert 'src="https://cdn.example/saree.jpg"' in english["html"]
    assert "Saree" in english["text"]
    for mail in (english, bangla):
        assert "shop.example" not in mail["html"]  # the button and the product are tracked, by number
        links = set(re.findall(r"https://track.example/c/([\w-]+)/(\d+)", mail["html"]))
        assert {number for _, number in links} == {"1", "2"}
        token = next(iter(links))[0]
        targets = [
            world.call("tracking.follow_link", path={"token": token, "link": number}, tenant=None).headers["Location"]
            for number in ("1", "2")
        ]
        assert targets == ["https://shop.example/eid?x=1", "https://shop.example/saree"]


def test_a_campaign_whose_content_lacks_something_says_what(shop: Shop) -> None:
    template = shop.world.call("templates.create_template", body={"starter": "welcome"}).data["id"]
    linked = shop.campaign(template_id=template)
    unknown = shop.campaign(content={"products": ["NOPE"]})
    shop.contact("one@t.example")

    no_link, no_product = shop.do("launch", linked), shop.do("launch", unknown)

    assert (no_link.status, no_link.body["error_code"]) == (422, "CAMPAIGN_NOT_READY")
    assert "content.cta_link" in no_link.body["error"]["details"][0]["message"]
    assert no_product.refused == ["content.products"]


def test_an_address_in_the_content_is_no_place_for_anything_else(shop: Shop) -> None:
    template = shop.world.call("templates.create_template", body={"starter": "welcome"}).data["id"]
    shop.contact("one@t.example")
    for address in ("https://shop.example/\ufdd09999\ufdd1", "javascript:alert(1)", "https://shop.example/{% if %}"):
        campaign = shop.campaign(template_id=template, content={"cta_link": address})

        refused = shop.do("launch", campaign)

        assert (refused.status, refused.body["error_code"]) == (422, "CAMPAIGN_NOT_READY"), address


def test_findings_that_are_errors_stop_a_launch(shop: Shop) -> None:
    shop.contact("one@t.example")
    campaign = shop.campaign(html='<p>Hi</p>\n<a href="/sale">Sale</a> <a href="#">x</a> <img src="a.png" alt="">')

    refused = shop.do("launch", campaign)

    assert (refused.status, refused.body["error_code"]) == (422, "CAMPAIGN_NOT_READY")
    assert refused.refused == ["html line 2"] * 3
    assert [it["message"].partition(":")[0] for it in refused.body["error"]["details"]] == [
        "broken_link", "broken_link", "broken_image",
    ]  # fmt: skip
    assert shop.mails.mails() == []


def test_what_was_launched_keeps_its_blocks_and_its_version(shop: Shop) -> None:
    world = shop.world
    world.call("templates.create_block", body={"name": "ps", "html": "<p>PS: {{ words }}</p>"})
    template = shop.template(html=HTML.replace("</body>", '{% render "ps", words: "before" %}</body>'))
    campaign = shop.campaign(template_id=template)
    shop.contact("one@t.example")

    draft = shop.do("get", campaign).data
    shop.do("launch", campaign)
    world.call("templates.update_block", path={"name": "ps"}, body={"html": "<p>PS: after</p>"})
    world.call("templates.update_template", path={"template_id": template}, body={"html": "<p>Other</p>"})
    world.settle()

    (mail,) = shop.mails.mails()
    assert "PS: before" in mail["html"] and "PS: before" in mail["text"]
    assert (draft["template_version"], shop.do("get", campaign).data["template_version"]) == (None, 1)
    assert world.call("templates.get_template", path={"template_id": template}).data["usage_count"] == 1


def test_a_test_mail_shows_products_that_its_data_name(shop: Shop) -> None:
    shop.world.call("products.create_product", body=SAREE)
    template = shop.world.call("templates.create_template", body={"starter": "promotion"}).data["id"]
    campaign = shop.campaign(template_id=template, content={"cta_link": "https://shop.example/"})
    request = {
        "test_emails": ["me@t.example"],
        "test_data": {"customer_name": "Ann", "personalized_products": ["SAREE-1"]},
    }

    documented = shop.world.call(
        "campaigns.send_test", path={"campaign_id": campaign}, body=request,
        route="POST /api/v1/marketing/email-campaigns/{campaign_id}/test",
    )  # fmt: skip
    bangla = shop.world.call(
        "campaigns.send_test", path={"campaign_id": campaign},
        body={"emails": ["me@t.example"], "data": {"products": ["SAREE-1"]}, "language": "bn"},
    )  # fmt: skip

    assert documented.status == bangla.status == 200
    english, bengali = shop.mails.mails()
    assert "Saree" in english["html"] and "https://shop.example/saree" in english["html"]
    assert "শাড়ি" in bengali["html"]
