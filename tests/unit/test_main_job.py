"""The whole main job on moto alone, in one process: file → segment → template → campaign → events → numbers."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from drumbeat import files
from drumbeat.contacts.imports.model import FOLDER

from tests.unit.mail import Provider, provider
from tests.world import World

pytestmark = pytest.mark.moto

PEOPLE = 30
BOUNCING, COMPLAINING, OPENING, CLICKING = {3, 17}, {5}, set(range(20, 28)), {21, 22, 23}
BROWSER = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/127.0"}


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[Provider]:
    with provider(tmp_path / "mail") as running:
        yield running


def test_from_a_file_to_the_results(mails: Provider, world: World) -> None:
    _import(world)
    segment = world.call(
        "segments.create_segment",
        body={
            "name": "Engaged",
            "criteria": {"conditions": [{"field": "visits", "operator": "greater_than", "value": 0}]},
        },
    ).data["id"]  # fmt: skip
    world.settle()
    campaign = _launch(world, segment)

    _events_come_back(world, mails)

    found = world.call("campaigns.get_performance", path={"campaign_id": campaign}).data
    numbers = {
        name: found[name]
        for name in ("sent", "delivered", "bounced", "complained", "opened", "clicked", "unsubscribed")
    }
    assert numbers == {
        "sent": PEOPLE, "delivered": PEOPLE - 2, "bounced": 2, "complained": 1, "opened": len(OPENING),
        "clicked": len(CLICKING), "unsubscribed": 1,
    }  # fmt: skip
    assert found["not_sent_by_reason"] == {"no_consent": 1}
    assert found["links"][0]["clicks"] == 3
    sizes = [
        world.call("segments.get_segment", path={"segment_id": name}).data["member_count"]
        for name in ("mailed", "unopened")
    ]
    assert sizes == [PEOPLE, PEOPLE - 2 - len(OPENING)]
    told = [frame["event_type"] for frame in world.published]
    assert told.count("marketing.campaign.launched") == told.count("marketing.campaign.completed") == 1
    assert told.count("marketing.email.sent") == PEOPLE
    assert told.count("marketing.email.opened") == len(OPENING)
    suppressed = world.call("contacts.list_suppressions").data["items"]
    assert {row["reason"] for row in suppressed} == {"hard_bounce", "complaint"}


def _import(world: World) -> None:
    """A file with a repeated row, a bad address, and somebody who never said yes."""
    rows = [f"p{number}@town.example,Person {number},1,yes" for number in range(PEOPLE)]
    rows += ["P7@TOWN.example,Person 7,1,yes", "not-an-address,X,1,yes", "silent@town.example,Silent,1,"]
    job = world.call("contacts.create_import", body={"file_name": "people.csv"}).data
    boto3.client("s3").put_object(
        Bucket=os.environ["BUCKET"], Key=_key_of(job["upload"]["url"]),
        Body="\n".join(["email,first_name,visits,consent", *rows]),
    )  # fmt: skip
    world.call("contacts.start_import", path={"import_id": job["id"]})
    world.settle()
    done = world.call("contacts.get_import", path={"import_id": job["id"]}).data
    assert (done["created"], done["rejected"], done["state"]) == (PEOPLE + 1, 1, "done")


def _key_of(url: str) -> str:
    assert files.key(FOLDER, "ten_acme", "").startswith("imports/")
    return "imports/" + url.split("/imports/")[1].split("?")[0]


def _launch(world: World, segment: str) -> str:
    html = (
        '<p>Hi {{ first_name }}, <a href="https://shop.example/new">new</a> <a href="{{ unsubscribe_url }}">no</a></p>'
    )
    template = world.call(
        "templates.create_template", body={"name": "T", "subject": "Hi {{ first_name }}", "html": html}
    )
    body = {"name": "C", "template_id": template.data["id"], "audience": {"segments": [segment]}}
    campaign = str(world.call("campaigns.create_campaign", body=body).data["id"])
    _engagement(world, campaign)
    assert world.call("campaigns.launch_campaign", path={"campaign_id": campaign}).status == 200
    world.settle()
    assert world.call("campaigns.get_campaign", path={"campaign_id": campaign}).data["status"] == "sent"
    return campaign


def _engagement(world: World, campaign: str) -> None:
    """Segments of those who got the campaign, made before anyone did, and of those who did not open it."""
    mailed, opened = {"campaign": campaign, "activity": "sent"}, {"campaign": campaign, "activity": "opened"}
    unopened = [{"campaign": campaign, "activity": "delivered"}, {"logic": "NOT", "conditions": [opened]}]
    for name, conditions in (("Mailed", [mailed]), ("Unopened", unopened)):
        world.call("segments.create_segment", body={"name": name, "criteria": {"conditions": conditions}})
    world.settle()


def _events_come_back(world: World, mails: Provider) -> None:
    """The provider's events arrive twice each, the people's through the addresses in their mails."""
    everyone = {int(mail["to"][0].split("@")[0][1:]): mail for mail in mails.mails()}
    assert len(everyone) == PEOPLE
    sqs, queue = boto3.client("sqs"), os.environ["QUEUE_FEEDBACK"]
    for number, mail in everyone.items():
        for event in _provider_events(number, mail) * 2:
            sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    world.settle()
    for number, mail in everyone.items():
        if number in OPENING:
            pixel = next(image for image in mail["images"] if "/o/" in image)
            world.call("tracking.record_open", tenant=None, path={"token": pixel.split("/o/")[1]}, headers=BROWSER)
        if number in CLICKING:
            token, link = next(link for link in mail["links"] if "/c/" in link).split("/c/")[1].split("/")
            found = world.call(
                "tracking.follow_link", tenant=None, path={"token": token, "link": link}, headers=BROWSER
            )
            assert (found.status, found.headers["Location"]) == (302, "https://shop.example/new")
    leaving = everyone[29]["unsubscribe"].split("/u/")[1]
    for _ in range(2):
        world.call("tracking.unsubscribe_contact", tenant=None, path={"token": leaving},
                   body=b"List-Unsubscribe=One-Click",
                   headers={**BROWSER, "Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
    world.settle()


def _provider_events(number: int, mail: dict[str, Any]) -> list[dict[str, Any]]:
    """SES's event publishing, without what nobody reads."""
    head = {
        "messageId": mail["id"], "timestamp": "2026-01-01T00:00:00.000Z", "source": "news@acme.example",
        "destination": mail["to"], "tags": {name: [value] for name, value in mail["tags"].items()},
    }  # fmt: skip
    to = [{"emailAddress": mail["to"][0]}]
    if number in BOUNCING:
        bounce = {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": to,
            "timestamp": head["timestamp"],
        }
        return [{"eventType": "Bounce", "mail": head, "bounce": bounce}]
    delivery = {"timestamp": head["timestamp"], "recipients": mail["to"]}
    events: list[dict[str, Any]] = [{"eventType": "Delivery", "mail": head, "delivery": delivery}]
    if number in COMPLAINING:
        complaint = {"complainedRecipients": to, "timestamp": head["timestamp"]}
        events.append({"eventType": "Complaint", "mail": head, "complaint": complaint})
    return events
