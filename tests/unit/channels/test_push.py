"""Notifications: to the device of a contact, through the tenant's own applications, opened as the app says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from drumbeat import aws
from drumbeat.channels import Account, Call, Message, Template
from drumbeat.channels.outcomes import CallState, Fate
from drumbeat.channels.push import payloads, sns
from drumbeat.contacts import addresses, suppressions

from tests import rewind
from tests.unit.channels.conftest import Office
from tests.world import client

IPHONE, ANDROID = "ab" * 32, "cZ8:APA91bH" + "x" * 140
TAGS = {"send": "snd_01JD", "chunk": "0-0", "attempt": "1", "i": "0", "contact": "01JC"}


def application(platform: str = "GCM", name: str = "drumbeat-ten_acme-app") -> str:
    attributes = {"PlatformCredential": "key"}
    made = client("sns").create_platform_application(Name=name, Platform=platform, Attributes=attributes)
    return str(made["PlatformApplicationArn"])


def shown() -> dict[str, list[dict[str, Any]]]:
    """What each device got, by token."""
    endpoints = rewind.backend("sns").platform_endpoints.values()
    return {one.token: [json.loads(text) for text in one.messages.values()] for one in endpoints}


def call(account: Account, to: str = ANDROID, title: str = "Eid", text: str = "Hi", said: Any = None) -> Call:
    message = Message(to, {}, {}, TAGS)
    return Call(account, "", Template(title, "", text), [message], said={"notification": said} if said else {})


def account(tenant: str = "ten_acme", **config: str) -> Account:
    return Account("pac_1", "push", "sns", tenant, config)


@contextmanager
def refusing(operation: str, code: str, status: int, why: str = "no") -> Iterator[None]:
    """SNS refuses calls of an operation."""
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{why}</Message></Error></ErrorResponse>".encode()

    class Raw:
        def stream(self, **_: Any) -> Any:
            yield body

    def refuse(request: Any, **_: Any) -> Any:
        return AWSResponse(request.url, status, {}, Raw())

    events = aws.client("sns", tries=1, read_timeout=sns.READ_TIMEOUT).meta.events
    events.register_first(f"before-send.sns.{operation}", refuse, unique_id="refuse")
    try:
        yield
    finally:
        events.unregister(f"before-send.sns.{operation}", unique_id="refuse")


def test_a_campaign_reaches_devices_and_counts_what_the_app_reports_once(office: Office) -> None:
    iphone, android = application("APNS"), application("GCM")
    office.account("push", "sns", {"ios_application": iphone, "android_application": android})
    people = {token: office.contact(first_name=token[:2], push_token=token) for token in (IPHONE, ANDROID)}
    without = office.contact(email="ann@town.example")

    campaign = office.launched(
        "push", subject="Eid for {{ first_name }}", text="ঈদ মোবারক 😀",
        notification={"link": "shop://eid", "data": {"shelf": "3", "aps": "x"}},
    )  # fmt: skip

    found = {token: one for token, (one,) in shown().items()}
    assert found.keys() == {IPHONE, ANDROID}
    apple, google = json.loads(found[IPHONE]["APNS"]), json.loads(found[ANDROID]["GCM"])["fcmV1Message"]["message"]
    assert apple["aps"]["alert"] == {"title": "Eid for ab", "body": "ঈদ মোবারক 😀"} and apple["link"] == "shop://eid"
    assert google["notification"] == {"title": "Eid for cZ", "body": "ঈদ মোবারক 😀"}
    assert google["data"]["shelf"] == "3" and all(isinstance(value, str) for value in google["data"].values())
    rows = office.recipients(campaign)
    assert {contact: row["reason"] for contact, row in rows.items()} == {
        without: "no_address", **dict.fromkeys(people.values()),
    }  # fmt: skip

    for _ in range(2):  # the app was offline, and reports again
        reported = office.call("activity.record_events", body={
            "name": "push.opened", "contact_id": people[IPHONE], "properties": {"message_id": apple["message_id"]},
        })  # fmt: skip
        assert reported.status == 202 and reported.data["recorded"] == 1
        office.world.settle()

    results = office.results(campaign)
    assert (results["sent"], results["opened"]) == (2, 1)
    names = [row["name"] for row in office.timeline(people[IPHONE])]
    assert set(names) == {"push.opened", "push.sent"}
    told = [frame for frame in office.world.published if frame["event_type"] == "marketing.push.opened"]
    assert [frame["data"]["message_id"] for frame in told][:1] == [apple["message_id"]]


def test_another_tenant_opens_nothing_of_ours(office: Office) -> None:
    office.account("push", "sns", {"android_application": application()})
    office.contact(push_token=ANDROID)
    campaign = office.launched("push", subject="Eid", text="Hi")
    (message,) = [row["message_id"] for row in office.recipients(campaign).values()]

    stranger = Office(office.world, tenant="globex")
    who = stranger.contact(email="eve@globex.example")
    for name, named in (("push.opened", message), ("push.opened", "msg_x"), ("push.opened", None)):
        body = {"name": name, "contact_id": who, "properties": {"message_id": named}}
        assert stranger.call("activity.record_events", body=body).status == 202
        office.world.settle()

    assert office.results(campaign)["opened"] == 0


def test_a_device_that_is_gone_is_asked_once_and_no_more(office: Office) -> None:
    office.account("push", "sns", {"android_application": application()})
    person = office.contact(push_token=ANDROID)
    office.launched("push", subject="Eid", text="Hi")
    (endpoint,) = rewind.backend("sns").platform_endpoints.values()
    endpoint.attributes["Enabled"] = False

    second = office.launched("push", subject="Eid", text="Hi")
    third = office.launched("push", subject="Eid", text="Hi")

    assert office.recipients(second)[person]["reason"] == "rejected_by_provider"
    assert office.recipients(third)[person]["reason"] == "suppressed"
    assert len(shown()[ANDROID]) == 1
    changed = office.call("contacts.update_contact", path={"contact_id": person}, body={"push_token": ANDROID + "y"})
    assert changed.status == 200
    fourth = office.launched("push", subject="Eid", text="Hi")  # the app is there again, with another token
    assert office.recipients(fourth)[person]["outcome"] == "sent"


def test_of_a_person_who_was_erased_no_token_is_left_in_the_table(office: Office) -> None:
    office.account("push", "sns", {"android_application": application()})
    person = office.contact(push_token=ANDROID)
    office.launched("push", subject="Eid", text="Hi")
    (endpoint,) = rewind.backend("sns").platform_endpoints.values()
    endpoint.attributes["Enabled"] = False
    office.launched("push", subject="Eid", text="Hi")  # the token is suppressed now

    asked = office.call("privacy.create_request", body={"wish": "erasure", "contact_id": person})
    assert asked.status == 202, asked.text
    office.world.settle()

    left = [key for key, row in rewind.rows().items() if ANDROID.casefold() in json.dumps([key, row]).casefold()]
    assert left == []
    assert suppressions.many("ten_acme", [ANDROID]).keys() == {addresses.claim(ANDROID)}


def test_a_very_long_token_is_an_address_like_others(office: Office) -> None:
    office.account("push", "sns", {"android_application": application()})
    person = office.contact(push_token="x" * 4096)
    campaign = office.launched("push", subject="Eid", text="Hi")

    assert office.recipients(campaign)[person]["outcome"] == "sent"


@pytest.mark.usefixtures("world")
def test_an_endpoint_that_was_deleted_is_made_again() -> None:
    ours = account(android_application=application())
    assert sns.send(call(ours)).entries[0].fate == Fate.ACCEPTED
    (endpoint,) = rewind.backend("sns").platform_endpoints
    client("sns").delete_endpoint(EndpointArn=endpoint)

    assert [sns.send(call(ours)).entries[0].fate for _ in range(2)] == [Fate.AGAIN, Fate.ACCEPTED]
    gone = sns.send(call(ours, to=endpoint)).entries[0]
    assert (gone.fate, gone.gone) == (Fate.REJECTED, True)


@pytest.mark.usefixtures("world")
def test_an_endpoint_that_sns_calls_an_invalid_parameter_is_made_again() -> None:
    """What SNS says of a deleted endpoint; moto says NotFound."""
    ours = account(android_application=application())
    assert sns.send(call(ours)).entries[0].fate == Fate.ACCEPTED
    (endpoint,) = rewind.backend("sns").platform_endpoints
    why = "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"
    with refusing("Publish", "InvalidParameter", 400, why):
        assert sns.send(call(ours)).entries[0].fate == Fate.AGAIN
        assert not sns._endpoints
        gone = sns.send(call(ours, to=endpoint)).entries[0]
    assert (gone.fate, gone.gone) == (Fate.REJECTED, True)


@pytest.mark.usefixtures("world")
def test_an_endpoint_may_be_named_itself_if_it_is_the_tenants() -> None:
    ours, theirs = application(), application(name="drumbeat-ten_globex-app")
    made = [
        client("sns").create_platform_endpoint(PlatformApplicationArn=one, Token=f"{place}:x")["EndpointArn"]
        for place, one in enumerate((ours, theirs))
    ]

    assert sns.send(call(account(android_application=ours), made[0])).entries[0].fate == Fate.ACCEPTED
    refused = sns.send(call(account(android_application=ours), made[1])).entries[0]
    assert (refused.fate, refused.reason) == (Fate.REJECTED, "endpoint_of_another_application")
    result = sns.send(call(account(android_application=theirs), made[1]))
    assert (result.state, result.reason) == (CallState.ACCOUNT, "not_your_application")
    assert shown()["1:x"] == []


@pytest.mark.usefixtures("world")
def test_a_token_that_is_known_with_other_attributes_has_its_endpoint() -> None:
    ours = application()
    attributes = {"CustomUserData": "old", "Token": ANDROID}
    client("sns").create_platform_endpoint(
        PlatformApplicationArn=ours, Token=ANDROID, CustomUserData="old", Attributes=attributes
    )

    assert sns.send(call(account(android_application=ours))).entries[0].fate == Fate.ACCEPTED


@pytest.mark.parametrize(
    ("operation", "code", "status", "state"),
    [
        ("Publish", "Throttling", 400, CallState.THROTTLED),
        ("Publish", "ThrottledException", 429, CallState.THROTTLED),
        ("Publish", "InternalError", 500, CallState.UNKNOWN), ("Publish", "AuthorizationError", 403, CallState.ACCOUNT),
        ("Publish", "PlatformApplicationDisabled", 400, CallState.ACCOUNT),
        ("Publish", "ExpiredToken", 403, CallState.NOT_SENT), ("Publish", "InvalidParameter", 400, CallState.ANSWERED),
        ("CreatePlatformEndpoint", "Throttling", 400, CallState.THROTTLED),
        ("CreatePlatformEndpoint", "InternalError", 500, CallState.NOT_SENT),
        ("CreatePlatformEndpoint", "NotFound", 404, CallState.ACCOUNT),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("world")
def test_what_a_refusal_means(operation: str, code: str, status: int, state: CallState) -> None:
    ours = account(android_application=application())
    with refusing(operation, code, status):
        assert sns.send(call(ours)).state == state


def test_a_notification_has_what_the_platforms_carry() -> None:
    said = {"data": {"a": "1"}, "link": "https://shop.example/eid", "image_url": "https://shop.example/eid.png"}
    whole = json.loads(payloads.message("T", "B", said, "msg_1"))

    assert whole["default"] == "B" and whole["APNS"] == whole["APNS_SANDBOX"]
    assert json.loads(whole["APNS"]) == {
        "a": "1", "link": said["link"], "message_id": "msg_1", "image_url": said["image_url"],
        "aps": {"alert": {"title": "T", "body": "B"}, "sound": "default", "mutable-content": 1},
    }  # fmt: skip
    with pytest.raises(payloads.TooLong):
        payloads.message("T", "ঈদ" * 2_000, {}, None)


@pytest.mark.parametrize(
    ("config", "amiss"),
    [
        ({}, "config.ios_application"), ({"per_second": 5}, "config.ios_application"),
        ({"ios_application": "arn:aws:sns:us-east-1:1:app/GCM/x"}, "config.ios_application"),
        ({"android_application": "arn:aws:sns:us-east-1:123456789012:app/GCM/x", "per_second": 0}, "config.per_second"),
    ],
)  # fmt: skip
def test_an_account_names_its_applications(office: Office, config: dict[str, Any], amiss: str) -> None:
    body = {"name": "push", "channel": "push", "provider": "sns", "config": config}
    refused = office.call("providers.create_account", body=body)

    assert (refused.status, refused.refused) == (422, [amiss])
