"""What links of mails say of themselves (UTM), and people who are not to be tracked."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from drumbeat.accounts import utm
from drumbeat.sends.model import SendKey
from drumbeat.templates.engine import compile_template
from drumbeat.templates.parameters import Parameters

from tests.unit.campaigns.conftest import Shop
from tests.unit.contacts.files import imported

HTML = (
    '<p><a href="https://shop.example/eid?size=m&amp;utm_medium=crm#top">Eid</a> <a href="https://other.example/">O</a>'
    ' <a href="https://www.shop.example/x?who={{ email | url_encode }}">You</a>'
    ' <a data-no-track href="https://shop.example/plain">P</a></p>'
)
SAID = {"parameters": {"utm_source": "news letter", "utm_medium": "email"}, "hosts": ["shop.example"]}


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://a.example/", "https://a.example/?utm_source=s&utm_term=a%26b"),
        ("https://a.example/?", "https://a.example/?utm_source=s&utm_term=a%26b"),
        ("https://a.example/x?y=1#z?w", "https://a.example/x?y=1&utm_source=s&utm_term=a%26b#z?w"),
        ("https://a.example/?utm_source=own&b", "https://a.example/?utm_source=own&b&utm_term=a%26b"),
        ("https://[::1", "https://[::1"),
    ],
)
def test_parameters_are_put_behind_what_is_there(url: str, wanted: str) -> None:
    assert Parameters((("utm_source", "s"), ("utm_term", "a&b"))).on(url) == wanted


def test_links_get_them_tracked_or_not() -> None:
    tracked = compile_template("s", HTML, parameters=Parameters.of(SAID))
    assert [link.url_template for link in tracked.links] == [
        "https://shop.example/eid?size=m&utm_medium=crm&utm_source=news%20letter#top",
        "https://other.example/",
        "https://www.shop.example/x?who={{ email }}&utm_source=news%20letter&utm_medium=email",
    ]
    plain = compile_template("s", HTML, parameters=Parameters.of(SAID), track_links=False, track_opens=False).preview(
        {"email": "a&b@c.example"}
    )
    assert 'href="https://shop.example/eid?size=m&amp;utm_medium=crm&amp;utm_source=news%20letter#top"' in plain.html
    assert "who=a%26b%40c.example&amp;utm_source=" in plain.html
    assert 'href="https://shop.example/plain"' in plain.html and 'href="https://other.example/"' in plain.html
    assert "https://shop.example/eid?size=m&utm_medium=crm&utm_source=news%20letter#top" in plain.text


def test_the_campaigns_own_parameters_go_before_the_tenants() -> None:
    tenants = {"source": "crm", "term": "all", "hosts": ["shop.example"]}
    assert utm.chosen(None, None, "eid") is None
    assert utm.chosen(tenants, {"enabled": False}, "eid") is None
    found = utm.chosen(tenants, {"term": "vip", "campaign": None}, "eid")
    assert found == {
        "parameters": {"utm_source": "crm", "utm_medium": "email", "utm_campaign": "eid", "utm_term": "vip"},
        "hosts": ["shop.example"],
    }


def said(shop: Shop, **fields: Any) -> str:
    body = {"name": "Eid", "subject": "Hi", "html": HTML, "audience": {"everyone": True}, **fields}
    reply = shop.world.call("campaigns.create_campaign", body=body)
    return str(reply.data["id"])


def test_a_click_leads_where_the_parameters_say(shop: Shop) -> None:
    shop.contact("a@town.example")
    shop.world.call("accounts.update_settings", body={"utm": {"source": "crm"}})
    campaign = said(shop, utm={"medium": "mail", "hosts": ["other.example"]})
    bad = shop.world.call("campaigns.create_campaign", body={"name": "Bad", "utm": {"term": "{{ name }}"}})
    assert bad.refused == ["utm.term"]
    shop.launch(campaign)

    key = SendKey.fetch(*SendKey.key(shop.do("get", campaign).data["send_id"]))
    assert key is not None
    targets = [urlsplit(link["url"]) for link in key.links]
    asked = {target.netloc: dict(parse_qsl(target.query)) for target in targets}
    assert asked["other.example"] == {"utm_source": "crm", "utm_medium": "mail", "utm_campaign": "eid"}
    assert asked["shop.example"] == {"size": "m", "utm_medium": "crm"}


def test_who_is_not_to_be_tracked_gets_plain_links_and_no_pixel(shop: Shop) -> None:
    shop.contact("seen@town.example")
    private = shop.contact("private@town.example", tracking=False)
    imported(shop.world, "email,tracking,email_consent\ntoo@town.example,no,yes\n")
    assert shop.world.call("contacts.get_contact", path={"contact_id": private}).data["tracking"] is False
    campaign = said(shop)
    shop.launch(campaign)

    mails = {mail["to"][0].split("@")[0]: mail for mail in shop.mails.mails()}
    assert "/c/" in mails["seen"]["html"] and "/o/" in mails["seen"]["html"]
    for name in ("private", "too"):
        assert "/c/" not in mails[name]["html"] + mails[name]["text"] and "/o/" not in mails[name]["html"]
        assert 'href="https://other.example/"' in mails[name]["html"]
        assert dict(mails[name]["headers"])["List-Unsubscribe"].startswith("<https://track.example/u/")
    assert (shop.results(campaign)["sent"], shop.status(campaign)) == (3, "sent")
