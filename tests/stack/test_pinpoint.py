"""Moving in from Amazon Pinpoint on the deployed local stack: from an export of endpoints to a finished campaign."""

import gzip
import json
from typing import Any

import httpx

from tests.stack.company import Company, until
from tests.stack.provider import Provider

USERS = 60
HTML = """<h1>Hello {{User.UserAttributes.FirstName.[0]}}</h1>
<p>{{#if Attributes.City}}News from {{Attributes.City.[0]}}{{/if}} <a href="https://shop.acme.example/one">One</a></p>"""


def user(number: int) -> list[dict[str, Any]]:
    """The endpoints of a user: an address, for some a telephone number before it, for some a second address."""
    about: dict[str, Any] = {
        "User": {"UserId": f"u{number}", "UserAttributes": {"FirstName": [f"Ann{number}"], "Plan": [plan(number)]}},
        "OptOut": "ALL" if opted_out(number) else "NONE", "EndpointStatus": "ACTIVE", "CohortId": str(number),
        "EffectiveDate": "2026-03-04T05:06:07.890Z",
    }  # fmt: skip
    city = {"Attributes": {"City": ["Rome" if number % 3 else "Bonn"]}}
    mail: dict[str, Any] = {**about, **city, "Id": f"e{number}", "ChannelType": "EMAIL", "Address": address(number)}
    found = [mail]
    if number % 4 == 1:
        sms = {**about, "Id": f"s{number}", "ChannelType": "SMS", "Address": f"+1604555{number:04d}", "OptOut": "NONE"}
        found.insert(0, sms)
    if number % 10 == 2:
        found.append({**mail, "Id": f"f{number}", "Address": f"second.{address(number)}"})
    return found


def plan(number: int) -> str:
    return "gold" if number % 2 else "silver"


def opted_out(number: int) -> bool:
    return number % 7 == 0


def address(number: int) -> str:
    return f"customer{number:03d}@pinpoint.example"


def export() -> bytes:
    """What an export job writes."""
    lines = [json.dumps(endpoint) for number in range(USERS) for endpoint in user(number)]
    return gzip.compress(("\n".join(lines) + "\n").encode())


def documents() -> list[dict[str, Any]]:
    """What GetSegments, GetCampaign and GetEmailTemplate answer."""
    rome = {"Attributes": {"City": {"AttributeType": "INCLUSIVE", "Values": ["Rome"]}}}
    gold = {"UserAttributes": {"Plan": {"AttributeType": "INCLUSIVE", "Values": ["gold"]}}}
    romans = {"Groups": [{"Dimensions": [rome], "SourceSegments": [], "Type": "ALL", "SourceType": "ALL"}]}
    based = {"Groups": [{"Dimensions": [gold], "SourceSegments": [{"Id": "s1", "Version": 1}], "Type": "ALL",
                         "SourceType": "ALL"}]}  # fmt: skip
    about = {"ApplicationId": "app", "SegmentType": "DIMENSIONAL", "Version": 1}
    segments = [
        {**about, "Id": "s2", "Name": "Gold Romans", "SegmentGroups": {**based, "Include": "ALL"}},
        {**about, "Id": "s1", "Name": "Romans", "SegmentGroups": {**romans, "Include": "ALL"}},
    ]
    campaign = {
        "Id": "c1", "Name": "Spring", "SegmentId": "s2", "SegmentVersion": 1, "HoldoutPercent": 0,
        "Schedule": {"StartTime": "IMMEDIATE", "Frequency": "ONCE"}, "MessageConfiguration": {"EmailMessage": {}},
        "TemplateConfiguration": {"EmailTemplate": {"Name": "Spring"}}, "Limits": {"MessagesPerSecond": 500},
    }  # fmt: skip
    template = {
        "TemplateName": "Spring", "TemplateType": "EMAIL", "Version": "1", "HtmlPart": HTML,
        "Subject": "News for {{User.UserAttributes.FirstName.[0]}}",
    }  # fmt: skip
    return [
        {"CampaignResponse": campaign}, {"SegmentsResponse": {"Item": segments}}, {"EmailTemplateResponse": template},
    ]  # fmt: skip


def test_from_an_export_of_pinpoint_to_a_finished_campaign(shop: Company, mail_provider: Provider) -> None:
    members = [number for number in range(USERS) if number % 3 and plan(number) == "gold"]
    reached = sorted(address(number) for number in members if not opted_out(number))
    job = shop.post("/v1/imports", {"file_name": "endpoints.gz"})
    upload = job["upload"]
    httpx.put(upload["url"], content=export(), headers=upload["headers"]).raise_for_status()
    shop.post(f"/v1/imports/{job['id']}/start")
    done = until(
        "the import", lambda: shop.get(f"/v1/imports/{job['id']}"), lambda now: now["state"] in ("done", "failed")
    )
    assert (done["state"], done["format"], done["created"]) == ("done", "pinpoint_json_lines", USERS)
    seconds = sum(number % 10 == 2 for number in range(USERS))
    left = {line["source"]: line["rows"] for line in done["report"]["left_out"]}
    assert left["email"] == seconds

    report = shop.post("/v1/migrations/pinpoint", {"documents": documents()})

    assert (report["exact"], report["approximated"], report["not_carried"]) == (4, 0, 0)
    made = {one["source_id"]: one["id"] for one in report["results"]}
    until(
        f"the segment should have {len(members)} members",
        lambda: shop.get(f"/v1/segments/{made['s2']}"),
        lambda now: (now["state"], now["member_count"]) == ("ready", len(members)),
    )
    send = shop.post(f"/v1/campaigns/{made['c1']}/launch")["send_id"]
    results = shop.closed(made["c1"], len(members))
    truth = mail_provider.truth(send)
    assert truth["addresses"]["accepted"] == reached
    assert truth["duplicates"] == 0
    assert results["not_sent_by_reason"] == {"consent_revoked": len(members) - len(reached)}
    said = {mail["to"][0]: mail["subject"] for mail in mail_provider.mails(send)}
    assert said == {address(number): f"News for Ann{number}" for number in members if not opted_out(number)}
    assert shop.finished(made["c1"])["sent"] == len(reached)
