"""Programs that check a mail open all that is in it, ahead of its reader, and run what its pages would run by
themselves: nobody is unsubscribed, nothing is confirmed, and none of it counts as a person's."""

import base64
import json
import os
import re

import pytest
from drumbeat.feedback import known, tracking
from drumbeat.sends import rollups, tokens

from tests import looking, rewind
from tests.gateway import Gateway
from tests.sends import Sent, batch, sent
from tests.world import World, client

SCANNERS = {
    "says so": {"user-agent": "Mozilla/5.0 (compatible; MailScanner/5.3; Barracuda)"},
    "looks like a browser": {"user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0 Safari/537.36"},
    "fetches ahead": {"user-agent": "Mozilla/5.0", "purpose": "prefetch", "sec-purpose": "prefetch;prerender"},
    "says nothing": {},
}
# What a browser, or a program that plays one, would do without a person: scripts, events, refreshes, frames, pictures.
BY_ITSELF = re.compile(
    r"<script|\son\w+\s*=|http-equiv|<iframe|<object|<embed|<img|<link|<base|autofocus|javascript:|<meta[^>]+refresh",
    re.I,
)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    for module in (known, tracking, tokens, rollups):
        module.forget()


def paths(send: Sent, number: int) -> list[str]:
    """Where a mail's links, its pixel and its headers lead, and the pages that those pages link to."""
    token = send.token(number)
    kinds = ["erase", "export", "data", "access"]
    return [f"/c/{token}/1", f"/c/{token}/2", f"/c/{token}/3", f"/o/{token}", f"/o/{token}.gif", f"/u/{token}",
            f"/p/{token}", f"/confirm/{token}", *(f"/p/{token}/{kind}/{token}" for kind in kinds)]  # fmt: skip


@pytest.mark.parametrize("headers", SCANNERS.values(), ids=SCANNERS)
def test_opening_everything_in_every_way_changes_nothing(world: World, headers: dict[str, str]) -> None:
    links = [{"number": n, "url": f"https://shop.example/{n}"} for n in (1, 2, 3)]
    send = sent(links=links)
    gateway = Gateway(world.functions)
    before = rewind.rows()
    for path in paths(send, 0):
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = gateway.answered(method, path, "", headers)
            assert answer["statusCode"] < 500
            page = "" if answer["isBase64Encoded"] else answer["body"]
            assert not BY_ITSELF.search(re.sub(r'<meta name="\w+"[^>]*>', "", page)), (method, path)
    assert looking.changes(before, rewind.rows()) == []

    _measure(world)
    told = send.stats()
    assert "unsubscribed" not in told
    assert told["clicked_machine"] == {0} and "clicked" not in told


def _measure(world: World) -> None:
    found = []
    while (
        got := client("sqs")
        .receive_message(QueueUrl=os.environ["QUEUE_FEEDBACK"], MaxNumberOfMessages=10)
        .get("Messages", [])
    ):
        found += [json.loads(one["Body"]) for one in got]
        for one in got:
            client("sqs").delete_message(QueueUrl=os.environ["QUEUE_FEEDBACK"], ReceiptHandle=one["ReceiptHandle"])
    assert world.run("feedback.apply_feedback", batch(found)) == {"batchItemFailures": []}


def test_a_page_is_sent_by_its_button_only(world: World) -> None:
    """A form goes by POST, to its own address; nothing would send it by itself, and there is no other way to ask."""
    send = sent()
    gateway = Gateway(world.functions)
    for path in (f"/u/{send.token()}", f"/p/{send.token()}"):
        answer = gateway.answered("GET", path)
        forms = re.findall(r"<form[^>]*>", answer["body"])
        assert forms and all('method="post"' in form for form in forms)
        assert answer["body"].count("<button") >= len(forms) and 'type="image"' not in answer["body"]
        assert "script-src" not in answer["headers"]["Content-Security-Policy"]
        assert "default-src 'none'" in answer["headers"]["Content-Security-Policy"]
        again = gateway.answered("GET", path, "page=1&List-Unsubscribe=One-Click&email=", {})
        assert base64.b64encode(again["body"].encode()) == base64.b64encode(answer["body"].encode())
    assert send.stats() == {}
