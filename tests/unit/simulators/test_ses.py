"""SES v2 through the real SDK: what it takes, and what it refuses."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.simulators.config import merge
from infra.local.simulators.server import Simulators
from tests.unit.simulators.parts import ask, bulk, entry, template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def configure(running: Simulators, **ses: Any) -> None:
    running.sim.configure(merge(running.sim.config, {"ses": ses}))


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_bulk_call_gives_each_entry_its_id_and_renders_it(running: Simulators, ses: Any) -> None:
    results = bulk(ses, entry("ada@example.org"), entry("bo@example.org", {"name": "<Bo> & Co"}))
    assert [result["Status"] for result in results] == ["SUCCESS", "SUCCESS"]
    assert len({result["MessageId"] for result in results}) == 2
    _, mail = ask(running, "GET", f"/mailbox/{results[1]['MessageId']}.json")
    assert (mail["subject"], mail["html"], mail["text"]) == ("For <Bo> & Co", "<p>Hi <Bo> & Co</p>", "Hi <Bo> & Co")
    assert mail["to"] == ["bo@example.org"]
    assert mail["tags"] == {"send": "snd_1"}
    assert mail["status"] == "delivered"


def test_entry_data_goes_over_the_shared_data_and_entry_headers_over_shared_headers(
    running: Simulators, ses: Any
) -> None:
    content = template()
    content["Template"] |= {"TemplateData": '{"name": "friend"}', "Headers": [{"Name": "X-A", "Value": "shared"}]}
    own = [{"Name": "x-a", "Value": "own"}]
    results = bulk(ses, entry("a@x.io", {}), entry("b@x.io", ReplacementHeaders=own), DefaultContent=content)
    mails = [ask(running, "GET", f"/mailbox/{result['MessageId']}.json")[1] for result in results]
    assert [mail["text"] for mail in mails] == ["Hi friend", "Hi Ada"]
    assert [mail["headers"] for mail in mails] == [[["X-A", "shared"]], [["x-a", "own"]]]


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (entry("no-at-sign"), "INVALID_PARAMETER"),
        (entry("jürgen@example.org"), "INVALID_PARAMETER"),
        (entry("a b@example.org"), "INVALID_PARAMETER"),
        (entry("a@nodot"), "INVALID_PARAMETER"),
        (entry("a@müller.de"), "INVALID_PARAMETER"),
        (entry("a@x.io", Destination={}), "INVALID_PARAMETER"),
        (entry("a@x.io", "{not json"), "INVALID_PARAMETER"),
        (entry("a@x.io", '["list"]'), "INVALID_PARAMETER"),
        (entry("a@x.io", ReplacementTags=[{"Name": "se nd", "Value": "x"}]), "INVALID_PARAMETER"),
        (entry("a@x.io", ReplacementTags=[{"Name": "send", "Value": "a@b"}]), "INVALID_PARAMETER"),
        (entry("a@x.io", ReplacementTags=[{"Name": "send", "Value": "x" * 257}]), "INVALID_PARAMETER"),
        (entry("a@x.io", ReplacementHeaders=[{"Name": "X:Y", "Value": "x"}]), "INVALID_PARAMETER"),
        (entry("a@x.io", ReplacementHeaders=[{"Name": "X-Y", "Value": "ü"}]), "INVALID_PARAMETER"),
        (entry("a@x.io", ReplacementHeaders=[{"Name": "Subject", "Value": "x"}]), "INVALID_PARAMETER"),
        (
            entry("a@x.io", ReplacementHeaders=[{"Name": f"X-{n}", "Value": "x"} for n in range(16)]),
            "INVALID_PARAMETER",
        ),
        (entry("a@x.io", Destination={"ToAddresses": [f"a{n}@x.io" for n in range(51)]}), "INVALID_PARAMETER"),
    ],
)
def test_a_bad_entry_is_refused_alone(running: Simulators, ses: Any, bad: dict[str, Any], status: str) -> None:
    results = bulk(ses, entry("first@x.io"), bad, entry("last@x.io"))
    assert [result["Status"] for result in results] == ["SUCCESS", status, "SUCCESS"]
    assert results[1]["Error"]
    assert "MessageId" not in results[1]
    assert len(running.sim.mailbox) == 2


def test_a_bad_entry_can_refuse_the_whole_call(running: Simulators, ses: Any) -> None:
    configure(running, refuse_whole_call=True)
    with pytest.raises(ClientError) as error:
        bulk(ses, entry("good@x.io"), entry("bad"))
    assert code(error) == ("BadRequestException", 400)
    assert len(running.sim.mailbox) == 0


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"FromEmailAddress": "news@unknown.org"}, ("MessageRejected", 400)),
        ({"FromEmailAddress": "nobody"}, ("BadRequestException", 400)),
        ({"DefaultContent": template(html="x" * 1024 * 1024)}, ("BadRequestException", 400)),
        ({"DefaultContent": {"Template": {"TemplateName": "stored"}}}, ("NotFoundException", 404)),
        ({"DefaultEmailTags": [{"Name": "a b", "Value": "x"}]}, ("BadRequestException", 400)),
    ],
)
def test_a_bad_call_is_refused_whole(
    running: Simulators, ses: Any, call: dict[str, Any], expected: tuple[str, int]
) -> None:
    with pytest.raises(ClientError) as error:
        bulk(ses, entry("ada@x.io"), **call)
    assert code(error) == expected
    assert len(running.sim.mailbox) == 0


def test_more_than_50_entries_are_refused(ses: Any) -> None:
    with pytest.raises(ClientError) as error:
        bulk(ses, *[entry(f"a{n}@x.io") for n in range(51)])
    assert code(error) == ("BadRequestException", 400)


def test_a_request_over_10_mb_is_refused(ses: Any) -> None:
    heavy = {"name": "x" * 260_000}
    with pytest.raises(ClientError) as error:
        bulk(ses, *[entry(f"a{n}@x.io", heavy) for n in range(50)])
    assert code(error) == ("RequestEntityTooLargeException", 413)


@pytest.mark.parametrize(
    ("setting", "error", "status"),
    [
        ({"sending_enabled": False}, "SendingPausedException", "ACCOUNT_SENDING_PAUSED"),
        ({"enforcement_status": "SHUTDOWN"}, "AccountSuspendedException", "ACCOUNT_SUSPENDED"),
        (
            {"mail_from_unverified": ["example.com"]},
            "MailFromDomainNotVerifiedException",
            "MAIL_FROM_DOMAIN_NOT_VERIFIED",
        ),
        ({"max_24_hour_send": 0}, "LimitExceededException", "ACCOUNT_DAILY_QUOTA_EXCEEDED"),
        ({"configuration_sets": ["other"]}, "NotFoundException", "CONFIGURATION_SET_NOT_FOUND"),
        ({"paused_configuration_sets": ["set"]}, "SendingPausedException", "CONFIGURATION_SET_SENDING_PAUSED"),
    ],
)
def test_the_account_can_refuse_everything(
    running: Simulators, ses: Any, setting: dict[str, Any], error: str, status: str
) -> None:
    configure(running, **setting)
    results = bulk(ses, entry("ada@x.io"), entry("bo@x.io"), ConfigurationSetName="set")
    assert [result["Status"] for result in results] == [status, status]
    configure(running, refuse_whole_call=True)
    with pytest.raises(ClientError) as raised:
        bulk(ses, entry("ada@x.io"), ConfigurationSetName="set")
    assert code(raised)[0] == error
    with pytest.raises(ClientError) as raised:
        ses.send_email(
            FromEmailAddress="news@example.com",
            Destination={"ToAddresses": ["ada@x.io"]},
            Content=template(),
            ConfigurationSetName="set",
        )
    assert code(raised)[0] == error
    assert len(running.sim.mailbox) == 0


def test_over_the_rate_entries_are_throttled_then_whole_calls(running: Simulators, ses: Any) -> None:
    configure(running, max_send_rate=3)
    statuses = [result["Status"] for result in bulk(ses, *[entry(f"a{n}@x.io") for n in range(5)])]
    assert statuses[:3] == ["SUCCESS"] * 3
    assert set(statuses[3:]) == {"ACCOUNT_THROTTLED"}
    with pytest.raises(ClientError) as error:
        bulk(ses, entry("late@x.io"))
    assert code(error) == ("TooManyRequestsException", 429)
    assert len(running.sim.mailbox) == 3


def test_the_daily_quota_ends_in_the_middle_of_a_call(running: Simulators, ses: Any) -> None:
    configure(running, max_24_hour_send=2)
    statuses = [result["Status"] for result in bulk(ses, *[entry(f"a{n}@x.io") for n in range(3)])]
    assert statuses == ["SUCCESS", "SUCCESS", "ACCOUNT_DAILY_QUOTA_EXCEEDED"]
    quota = ses.get_account()["SendQuota"]
    assert quota == {"Max24HourSend": 2.0, "MaxSendRate": 10_000.0, "SentLast24Hours": 2.0}


def test_the_sandbox_sends_to_verified_addresses_only(running: Simulators, ses: Any) -> None:
    configure(running, production_access=False)
    statuses = [result["Status"] for result in bulk(ses, entry("a@example.com"), entry("a@x.io"))]
    assert statuses == ["SUCCESS", "MESSAGE_REJECTED"]


def test_a_missing_variable_is_an_event_not_an_error(running: Simulators, ses: Any) -> None:
    [result] = bulk(ses, entry("ada@x.io", {"other": 1}))
    assert result["Status"] == "SUCCESS"
    _, mail = ask(running, "GET", f"/mailbox/{result['MessageId']}.json")
    assert mail["status"] == "rendering_failed"
    assert mail["failure"] == "Attribute 'name' is not present in the rendering data."


def test_send_email_takes_simple_raw_and_template_content(running: Simulators, ses: Any) -> None:
    to = {"ToAddresses": ["ada@x.io"]}
    tags = [{"Name": "send", "Value": "test"}]
    simple = {"Subject": {"Data": "S"}, "Body": {"Html": {"Data": "<b>{{kept}}</b>"}, "Text": {"Data": "T"}}}
    simple["Headers"] = [{"Name": "List-Unsubscribe", "Value": "<https://t.example/u/1>"}]
    mime = b"From: news@example.com\r\nTo: raw@x.io\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nX-Own: 1\r\n"
    mime += b"Content-Type: text/plain; charset=utf-8\r\n\r\nBody\r\n"
    calls: list[dict[str, Any]] = [
        {"FromEmailAddress": "news@example.com", "Destination": to, "Content": {"Simple": simple}, "EmailTags": tags},
        {"Content": {"Raw": {"Data": mime}}},
        {"FromEmailAddress": "news@example.com", "Destination": to, "Content": template()},
    ]
    calls[2]["Content"]["Template"]["TemplateData"] = '{"name": "Ada"}'
    ids = [ses.send_email(**call)["MessageId"] for call in calls]
    simple_mail, raw_mail, template_mail = (ask(running, "GET", f"/mailbox/{one}.json")[1] for one in ids)
    assert (simple_mail["html"], simple_mail["tags"]) == ("<b>{{kept}}</b>", {"send": "test"})
    assert simple_mail["unsubscribe"] == "https://t.example/u/1"
    assert (raw_mail["subject"], raw_mail["to"], raw_mail["text"].strip()) == ("Grüße", ["raw@x.io"], "Body")
    assert raw_mail["headers"] == [["X-Own", "1"]]
    assert template_mail["text"] == "Hi Ada"


def test_identities_sets_and_suppression(running: Simulators, ses: Any) -> None:
    assert ses.create_email_identity(EmailIdentity="new.org")["VerifiedForSendingStatus"]
    assert ses.get_email_identity(EmailIdentity="new.org")["VerifiedForSendingStatus"]
    assert bulk(ses, entry("a@x.io"), FromEmailAddress="hi@mail.new.org")[0]["Status"] == "SUCCESS"
    ses.create_configuration_set(ConfigurationSetName="marketing")
    ses.create_configuration_set_event_destination(
        ConfigurationSetName="marketing",
        EventDestinationName="deliveries",
        EventDestination={
            "MatchingEventTypes": ["DELIVERY"],
            "SnsDestination": {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t"},
        },
    )
    assert running.sim.config.ses.destinations[0].events == ["Delivery"]
    running.sim.configure(merge(running.sim.config, {"ses": {"destinations": []}}))
    ses.put_suppressed_destination(EmailAddress="Gone@x.io", Reason="BOUNCE")
    found = ses.get_suppressed_destination(EmailAddress="gone@x.io")["SuppressedDestination"]
    assert (found["EmailAddress"], found["Reason"]) == ("gone@x.io", "BOUNCE")
    [result] = bulk(ses, entry("gone@x.io"))
    assert ask(running, "GET", f"/mailbox/{result['MessageId']}.json")[1]["status"] == "bounced"
    ses.delete_suppressed_destination(EmailAddress="gone@x.io")
    assert ses.list_suppressed_destinations()["SuppressedDestinationSummaries"] == []
    with pytest.raises(ClientError) as error:
        ses.get_suppressed_destination(EmailAddress="gone@x.io")
    assert code(error) == ("NotFoundException", 404)


def test_a_tenant_sends_with_what_is_its_own_and_lists_are_asked_as_they_are_set_up(
    running: Simulators, ses: Any
) -> None:
    configure(running, verify_at_once=False, suppressed_reasons=["BOUNCE"])
    arns = "arn:aws:ses:us-east-1:000000000000"
    ses.create_tenant(
        TenantName="ten_a", SuppressionAttributes={"SuppressedReasons": ["BOUNCE"], "SuppressionScope": "TENANT"}
    )
    for name, options in (("own", None), ("none", {"SuppressedReasons": []})):
        ses.create_configuration_set(ConfigurationSetName=name, **({"SuppressionOptions": options} if options else {}))
        ses.create_tenant_resource_association(TenantName="ten_a", ResourceArn=f"{arns}:configuration-set/{name}")
    made = ses.create_email_identity(EmailIdentity="a.org", ConfigurationSetName="own")
    assert (made["VerifiedForSendingStatus"], len(made["DkimAttributes"]["Tokens"])) == (False, 3)
    ask(running, "POST", "/verify", {"identity": "a.org"})
    call: dict[str, Any] = {"FromEmailAddress": "hi@a.org", "TenantName": "ten_a", "ConfigurationSetName": "own"}
    with pytest.raises(ClientError) as error:
        bulk(ses, entry("bounce@x.io"), **call)
    assert code(error) == ("BadRequestException", 400)
    ses.create_tenant_resource_association(TenantName="ten_a", ResourceArn=f"{arns}:identity/a.org")

    def outcome(**more: Any) -> str:
        [result] = bulk(ses, entry("bounce@x.io"), **call | more)
        mail = running.sim.mailbox.get(result["MessageId"])
        assert mail is not None
        return mail.happened[0].detail

    assert outcome(ConfigurationSetName="none") == "General"  # neither asked nor filled
    assert outcome() == "General"
    assert outcome() == "OnAccountSuppressionList"  # on the tenant's own list by now
    assert running.sim.suppressed == {}
    with pytest.raises(ClientError) as error:
        ses.create_tenant(TenantName="ten_a")
    assert code(error) == ("AlreadyExistsException", 400)
