"""The requests that go to Twilio, and what its answers mean. Its own SDK speaks to the simulator of the local stack."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from drumbeat import clock
from drumbeat.channels import Account, Call, Capacity, Message, Question, Template, imprint
from drumbeat.channels.outcomes import CallState, Entry, Fate
from drumbeat.channels.sms import twilio as provider
from drumbeat.channels.sms import twilio_api
from pydantic import ValidationError
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ProtocolError

from infra.local.simulators.http import Reply
from tests.twilio import SERVICE, SID, TOKEN, Twilio, refusal
from tests.twilio import twilio as answering

TAGS = {"send": "snd_1", "chunk": "3-7", "attempt": "1", "i": "0", "contact": "01HXAMPLE"}
TO, BANGLA = "+8801712345678", "ঈদ মোবারক 🎉 {{f0}}"
NO_ROUTE = NewConnectionError(HTTPSConnection("api.twilio.com"), "refused")


@pytest.fixture
def there() -> Iterator[Twilio]:
    with answering() as made:
        yield made


def account(**config: Any) -> Account:
    said = {"account_sid": SID, "messaging_service_sid": SERVICE, **config}
    url = "https://track.example/webhooks/twilio/abc123"
    return Account("pac_1", "sms", "twilio", "ten_acme", said, lambda: {"auth_token": TOKEN}, url)


def call(to: str = TO, text: str = BANGLA, tags: dict[str, str] = TAGS, **more: Any) -> Call:
    message = Message(to, {"f0": "Rina"}, {}, tags)
    return Call(more.pop("account", account()), "Acme", Template("", "", text), [message], **more)


def test_the_documented_request(there: Twilio) -> None:
    """integration-guide.md, Twilio: To, From, Body, MessagingServiceSid, StatusCallback."""
    result = provider.send(call(account=account(from_number="+15005550006")))

    assert there.forms == [{
        "To": [TO], "From": ["+15005550006"], "Body": ["ঈদ মোবারক 🎉 Rina"], "MessagingServiceSid": [SERVICE],
        "StatusCallback": ["https://track.example/webhooks/twilio/abc123/snd_1.3-7.1.0.01HXAMPLE"],
    }]  # fmt: skip
    assert result.state == CallState.ANSWERED
    assert [entry.fate for entry in result.entries] == [Fate.ACCEPTED]
    assert result.entries[0].message_id == there.sim.mailbox.every()[0].message_id
    assert there.sent == [(TO, "ঈদ মোবারক 🎉 Rina")]
    [(_, _, timeout)] = there.asked
    assert timeout == (twilio_api.CONNECT_TIMEOUT, twilio_api.READ_TIMEOUT)


def test_pictures_and_a_sender_of_its_own(there: Twilio) -> None:
    pictures = [f"https://cdn.example/{number}.jpg" for number in range(2)]
    provider.send(call(said={"media_urls": pictures, "sender_id": "ACME"}))

    [form] = there.forms
    assert form["MediaUrl"] == pictures
    assert form["From"] == ["ACME"]
    assert there.sim.mailbox.every()[0].message_id.startswith("MM")


@pytest.mark.parametrize("tags", [{}, {**TAGS, "test": "1"}])
def test_a_test_is_reported_to_nobody(there: Twilio, tags: dict[str, str]) -> None:
    provider.send(call(tags=tags))
    assert "StatusCallback" not in there.forms[0]


def test_reports_go_to_the_function_where_the_account_says_so(there: Twilio) -> None:
    provider.send(call(account=account(status_url="https://x.lambda-url.example/")))
    assert there.forms[0]["StatusCallback"] == ["https://x.lambda-url.example/abc123/snd_1.3-7.1.0.01HXAMPLE"]


@pytest.mark.parametrize(("to", "entry"), [
    ("+15005550001", Entry(Fate.REJECTED, reason="21211: invalid_number", gone=True)),
    ("+15005550002", Entry(Fate.REJECTED, reason="21612: not_reachable")),
    ("+15005550003", Entry(Fate.REJECTED, reason="21408: country_not_permitted")),
    ("+15005550004", Entry(Fate.REJECTED, reason="21610: opted_out", opted_out=True)),
    ("+15005550009", Entry(Fate.REJECTED, reason="21614: not_a_mobile_number", gone=True)),
])  # fmt: skip
def test_numbers_that_twilio_refuses(there: Twilio, to: str, entry: Entry) -> None:
    """Its magic numbers (twilio.com/docs/iam/test-credentials)."""
    result = provider.send(call(to))
    assert (result.state, result.entries) == (CallState.ANSWERED, [entry])


@pytest.mark.parametrize(("answer", "state"), [
    (refusal(400, 30610), CallState.ANSWERED),
    (refusal(400, 29999), CallState.ANSWERED),
    (refusal(401, 20003), CallState.ACCOUNT),
    (refusal(403, 20005), CallState.ACCOUNT),
    (refusal(404, 20404), CallState.ACCOUNT),
    (refusal(400, 21606), CallState.ACCOUNT),
    (refusal(400, 63038), CallState.QUOTA),
    (refusal(400, 21611), CallState.THROTTLED),
    (refusal(429, 20429), CallState.THROTTLED),
    (refusal(500, 20500), CallState.UNKNOWN),
    (Reply(b"<html>bad gateway</html>", 502), CallState.UNKNOWN),
])  # fmt: skip
def test_what_answers_mean(there: Twilio, answer: Reply, state: CallState) -> None:
    there.fails(answer)
    result = provider.send(call())
    assert result.state == state
    assert len(there.asked) == 1


def test_twilio_says_how_long_to_wait(there: Twilio) -> None:
    there.fails(refusal(429, 20429, Retry_After="7"))
    result = provider.send(call())
    assert (result.wait, result.throttled) == (timedelta(seconds=7), True)


@pytest.mark.parametrize(("raised", "state"), [
    (requests.ConnectionError(MaxRetryError(None, "/", NO_ROUTE)), CallState.UNREACHABLE),  # type: ignore[arg-type]
    (requests.ConnectTimeout(MaxRetryError(None, "/", ConnectTimeoutError())), CallState.UNREACHABLE),  # type: ignore[arg-type]
    (requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError())), CallState.UNKNOWN),
    (requests.ReadTimeout("read timed out"), CallState.UNKNOWN),
    (requests.exceptions.SSLError("bad record"), CallState.UNKNOWN),
])  # fmt: skip
def test_no_answer(there: Twilio, raised: Exception, state: CallState) -> None:
    """Once: a message of Twilio's is created by each request that arrives."""
    there.fails(raised)
    assert provider.send(call()).state == state
    assert len(there.asked) == 1


def test_nothing_that_is_sent_gets_into_a_log(there: Twilio, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    provider.send(call())
    provider.ask(account(), [question()])
    assert not [record for record in caplog.records if TO in record.getMessage() or "Rina" in record.getMessage()]


def question(text: str = "ঈদ মোবারক 🎉 Rina", ago: float = 60, **more: Any) -> Question:
    return Question(TO, imprint(text), clock.wall() - timedelta(seconds=ago), **more)


def test_whoever_asks_hears_what_was_accepted(there: Twilio) -> None:
    provider.send(call())
    [mail] = there.sim.mailbox.every()
    assert provider.ask(account(), [question()]) == {0: Entry(Fate.ACCEPTED, message_id=mail.message_id)}


def test_one_message_answers_one_question(there: Twilio) -> None:
    provider.send(call())
    answers = provider.ask(account(), [question(), question()])
    assert [answers[0].fate, answers[1].fate] == [Fate.ACCEPTED, Fate.AGAIN]


@pytest.mark.parametrize("asked", [
    question("another text"), question(ago=-3600), question(of_another=lambda sid: True)
])  # fmt: skip
def test_messages_that_are_not_the_one_in_question(there: Twilio, asked: Question) -> None:
    provider.send(call())
    answer = provider.ask(account(), [asked])
    assert answer in ({}, {0: Entry(Fate.AGAIN)})


def test_a_list_that_does_not_go_back_to_the_doubt_proves_nothing(
    there: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "LISTED", 2)
    for _ in range(2):
        provider.send(call(text="Your code is 1234"))
    assert provider.ask(account(), [question(ago=60)]) == {}
    assert provider.ask(account(), [question(ago=-60)]) == {}  # the doubt is younger, and the request on its way
    before = clock.wall() - timedelta(hours=1)
    for mail in there.sim.mailbox.every()[:1]:
        mail.at = before.timestamp()
    assert provider.ask(account(), [question(ago=60)]) == {0: Entry(Fate.AGAIN)}


def test_a_request_may_be_on_its_way_still(there: Twilio) -> None:
    """What Twilio does not have now it may have in a moment; then not any more."""
    assert provider.ask(account(), [question(ago=twilio_api.READ_TIMEOUT)]) == {}
    later = provider.IN_FLIGHT.total_seconds() + 1
    assert provider.ask(account(), [question(ago=later)]) == {0: Entry(Fate.AGAIN)}


@pytest.mark.parametrize("fault", [requests.ReadTimeout(), refusal(500, 20500), Reply(b"{}")])
def test_no_answer_leaves_the_doubt(there: Twilio, fault: Exception | Reply) -> None:
    there.fails(fault)
    assert provider.ask(account(), [question(ago=3600)]) == {}


@pytest.mark.parametrize("config", [
    {"account_sid": SID}, {"account_sid": "SK1", "from_number": "+15005550006"},
    {"account_sid": SID, "from_number": "not a sender at all"},
    {"account_sid": SID, "messaging_service_sid": "AC" + "0" * 32},
    {"account_sid": SID, "from_number": "+15005550006", "status_url": "https://x.example/?a=b"},
])  # fmt: skip
def test_accounts_that_are_not_taken(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        provider.CONFIG.model_validate(config)


def test_what_an_account_may_send() -> None:
    assert provider.capacity(account(per_second=10, per_day=2000)) == Capacity(10, a_day=2000)
    assert provider.capacity(account()) == Capacity(1)


@pytest.mark.parametrize(("fault", "works"), [
    (None, True), (refusal(401, 20003), False), (refusal(500, 20500), None), (requests.ReadTimeout(), None)
])  # fmt: skip
def test_whether_an_account_works(there: Twilio, fault: Exception | Reply | None, works: bool | None) -> None:
    if fault:
        there.fails(fault)
    assert provider.check(account()).works is works
    assert there.sent == []
