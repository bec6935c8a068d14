"""Twilio's simulator and Twilio's own library: what the library sends, lists and verifies, and what the real service
refuses."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from drumbeat import clock
from drumbeat.channels import Account, Call, Message, Question, Template, imprint
from drumbeat.channels.outcomes import CallState, Fate
from drumbeat.channels.sms import parts
from drumbeat.channels.sms import twilio as provider
from hypothesis import given, settings
from hypothesis import strategies as some
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from infra.local.simulators import sms_segments, twilio_inbound
from infra.local.simulators.config import merge
from infra.local.simulators.server import Simulators
from tests.unit.simulators.parts import Sink, ask, eventually

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])
SERVICE, TO = f"MG{'1' * 32}", "+8801712345678"


@pytest.fixture
def api(running: Simulators) -> Iterator[Any]:
    made = Client(running.sim.config.twilio.account_sid, running.sim.twilio_token)
    made.api.base_url = running.url
    yield made
    made.http_client.session.close()


def test_the_library_sends_and_lists(running: Simulators, api: Any) -> None:
    made = api.messages.create(
        to=TO, messaging_service_sid=SERVICE, body="ঈদ মোবারক 🎉" * 8, media_url=["https://cdn.example/1.jpg"]
    )
    assert (made.status, made.direction, made.price, made.from_) == ("queued", "outbound-api", None, None)
    assert (made.num_media, made.messaging_service_sid, made.sid[:2]) == ("1", SERVICE, "MM")
    found = api.messages(made.sid).fetch()
    assert (found.status, found.price, found.price_unit, found.num_segments) == ("delivered", "-0.02000", "USD", "2")
    text = api.messages.create(to=TO, from_="+15005550006", body="Hello")
    assert [one.sid for one in api.messages.list(to=TO)] == [text.sid, made.sid]
    assert [one.sid for one in api.messages.list(to=TO, limit=1)] == [text.sid]
    assert len(list(api.messages.stream(page_size=1))) == 2
    assert api.messages.list(to=TO, date_sent_after=found.date_sent.replace(year=2099)) == []


@pytest.mark.parametrize(("asked", "code"), [
    ({"to": "+15005550009"}, 21614), ({"from_": "+15005550007"}, 21606), ({"from_": "+15005550008"}, 21611),
    ({"body": None}, 21602), ({"media_url": ["https://x.example/1.jpg"] * 11}, 21623), ({"media_url": ["x"]}, 21620),
])  # fmt: skip
def test_the_library_hears_refusals(api: Any, asked: dict[str, Any], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        api.messages.create(**{"to": TO, "from_": "+15005550006", "body": "Hi", **asked})
    assert (refused.value.status, refused.value.code) == (400, code)


def test_the_library_verifies_what_is_reported(running: Simulators, api: Any, sink: Sink) -> None:
    url = f"{sink.url}/webhooks/twilio/abc/snd_1.0-0.1.0.X"
    made = api.messages.create(to=TO, messaging_service_sid=SERVICE, body="Hi", status_callback=url)
    eventually(lambda: running.sim.dispatcher.pending == 0)
    validator = RequestValidator(running.sim.twilio_token)
    forms = [(dict(parse_qsl(one.body, keep_blank_values=True)), one) for one in sink.received]
    assert sorted(form["MessageStatus"] for form, _ in forms) == ["delivered", "queued", "sent"]
    for form, one in forms:
        assert validator.validate(url, form, one.headers["x-twilio-signature"])
        assert (form["MessageSid"], form["MessagingServiceSid"]) == (made.sid, SERVICE)


@pytest.mark.parametrize("body", ["a=b&c=d&c=e&empty=", '{"MessageSid": "SM1", "a": "x=y&z", "none": null}'])
@pytest.mark.parametrize("query", ["", "?bodySHA256=00"])
def test_what_is_signed_on_demand(running: Simulators, body: str, query: str) -> None:
    url = f"https://api.example/webhooks/twilio{query}"
    headers = ask(running, "POST", "/sign", {"provider": "twilio", "url": url, "body": body})[1]["headers"]
    members = json.loads(body) if body.startswith("{") else None
    said: Any = {"a": "b", "c": ["d", "e"], "empty": ""}
    if members:
        said = {name: value or "" for name, value in members.items()}
    pairs = sorted(
        (name, value) for name, values in said.items() for value in ([values] if isinstance(values, str) else values)
    )
    signed = url if query else url + "".join(name + value for name, value in pairs)
    assert headers["X-Twilio-Signature"] == RequestValidator(running.sim.twilio_token).compute_signature(signed, {})


def test_somebody_texts(running: Simulators, sink: Sink) -> None:
    _, came = ask(running, "POST", "/inbound", {"from": TO, "body": "Hi & bye", "url": f"{sink.url}/in", "sid": "SM1"})
    [one] = sink.received
    form = dict(parse_qsl(one.body, keep_blank_values=True))
    assert (came["sid"], came["status"]) == ("SM1", 200)
    assert (form["From"], form["Body"], form["SmsStatus"], "OptOutType" in form) == (TO, "Hi & bye", "received", False)
    validator = RequestValidator(running.sim.twilio_token)
    assert validator.validate(f"{sink.url}/in", form, one.headers["x-twilio-signature"])


def test_where_twilio_handles_opt_outs_itself(running: Simulators, api: Any, sink: Sink) -> None:
    running.sim.configure(merge(running.sim.config, {"twilio": {"advanced_opt_out": True, "inbound_url": sink.url}}))
    came = ask(running, "POST", "/inbound", {"from": TO, "body": "stop"})[1]
    assert len(came["messages"]) == 1
    assert dict(parse_qsl(sink.received[0].body))["OptOutType"] == "STOP"
    with pytest.raises(TwilioRestException) as refused:
        api.messages.create(to=TO, messaging_service_sid=SERVICE, body="Hi")
    assert refused.value.code == 21610
    ask(running, "POST", "/inbound", {"from": TO, "body": "START"})
    assert api.messages.create(to=TO, messaging_service_sid=SERVICE, body="Hi").status == "queued"


def test_answers_in_twiml() -> None:
    twiml = "<Response><Message>a &amp; b</Message><Message><Body>c</Body></Message><Message/></Response>"
    assert twilio_inbound.messages(twiml) == ["a & b", "c"]
    assert twilio_inbound.messages('<!DOCTYPE x [<!ENTITY a "b">]><Response/>') == []
    assert twilio_inbound.messages('{"not": "xml"}') == []


@given(some.text(alphabet="aé€[ঈ🎉\n", max_size=200))
@settings(max_examples=60, deadline=None)
def test_both_sides_count_parts_alike(text: str) -> None:
    assert sms_segments.segments(text) == len(parts.count(text).parts)


def test_the_products_side_of_it(running: Simulators, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a real connection: sent, refused by token, lost and found."""
    monkeypatch.setenv("TWILIO_API_URL", running.url)
    config = {"account_sid": running.sim.config.twilio.account_sid, "messaging_service_sid": SERVICE}

    def account(token: str) -> Account:
        return Account("pac_1", "sms", "twilio", "ten_acme", config, lambda: {"auth_token": token})

    call = Call(account(running.sim.twilio_token), "", Template("", "", "Hi"), [Message(TO, {}, {}, {})])
    [entry] = provider.send(call).entries
    assert entry.fate == Fate.ACCEPTED
    wrong = Call(account("0" * 32), "", call.template, call.messages)
    assert provider.send(wrong).state == CallState.ACCOUNT
    for kind in ("reset_accepted", "500_accepted"):
        ask(running, "POST", "/faults", {"operation": "CreateMessage", "kind": kind, "count": 1})
        assert provider.send(call).state == CallState.UNKNOWN
    question = Question(TO, imprint("Hi"), clock.wall())
    answers = provider.ask(call.account, [question] * 3)
    assert [answer.fate for answer in answers.values()] == [Fate.ACCEPTED] * 3
    monkeypatch.setenv("TWILIO_API_URL", "http://127.0.0.1:1")  # nobody is there
    assert provider.send(call).state == CallState.UNREACHABLE
