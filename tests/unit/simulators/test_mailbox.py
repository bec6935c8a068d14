"""The mailbox: JSON for programs, pages for people."""

import json
import re
from typing import Any

import pytest

from infra.local.simulators.server import Simulators
from tests.unit.simulators.parts import ask, bulk, entry, template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def fill(ses: Any, count: int) -> list[str]:
    return [bulk(ses, entry(f"a{n}@x.io", {"name": f"N{n}"}))[0]["MessageId"] for n in range(count)]


def test_pages_go_forward_and_back_without_gaps(running: Simulators, ses: Any) -> None:
    ids = fill(ses, 7)
    for order, expected in (("desc", ids[::-1]), ("asc", ids)):
        seen, cursor = [], ""
        while True:
            _, page = ask(running, "GET", f"/mailbox.json?limit=3&order={order}&cursor={cursor}")
            seen += [mail["id"] for mail in page["mails"]]
            cursor = page["cursor"]
            if not cursor or not page["mails"]:
                break
        assert seen == expected
    [late] = fill(ses, 1)
    _, page = ask(running, "GET", f"/mailbox.json?order=asc&cursor={cursor}")
    assert [mail["id"] for mail in page["mails"]] == [late]


def test_filters_by_address_time_and_tag(running: Simulators, ses: Any) -> None:
    bulk(ses, entry("ada@x.io"), entry("bo@y.io", send="snd_2"))
    assert [mail["to"] for mail in ask(running, "GET", "/mailbox.json?to=ADA")[1]["mails"]] == [["ada@x.io"]]
    assert [mail["to"] for mail in ask(running, "GET", "/mailbox.json?tag=send:snd_2")[1]["mails"]] == [["bo@y.io"]]
    assert ask(running, "GET", "/mailbox.json?since=2999-01-01T00:00:00Z")[1]["mails"] == []
    assert len(ask(running, "GET", "/mailbox.json?since=1000")[1]["mails"]) == 2
    assert ask(running, "GET", "/mailbox.json?since=yesterday")[0] == 400
    assert ask(running, "GET", "/mailbox/unknown.json")[0] == 404


def test_links_are_what_a_reader_would_fetch(running: Simulators, ses: Any) -> None:
    html = '<a class="b" href="http://t.example/c/{{t}}?a=1&amp;b=2">x</a> <a href=\'mailto:a@b\'>m</a>'
    html += '<img alt="" src="http://t.example/o/{{t}}"><a href="http://t.example/c/{{t}}?a=1&amp;b=2">again</a>'
    headers = [{"Name": "List-Unsubscribe", "Value": "<mailto:u@x.io>, <https://t.example/u/1>"}]
    headers += [{"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"}]
    content = template(html=html, subject="s", text="t")
    bulk(ses, entry("ada@x.io", {"t": "tok"}, ReplacementHeaders=headers), DefaultContent=content)
    [mail] = ask(running, "GET", "/mailbox.json?links=true")[1]["mails"]
    assert mail["links"] == ["http://t.example/c/tok?a=1&b=2"]
    assert mail["images"] == ["http://t.example/o/tok"]
    assert (mail["unsubscribe"], mail["one_click"]) == ("https://t.example/u/1", True)


def test_a_template_is_stored_once(running: Simulators, ses: Any, tmp_path: Any) -> None:
    content = template(html="<p>{{name}}</p>" + "x" * 30_000)
    for _ in range(4):
        bulk(ses, *[entry(f"a{n}@x.io") for n in range(50)], DefaultContent=content)
    assert (tmp_path / "simulators" / "mailbox.jsonl").stat().st_size < 30_000 + 200 * 700


def test_the_list_page_escapes_searches_and_pages(running: Simulators, ses: Any) -> None:
    assert "No messages yet" in ask(running, "GET", "/mailbox")[1]
    bulk(ses, entry("evil@x.io", {"name": "<script>alert(1)</script>"}))
    bulk(ses, *[entry(f"many{n}@x.io") for n in range(50)])
    bulk(ses, *[entry(f"other{n}@x.io") for n in range(20)])
    _, page = ask(running, "GET", "/mailbox")
    assert page.count("<li>") == 50
    assert "71 messages" in page
    older = re.search(r'href="(/mailbox\?before=[^"]+)"', page)
    assert older
    _, second = ask(running, "GET", older.group(1))
    assert second.count("<li>") == 21
    assert "For &lt;script&gt;" in second
    assert "<script" not in second
    assert ask(running, "GET", "/mailbox?q=OTHER1")[1].count("<li>") == 11
    assert "No message to an address" in ask(running, "GET", "/mailbox?q=%3Cb%3E")[1]


def test_the_mail_page_keeps_the_mail_in_a_sandbox(running: Simulators, ses: Any) -> None:
    content = template(html="<script>x</script><p>{{name}}</p>")
    [result] = bulk(ses, entry("bounce@x.io"), DefaultContent=content)
    path = f"/mailbox/{result['MessageId']}"
    status, page = ask(running, "GET", path)
    assert status == 200
    assert "<script" not in page
    assert re.search(r'<iframe src="[^"]+/html" title="Message" sandbox="[^"]*"', page)
    assert "allow-scripts" not in page
    for part in ("Hi Ada", "snd_1", "Bounce", "bounced"):
        assert part in page
    assert "<p>Ada</p>" in ask(running, "GET", f"{path}/html")[1]
    assert ask(running, "GET", "/mailbox/unknown")[0] == 404


def test_the_mailbox_can_be_emptied(running: Simulators, ses: Any) -> None:
    fill(ses, 2)
    assert ask(running, "DELETE", "/mailbox") == (200, {"mails": 0})
    assert ask(running, "GET", "/mailbox.json")[1]["mails"] == []
    [after] = fill(ses, 1)
    assert json.loads(json.dumps(ask(running, "GET", f"/mailbox/{after}.json")[1]["number"])) == 3


def test_health_and_unknown_routes(running: Simulators) -> None:
    status, answer = ask(running, "GET", "/health")
    assert (status, answer["status"], answer["pending_events"]) == (200, "ok", 0)
    assert ask(running, "GET", "/nothing")[0] == 404
    assert ask(running, "POST", "/faults", "not json")[0] == 400
