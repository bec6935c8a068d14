"""Pixels and links: they tell the queue, and never lead anywhere but to a send's own targets."""

import json
import os
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from drumbeat import aws
from drumbeat.feedback import known, tracking
from drumbeat.sends import rollups, tokens

from tests.harness import Reply
from tests.sends import BROWSER, Sent, sent
from tests.world import World


@pytest.fixture(autouse=True)
def _fresh() -> None:
    for module in (known, tracking, tokens, rollups):
        module.forget()


def queued() -> list[dict[str, Any]]:
    found = boto3.client("sqs").receive_message(QueueUrl=os.environ["QUEUE_FEEDBACK"], MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


def opened(world: World, token: str, **request: Any) -> Reply:
    return world.call("tracking.record_open", tenant=None, path={"token": token}, **request)


def clicked(world: World, send: Sent, link: str = "1", token: str | None = None, **request: Any) -> Reply:
    path = {"token": token or send.token(), "link": link}
    return world.call("tracking.follow_link", tenant=None, path=path, **request)


def forged(send: Sent) -> str:
    token = send.token()
    return ("A" if token[0] != "A" else "B") + token[1:]


def test_a_pixel_says_who_opened_and_is_not_kept_by_anyone(world: World) -> None:
    send = sent(sizes=(3, 3))
    headers = {"user-agent": BROWSER, "cloudfront-viewer-country": "BD"}
    reply = opened(world, send.token(2, chunk=1) + ".gif", headers=headers, ip="203.0.113.9")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "image/gif")
    assert reply.text.startswith("GIF89a") and len(reply.text) < 50
    assert reply.headers["Cache-Control"].startswith("no-store")
    (message,) = queued()
    at = message.pop("at")
    assert at.endswith("Z")
    assert message == {
        "type": "open", "tenant": "ten_acme", "send": send.send_id, "shard": 0, "number": 1, "recipient": 2,
        "user_agent": BROWSER, "ip": "203.0.113.9", "country": "BD",
    }  # fmt: skip


def test_a_pixel_that_is_not_ours_looks_the_same(world: World) -> None:
    send = sent()
    right = opened(world, send.token())
    queued()
    for token in (forged(send), "x", "ä", "a" * 500, send.token()[:-1], tokens.issue(b"x" * 32, send.place(), 0)):
        wrong = opened(world, token)
        assert (wrong.status, wrong.text) == (right.status, right.text)
        assert {k: v for k, v in wrong.headers.items() if k not in ("X-Request-ID",) and "RateLimit" not in k} == {
            k: v for k, v in right.headers.items() if k not in ("X-Request-ID",) and "RateLimit" not in k
        }
    assert queued() == []


def test_a_link_leads_to_its_target_and_tells_it(world: World) -> None:
    send = sent()
    reply = clicked(world, send, "2", headers={"user-agent": BROWSER})
    assert (reply.status, reply.headers["Location"]) == (302, "https://shop.example/new")
    assert reply.headers["Referrer-Policy"] == "no-referrer"
    (message,) = queued()
    assert (message["type"], message["link"], message["url"]) == ("click", 2, "https://shop.example/new")


@pytest.mark.parametrize("link", ["3", "0", "-1", "x", "1e0", "١", "9999999999", "https://evil.example"])
def test_a_link_that_the_send_does_not_have_is_a_page(world: World, link: str) -> None:
    reply = clicked(world, sent(), link)
    assert reply.status == 404
    assert "This link does not work" in reply.text and "Location" not in reply.headers
    assert queued() == []


def test_there_is_no_open_redirect(world: World) -> None:
    send = sent()
    reply = clicked(world, send, "1", query={"url": "https://evil.example", "next": "//evil.example"})
    assert reply.headers["Location"] == "https://shop.example/sale?ref=mail"
    for token in (forged(send), "..", "%2F"):
        assert clicked(world, send, "1", token=token).status == 404


def test_links_may_be_texts_in_order(world: World) -> None:
    send = sent(links=["https://shop.example/a", "https://shop.example/b"])
    assert clicked(world, send, "2").headers["Location"] == "https://shop.example/b"


def test_a_target_with_merge_fields_is_filled_in(world: World) -> None:
    url = "https://shop.example/?n={{ first_name }}&code={{ code }}&p={{ carried.v0 }}"
    send = sent(links=[url], campaign_variables={"code": "SPRING 1"})
    reply = clicked(world, send, "1", query={"v0": "shoes & co"})
    assert reply.headers["Location"] == "https://shop.example/?n=Rina&code=SPRING%201&p=shoes%20%26%20co"


def test_a_deleted_recipients_link_still_leads_somewhere(world: World) -> None:
    send = sent(links=["https://shop.example/?n={{ first_name }}&v={{ carried.v0 }}"])
    world.call("contacts.delete_contact", path={"contact_id": send.people[0][0].contact_id})
    assert clicked(world, send, query={"v0": "7"}).headers["Location"] == "https://shop.example/?n=&v=7"


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://shop.example/ঢাকা?q=ক", "https://shop.example/%E0%A6%A2%E0%A6%BE%E0%A6%95%E0%A6%BE?q=%E0%A6%95"),
        ("https://bücher.example/a%20b?x=1#y", "https://xn--bcher-kva.example/a%20b?x=1#y"),
        ("https://shop.example/a\r\nSet-Cookie: x=1", "https://shop.example/aSet-Cookie:%20x=1"),
    ],
)
def test_a_location_is_a_header(url: str, location: str) -> None:
    assert tracking.as_location(url) == location


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "/relative", "data:text/html,x", "https://", "http://[::"]
)
def test_only_web_addresses_are_targets(url: str) -> None:
    assert tracking.as_location(url) is None


def test_a_queue_that_is_down_does_not_keep_anyone_waiting_for_the_target(world: World) -> None:
    send = sent()

    def refuse(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://sqs")

    events = aws.client("sqs", tries=2, read_timeout=2.0).meta.events
    events.register("before-send.sqs", refuse, unique_id="down")
    assert clicked(world, send).headers["Location"] == "https://shop.example/sale?ref=mail"
    assert opened(world, send.token()).status == 200
    events.unregister("before-send.sqs", unique_id="down")


def test_nothing_is_written_to_the_table(world: World) -> None:
    for name in ("tracking.record_open", "tracking.follow_link"):
        assert world.functions[name].declaration.writes == ()
