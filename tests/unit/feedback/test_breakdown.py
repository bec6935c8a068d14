"""By hour, device, country and domain: what a roll-up says is what a recount of the timelines says."""

import json
import random
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.activity import devices
from drumbeat.campaigns import charts
from drumbeat.feedback import known, opt_outs
from drumbeat.sends import breakdown, domains, marks, rollups, tokens
from drumbeat.sends.model import Chunk, Send, Stat

from tests.bench.dynamo import size
from tests.sends import SENT_AT, Sent, batch, sent
from tests.world import World

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
PIXEL = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Mobile Safari/537.36"
)
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Microsoft Outlook 16.0.17328; ms-office)"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
APPLE_PROXY = "Mozilla/5.0"
READERS = (IPHONE, PIXEL, OUTLOOK, GMAIL)
HOUR = 3600.0


@pytest.fixture(autouse=True)
def _fresh() -> None:
    known.forget()
    rollups.forget()


def happened(send: Sent, chance: random.Random) -> list[dict[str, Any]]:
    """A life of mails: most arrive at once or hours later, some are opened again and again on several devices."""
    reports = []
    for chunk, people in enumerate(send.people):
        for number in range(len(people)):
            if chance.random() < 0.1:
                reports.append(send.bounce("Permanent", number, chunk))
            reports.append(send.event("Delivery", number, chunk, after=chance.choice((60, 90, 2 * HOUR))))
            for _ in range(chance.choice((0, 1, 1, 4))):
                seen: Any = {"user_agent": chance.choice(READERS), "country": chance.choice(("BD", "US", None))}
                after = chance.uniform(600, 70 * HOUR)
                reports.append(send.seen("open", number, chunk, after, **seen))
                if chance.random() < 0.4:
                    reports.append(send.seen("click", number, chunk, after + 60, link=1, **seen))
            if chance.random() < 0.4:
                reports.append(send.seen("open", number, chunk, chance.uniform(1, 900), user_agent=APPLE_PROXY))
    return reports


def recounted(send: Sent) -> dict[str, Counter[Any]]:
    """By hour, reader and country, from nothing but the rows of the timelines."""
    found: defaultdict[str, Counter[Any]] = defaultdict(Counter)
    for chunk, people in enumerate(send.people):
        for number in range(len(people)):
            rows = send.rows(number, chunk)
            gone = any(row["name"]["S"] == "email.bounced" for row in rows)
            for name in ("delivered", "opened", "clicked"):
                mine = [row for row in rows if row["name"]["S"] == f"email.{name}"]
                _count(
                    found, name, [row for row in mine if "machine" not in row and not (gone and name == "delivered")]
                )
                _count(found, f"{name}_machine", [row for row in mine if "machine" in row])
    return dict(found)


def _count(found: defaultdict[str, Counter[Any]], name: str, rows: list[Any]) -> None:

    if not rows:
        return
    seen = []
    for row in rows:
        data = json.loads(row["data"]["S"])
        hour = clock.parse(row["at"]["S"]).replace(minute=0, second=0, microsecond=0)
        reader = devices.code(devices.reader(data.get("user_agent")))
        seen.append((hour, reader, (data.get("location") or {}).get("country") or "unknown"))
    hour, reader, country = min(seen)
    found[f"hours {name}"][hour] += 1
    if name in ("opened", "clicked"):
        found[f"readers {name}"][reader] += 1
        found[f"countries {name}"][country] += 1


def rolled_up(send: Sent) -> tuple[dict[str, Any], dict[str, Counter[Any]]]:
    row = Send.fetch(*Send.key(send.tenant, send.send_id))
    assert row is not None
    numbers = rollups.compute(send.tenant, row)
    details = numbers["details"]
    found: defaultdict[str, Counter[Any]] = defaultdict(Counter)
    for hour, stored in details["hours"].items():
        for name, number in breakdown.row(breakdown.HOURLY, stored).items():
            found[f"hours {name}"][marks.start_of(int(hour))] += number
    for kind in ("readers", "countries"):
        for key, stored in details[kind].items():
            for name, number in breakdown.row(breakdown.SEEN, stored).items():
                found[f"{kind} {name}"][int(key) if kind == "readers" else key] += number
    return numbers, {name: +counts for name, counts in found.items() if +counts}


@pytest.mark.parametrize("seed", range(2))
def test_whatever_comes_twice_late_or_in_disorder_the_breakdown_is_a_recount(world: World, seed: int) -> None:
    chance = random.Random(seed)
    send = sent(sizes=(14, 6))
    stream = happened(send, chance)
    stream = [*stream, *chance.sample(stream, len(stream) // 2)]
    chance.shuffle(stream)

    while stream:
        some, stream = stream[:25], stream[25:]
        assert world.run("feedback.apply_feedback", batch(some)) == {"batchItemFailures": []}

    numbers, found = rolled_up(send)
    assert found == recounted(send)
    for name in ("opened", "clicked"):  # every recipient is in one row of each chart
        assert {sum(found[f"{kind} {name}"].values()) for kind in ("hours", "readers", "countries")} == {numbers[name]}
    assert sum(found["hours delivered"].values()) == numbers["delivered"]


def test_a_stat_item_of_fifty_stays_under_a_kilobyte(world: World) -> None:
    """An update bills the whole item, so that a mark must not cost a second unit."""
    chance = random.Random(3)
    send = sent(sizes=(50,))
    reports = [send.event("Delivery", number, after=60) for number in range(49)] + [send.bounce("Permanent", 49)]
    for number in range(20):  # far more than usual: 40 % open, every other person again on another day
        for _ in range(1 + number % 2):
            seen: Any = {"user_agent": chance.choice(READERS), "country": "BD"}
            reports.append(send.seen("open", number, after=chance.uniform(600, 70 * HOUR), **seen))
    reports += [send.seen("open", number, after=90, user_agent=APPLE_PROXY) for number in range(10, 30)]
    reports += [send.seen("click", number, after=4 * HOUR, link=1 + number % 2) for number in range(5)]
    for start in range(0, len(reports), 40):
        world.run("feedback.apply_feedback", batch(reports[start : start + 40]))
    opt_outs.unsubscribe(_target(send, 3), method="link", reason=None, now=SENT_AT + timedelta(hours=5))

    (item,) = table.connection(Stat).query(f"STAT#{send.tenant}#{send.send_id}#0", consistent_read=True)["Items"]
    numbers, found = rolled_up(send)
    assert size(item) < 1024
    assert (numbers["opened"], numbers["opened_machine"], numbers["unsubscribed"]) == (20, 20, 1)
    assert found["hours unsubscribed"] == {SENT_AT + timedelta(hours=5): 1}


def _target(send: Sent, number: int) -> tokens.Target:
    target = tokens.verify(send.token(number))
    assert target is not None
    return target


def test_by_domain(world: World) -> None:
    send = sent(sizes=(4,))
    addresses = {0: "a@Gmail.com", 1: "b@gmail.com", 2: "c@firm.example"}
    Chunk.change_at(*send.place().chunk_key, Chunk.domains.set(domains.merged(None, 4, addresses)))
    reports = [send.event("Delivery", number) for number in (0, 1)]
    reports += [send.bounce("Permanent", 2), send.seen("open", 0), send.seen("click", 0, link=1), send.seen("open", 3)]
    reports.append(send.event("Complaint", 1, complaintFeedbackType="abuse"))
    world.run("feedback.apply_feedback", batch(reports))

    numbers, _ = rolled_up(send)
    shown = {one.domain: one for one in charts.domains(numbers["details"])}
    gmail = shown["gmail.com"]
    assert list(shown) == ["gmail.com", "firm.example", "unknown"]
    assert (gmail.sent, gmail.delivered, gmail.opened, gmail.clicked, gmail.complained) == (2, 2, 1, 1, 1)
    assert (gmail.delivery_rate, gmail.open_rate) == (1.0, 0.5)
    assert (shown["firm.example"].bounced, shown["unknown"].opened) == (1, 1)


def test_many_domains_are_fifty_and_others() -> None:
    adding = breakdown.Breakdown(launched=0)
    for chunk in range(2):
        addresses = {number: f"p@d{number if number < 60 else 0}.example" for number in range(100)}
        adding.chunk(str(chunk), "a" * 100, {"0": 100}, domains.merged(None, 100, addresses))

    shown = charts.domains(adding.numbers())
    assert (len(shown), shown[0].domain, shown[0].sent) == (51, "d0.example", 82)
    assert (shown[-1].domain, shown[-1].sent) == ("other", 20)
    assert sum(one.sent for one in shown) == 200


def test_domains_of_a_chunk_survive_their_text() -> None:
    addresses = {number: f"p@d{number}.example" for number in range(0, 500, 2)}
    text = domains.merged(domains.merged(None, 500, {1: "x@first.example"}), 500, addresses)
    held = domains.read(text, 500)
    assert held[1] == "first.example" and held[3] is None
    assert all(held[number] == f"d{number}.example" for number in addresses)


def test_hours_are_dense_for_two_days_then_sparse_then_days() -> None:
    adding = breakdown.Breakdown(marks.hour_of(SENT_AT))
    for day in (0, 3, 20):
        mark = marks.seen("opened", day, SENT_AT + timedelta(days=day, hours=2), IPHONE, None)[1]
        adding.stat(f"chunk {day}", {"opened": frozenset({day})}, {"O": frozenset({mark})})

    shown = charts.timeline(adding.numbers(), "Asia/Kolkata", SENT_AT + timedelta(days=30))
    assert [row.hours for row in shown] == [1] * 49 + [24]
    assert (shown[0].at, shown[1].at) == ("2026-03-02T14:30+05:30", "2026-03-02T15:30+05:30")
    assert [row.at for row in shown if row.opened] == [
        "2026-03-02T16:30+05:30", "2026-03-05T16:30+05:30", "2026-03-22T14:30+05:30",
    ]  # fmt: skip
    early = charts.timeline(adding.numbers(), "UTC", SENT_AT + timedelta(hours=1))
    assert early[1].at == "2026-03-02T10:00+00:00" and early[2].opened == 1  # nothing is shown of hours to come


def test_of_two_opens_in_an_hour_the_one_that_says_more_counts() -> None:
    at: datetime = SENT_AT
    unknown, mobile = (marks.seen("opened", 7, at, agent, "BD")[1] for agent in (GMAIL, IPHONE))
    first = marks.firsts({unknown, mobile})
    assert devices.decoded(first[7].reader) == ("mobile", "ios", "apple_mail")
    assert first[7].country == "BD"
