"""What happens to accepted mails, and how the product hears of it."""

import base64
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from moto import mock_aws

from infra.local.simulators.config import merge
from infra.local.simulators.server import Simulators
from infra.local.simulators.signing import canonical
from tests.unit.simulators.parts import Received, Sink, ask, bulk, client, entry, eventually

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

CALLBACK_EVENTS = ["Bounce", "Complaint", "Reject", "DeliveryDelay", "Rendering Failure"]
TOPIC = "arn:aws:sns:us-east-1:123456789012:ses-feedback"


def post_to(running: Simulators, sink: Sink, events: list[str], path: str = "/cb_1") -> None:
    wanted = {"kind": "https", "events": events, "url": sink.url + path, "topic_arn": TOPIC}
    running.sim.configure(merge(running.sim.config, {"ses": {"destinations": [wanted]}}))


def idle(running: Simulators) -> None:
    eventually(lambda: running.sim.dispatcher.pending == 0)


def events_of(sink: Sink) -> list[dict[str, Any]]:
    return [json.loads(json.loads(one.body)["Message"]) for one in sink.received]


def verify(received: Received, running: Simulators) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads(received.body)
    _, keys = ask(running, "GET", "/keys")
    assert envelope["SigningCertURL"] == keys["sns"]["cert_url"]
    key = x509.load_pem_x509_certificate(keys["sns"]["pem"].encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(envelope["Signature"]), canonical(envelope), padding.PKCS1v15(), hashes.SHA256())
    return envelope


def test_addresses_say_what_happens_and_callbacks_are_signed_sns(running: Simulators, ses: Any, sink: Sink) -> None:
    post_to(running, sink, CALLBACK_EVENTS)
    names = ["ada", "bounce+1", "complaint-x", "suppressionlist", "softbounce9"]
    results = bulk(ses, *[entry(f"{name}@x.io") for name in names], ConfigurationSetName="marketing")
    idle(running)
    envelopes = [verify(one, running) for one in sink.received]
    assert {one.path for one in sink.received} == {"/cb_1"}
    first = sink.received[0].headers
    assert (first["x-amz-sns-message-type"], first["x-amz-sns-topic-arn"]) == ("Notification", TOPIC)
    assert first["content-type"] == "text/plain; charset=UTF-8"
    assert {envelope["SignatureVersion"] for envelope in envelopes} == {"2"}
    told = {event["mail"]["destination"][0].partition("@")[0]: event for event in events_of(sink)}
    assert told.keys() == {"bounce+1", "complaint-x", "suppressionlist", "softbounce9"}
    assert told["bounce+1"]["bounce"]["bounceType"] == "Permanent"
    assert told["bounce+1"]["bounce"]["bouncedRecipients"][0]["diagnosticCode"].startswith("smtp; 550")
    assert told["suppressionlist"]["bounce"]["bounceSubType"] == "Suppressed"
    assert told["softbounce9"]["bounce"]["bounceType"] == "Transient"
    assert told["complaint-x"]["complaint"]["complainedRecipients"] == [{"emailAddress": "complaint-x@x.io"}]
    mail = told["bounce+1"]["mail"]
    assert mail["messageId"] == results[1]["MessageId"]
    assert mail["tags"]["send"] == ["snd_1"]
    assert mail["tags"]["ses:configuration-set"] == ["marketing"]
    assert {"name": "Subject", "value": "For Ada"} in mail["headers"]


def test_a_rendering_failure_is_told(running: Simulators, ses: Any, sink: Sink) -> None:
    post_to(running, sink, CALLBACK_EVENTS)
    bulk(ses, entry("ada@x.io", {}))
    idle(running)
    [event] = events_of(sink)
    assert event["eventType"] == "Rendering Failure"
    assert "'name' is not present" in event["failure"]["errorMessage"]


@pytest.mark.parametrize("kind", ["sns", "sqs"])
def test_mass_events_reach_the_queue_raw(running: Simulators, ses: Any, kind: str) -> None:
    with mock_aws():
        sqs, sns = boto3.client("sqs"), boto3.client("sns")
        queue = sqs.create_queue(QueueName="deliveries")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = sns.create_topic(Name="ses-mass")["TopicArn"]
        raw = {"RawMessageDelivery": "true"}
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
        wanted = {"kind": kind, "events": ["Delivery"], "topic_arn": topic, "queue_url": queue}
        running.sim.configure(merge(running.sim.config, {"ses": {"destinations": [wanted]}}))
        bulk(ses, *[entry(f"a{n}@x.io") for n in range(24)], entry("bounce@x.io"))
        idle(running)
        assert running.sim.dispatcher.published == 24
        got: list[dict[str, Any]] = []
        while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            got += [json.loads(message["Body"]) for message in found]
    assert {event["eventType"] for event in got} == {"Delivery"}
    assert sorted(event["delivery"]["recipients"][0] for event in got) == sorted(f"a{n}@x.io" for n in range(24))


def test_a_failed_callback_is_tried_again_with_the_same_bytes(running: Simulators, ses: Any, sink: Sink) -> None:
    post_to(running, sink, CALLBACK_EVENTS)
    sink.statuses = [503]
    bulk(ses, entry("bounce@x.io"))
    idle(running)
    assert [one.body for one in sink.received] == [sink.received[0].body] * 2
    _, log = ask(running, "GET", "/callbacks.json")
    assert [(one["attempt"], one["status"], one["event"]) for one in log["callbacks"]] == [
        (2, 200, "Bounce"),
        (1, 503, "Bounce"),
    ]


def test_a_refused_callback_is_final(running: Simulators, ses: Any, sink: Sink) -> None:
    post_to(running, sink, CALLBACK_EVENTS)
    sink.status = 403
    bulk(ses, entry("bounce@x.io"))
    idle(running)
    assert len(sink.received) == 1
    assert ask(running, "GET", "/health")[1]["given_up"] == 1


def test_a_script_duplicates_loses_and_delays_events_but_not_the_truth(
    running: Simulators, ses: Any, sink: Sink
) -> None:
    post_to(running, sink, ["Delivery", *CALLBACK_EVENTS])
    rules = [
        {"match": "^twice", "duplicate": 1},
        {"match": "^lost", "lose": True},
        {"match": "^late", "outcome": "bounce", "delay_s": 0.4},
        {"match": "^shuffled", "outcome": "complaint", "reorder": True},
        {"every": 2, "outcome": "reject"},
    ]
    assert ask(running, "POST", "/script", {"rules": rules})[0] == 201
    bulk(ses, *[entry(f"{name}@x.io") for name in ("twice", "lost", "late", "shuffled", "odd", "even")])
    eventually(lambda: len(sink.received) >= 4)
    assert not [event for event in events_of(sink) if event["eventType"] == "Bounce"]
    idle(running)
    told = [(event["mail"]["destination"][0].partition("@")[0], event["eventType"]) for event in events_of(sink)]
    expected = [("even", "Reject"), ("late", "Bounce"), ("odd", "Delivery"), ("shuffled", "Complaint")]
    expected += [("shuffled", "Delivery"), ("twice", "Delivery"), ("twice", "Delivery")]
    assert sorted(told) == expected
    assert told.index(("shuffled", "Complaint")) < told.index(("shuffled", "Delivery"))
    _, truth = ask(running, "GET", "/truth?tag=send")
    group = truth["groups"]["snd_1"]
    assert (group["accepted"], group["delivered"], group["bounced"], group["complained"]) == (6, 4, 1, 1)
    assert (group["rejected"], group["notified"]["Delivery"]) == (1, 4)
    assert ask(running, "DELETE", "/script") == (200, {"rules": []})


def test_a_script_by_rate_picks_the_same_addresses_for_the_same_seed(running: Simulators, ses: Any) -> None:
    ask(running, "POST", "/script", {"rate": 0.3, "seed": 7, "outcome": "bounce"})
    bulk(ses, *[entry(f"a{n}@x.io", send="first") for n in range(50)])
    bulk(ses, *[entry(f"a{n}@x.io", send="second") for n in reversed(range(50))])
    groups = ask(running, "GET", "/truth?tag=send&addresses=true")[1]["groups"]
    assert groups["first"]["addresses"]["bounced"] == groups["second"]["addresses"]["bounced"]
    assert 5 < groups["first"]["bounced"] < 25


@pytest.mark.parametrize("rule", [{"match": "("}, {"outcome": "vanish"}, {"unknown": 1}])
def test_a_bad_rule_is_named(running: Simulators, rule: dict[str, Any]) -> None:
    status, answer = ask(running, "POST", "/script", rule)
    assert status == 400
    assert answer["message"]


def test_truth_counts_duplicates_within_a_send_only(running: Simulators, ses: Any) -> None:
    bulk(ses, entry("ada@x.io"), entry("bo@x.io"), entry("ADA@x.io"))
    bulk(ses, entry("ada@x.io", send="snd_2"))
    _, truth = ask(running, "GET", "/truth?tag=send")
    assert truth["groups"]["snd_1"]["duplicates"] == 1
    assert truth["groups"]["snd_1"]["duplicate_addresses"] == ["ada@x.io"]
    assert truth["groups"]["snd_2"]["duplicates"] == 0
    assert (truth["total"]["accepted"], truth["total"]["duplicates"]) == (4, 1)
    only = ask(running, "GET", "/truth?tag=send&value=snd_2")[1]
    assert list(only["groups"]) == ["snd_2"]


def test_a_subscription_is_asked_for(running: Simulators, sink: Sink) -> None:
    post_to(running, sink, CALLBACK_EVENTS)
    assert ask(running, "POST", "/subscribe", {"url": sink.url + "/cb_1"})[0] == 202
    idle(running)
    [received] = sink.received
    envelope = verify(received, running)
    assert received.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert (envelope["TopicArn"], bool(envelope["Token"])) == (TOPIC, True)


def test_the_account_list_fills_itself_when_asked(running: Simulators, ses: Any) -> None:
    running.sim.configure(merge(running.sim.config, {"ses": {"suppressed_reasons": ["BOUNCE"]}}))
    bulk(ses, entry("bounce@x.io"))
    assert ses.get_suppressed_destination(EmailAddress="bounce@x.io")["SuppressedDestination"]["Reason"] == "BOUNCE"


def test_a_restart_keeps_keys_mails_and_truth(tmp_path: Path) -> None:
    with Simulators(tmp_path) as first:
        ses = client(first)
        [result] = bulk(ses, entry("bounce@x.io"))
        ses.close()
        keys, truth = ask(first, "GET", "/keys"), ask(first, "GET", "/truth")[1]["total"]
    with (tmp_path / "mailbox.jsonl").open("a") as file:
        file.write('{"half a line')
    with Simulators(tmp_path) as second:
        assert ask(second, "GET", "/keys") == keys
        after = ask(second, "GET", "/truth")[1]["total"]
        assert {**after, "notified": 0} == {**truth, "notified": 0}
        assert ask(second, "GET", f"/mailbox/{result['MessageId']}.json")[1]["text"] == "Hi Ada"


@pytest.mark.parametrize(
    "change",
    [{"unknown": {}}, {"ses": {"unknown": 1}}, {"ses": {"max_send_rate": -1}}, {"ses": {"verified": "example.com"}}]
    + [{"ses": {"destinations": [item]}} for item in ({"kind": "sqs", "events": ["Bounce"]}, {"kind": "https"})]
    + [{"ses": {"destinations": [{"kind": "https", "url": "http://x", "events": ["Bounced"]}]}}],
)
def test_a_bad_configuration_is_refused_and_changes_nothing(running: Simulators, change: dict[str, Any]) -> None:
    before = ask(running, "GET", "/config")
    status, answer = ask(running, "PUT", "/config", change)
    assert status == 400
    assert answer["message"]
    assert ask(running, "GET", "/config") == before
