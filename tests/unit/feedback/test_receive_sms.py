"""What people text back: STOP, START and HELP take effect and are answered, other replies are kept and counted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import table
from drumbeat.accounts.sms_answers import DEFAULTS, SmsAnswers
from drumbeat.activity.model import Timeline
from drumbeat.contacts import suppressions
from drumbeat.contacts.ledger import Entry
from drumbeat.feedback import keywords
from drumbeat.feedback.inbound import Inbound
from drumbeat.feedback.words import LANGUAGES

from infra.local.simulators.twilio_inbound import messages
from tests.clocks import Time, moved
from tests.harness import Reply
from tests.twilio import Twilio, account, text, twilio
from tests.unit.feedback.test_twilio_reports import NUMBER, campaign, contact, stats, told
from tests.world import World

STRANGER = "+8801999999999"


class Phone:
    """The shop's telephone: what people text to it, and what they are answered."""

    def __init__(self, world: World, there: Twilio, time: Time, **config: Any) -> None:
        self.world, self.there, self.time, self.number = world, there, time, 0
        self.urls = {"acme": f"{account(world, **config)['callback_url']}/messages"}

    def says(self, said: str, sender: str = NUMBER, *, sid: str = "", tenant: str = "acme", **more: str) -> list[str]:
        """Somebody texts; gives the answers."""
        return answers(self.hears(said, sender, sid=sid, tenant=tenant, **more))

    def hears(self, said: str, sender: str = NUMBER, *, sid: str = "", tenant: str = "acme", **more: str) -> Reply:
        self.number += 1
        self.time.passes(timedelta(seconds=5))
        reply = text(self.world, self.urls[tenant], sender, said, sid or f"SM{self.number:032x}", **more)
        self.world.settle()
        return reply

    def consent(self, who: str, tenant: str = "acme") -> str:
        found = self.world.call("contacts.get_contact", tenant=tenant, path={"contact_id": who}).data
        return str(found["consent"]["sms"]["status"])


def answers(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.text
    assert reply.headers["Content-Type"].startswith("text/xml")
    return messages(reply.text)


@pytest.fixture
def time() -> Iterator[Time]:
    made = Time()
    with moved(made):
        yield made


@pytest.fixture
def there() -> Iterator[Twilio]:
    with twilio() as made:
        yield made


@pytest.fixture
def phone(world: World, there: Twilio, time: Time) -> Phone:
    return Phone(world, there, time)


def test_stop_and_start(phone: Phone, world: World, there: Twilio) -> None:
    who = contact(world)
    made = campaign(world)

    assert phone.says(" Stop. ") == [
        "Acme: You are unsubscribed and will get no more messages. Reply START to get them again."
    ]
    assert phone.consent(who) == "revoked"
    assert told(who)[-1] == "sms.unsubscribed"
    assert stats(world, made)["unsubscribed"] == 1
    assert "marketing.sms.unsubscribed" in [event["event_type"] for event in world.published]
    recorded = world.call("contacts.list_unsubscribes", query={"channel": "sms"}).data["items"]
    assert [(row["campaign_id"], row["method"]) for row in recorded] == [(made, "keyword")]
    campaign(world)
    assert len(there.sent) == 1  # nothing goes out any more

    assert phone.says("START") == ["Acme: You will get our messages again. Reply HELP for help, STOP to end."]
    assert phone.consent(who) == "granted"
    campaign(world)
    assert len(there.sent) == 2
    evidence = [(entry.actor, entry.statements[0]["method"]) for entry in entries(who)]
    assert evidence[1:] == [("recipient", "keyword")] * 2


def entries(who: str) -> list[Entry]:
    return list(table.rows(Entry, f"CONSENT#ten_acme#{who}"))


def test_help_changes_nothing(phone: Phone, world: World) -> None:
    who = contact(world, language="bn")
    assert phone.says("help") == ["Acme: খবর ও অফার। বন্ধ করতে STOP লিখে পাঠান।"]
    assert phone.consent(who) == "granted"
    assert told(who) == []


def test_in_the_recipients_language_and_the_tenants_words(phone: Phone, world: World) -> None:
    own = {"en": {"stop": "{sender} says goodbye <3"}, "bn": {"help": ""}}
    assert world.call("accounts.update_settings", body={"sms_answers": own, "language": "bn"}).status == 200
    contact(world)
    contact(world, STRANGER, language="en")
    assert phone.says("STOP", STRANGER) == ["Acme says goodbye <3"]
    assert phone.says("সাহায্য") == []
    assert phone.says("বন্ধ করুন") == ["Acme: আপনি আর কোনো বার্তা পাবেন না। আবার পেতে START লিখে পাঠান।"]
    wrong = world.call("accounts.update_settings", body={"sms_answers": {"fr": {}}})
    assert wrong.status == 422


def test_a_number_that_no_contact_has(phone: Phone, world: World, there: Twilio) -> None:
    assert len(phone.says("STOP", STRANGER)) == 1
    held = suppressions.find("ten_acme", STRANGER)
    assert held is not None
    assert held.reason == "unsubscribed"
    contact(world, STRANGER)
    campaign(world)
    assert there.sent == []
    assert len(phone.says("START", STRANGER)) == 1
    assert suppressions.find("ten_acme", STRANGER) is None


def test_the_same_request_once_more(phone: Phone, world: World) -> None:
    """There is no time in Twilio's signature: an old START must not undo a later STOP, nor the other way round."""
    who = contact(world)
    phone.says("STOP", sid="SM1")
    phone.says("START", sid="SM2")
    assert len(phone.says("STOP", sid="SM1")) == 1
    assert phone.consent(who) == "granted"
    phone.says("STOP", sid="SM3")
    phone.says("START", sid="SM2")
    assert phone.consent(who) == "revoked"
    phone.says("STOP", STRANGER, sid="SM4")
    phone.says("START", STRANGER, sid="SM5")
    phone.says("STOP", STRANGER, sid="SM4")
    assert suppressions.find("ten_acme", STRANGER) is None


def test_a_start_whose_worker_died_undoes_no_later_stop(phone: Phone, world: World) -> None:
    who = contact(world)
    for sender in (NUMBER, STRANGER):
        phone.says("STOP", sender)
        start = f"START{sender}"
        phone.says("START", sender, sid=start)
        Inbound.change_at(*Inbound.key("ten_acme", start), Inbound.done.set(False))  # it died before this was noted
        phone.says("STOP", sender)
        phone.says("START", sender, sid=start)

    assert phone.consent(who) == "revoked"
    assert suppressions.find("ten_acme", STRANGER) is not None


def test_where_twilio_has_answered(phone: Phone, world: World) -> None:
    """Advanced opt-out: Twilio says what it understood, in any language, and has answered."""
    who = contact(world)
    assert phone.says("arrêt", OptOutType="STOP") == []
    assert phone.consent(who) == "revoked"
    assert phone.says("START", OptOutType="START") == []
    assert phone.consent(who) == "granted"


def test_where_twilio_always_answers(world: World, there: Twilio, time: Time) -> None:
    phone = Phone(world, there, time, answers="twilio")
    who = contact(world)
    assert phone.says("STOP") == []
    assert phone.consent(who) == "revoked"


def test_yes_is_a_reply_unless_the_person_had_opted_out(phone: Phone, world: World) -> None:
    who = contact(world)
    assert phone.says("Yes!") == []
    assert told(who) == ["sms.replied"]
    phone.says("STOP")
    assert len(phone.says("YES")) == 1
    assert phone.consent(who) == "granted"


def test_replies_are_kept_counted_and_published(phone: Phone, world: World, caplog: pytest.LogCaptureFixture) -> None:
    who = contact(world, external_id="c-7")
    campaign(world, text="First")
    phone.time.passes(timedelta(hours=1))
    last = campaign(world, text="Second")
    for _ in range(2):
        assert phone.says("Is the red one left?", sid="SM7", NumMedia="1") == []
    assert phone.says("Hello?", sid="SM8") == []

    assert stats(world, last)["replied"] == 1
    rows = [row for row in table.rows(Timeline, Timeline.partition("ten_acme", who)) if row.name == "sms.replied"]
    assert [(row.data["text"], row.data["media_count"], row.campaign) for row in rows] == [
        ("Is the red one left?", 1, last), ("Hello?", 0, last)
    ]  # fmt: skip
    events = [event["data"] for event in world.published if event["event_type"] == "marketing.sms.replied"]
    assert [(event["campaign_id"], event["customer_id"], event["reply_id"]) for event in events] == [
        (last, "c-7", "SM7"), (last, "c-7", "SM8")
    ]  # fmt: skip
    assert "red one" not in caplog.text
    assert NUMBER not in caplog.text


def test_a_reply_to_nothing(phone: Phone, world: World) -> None:
    """Somebody writes first, or long after the last message."""
    who = contact(world)
    made = campaign(world)
    phone.time.passes(timedelta(days=31))
    assert phone.says("Hi") == []
    assert phone.says("Hi", STRANGER) == []
    assert told(who) == ["sms.sent", "sms.replied"]
    assert "replied" not in stats(world, made)


def test_two_tenants_whose_contacts_have_the_same_number(phone: Phone, world: World, there: Twilio) -> None:
    phone.urls["globex"] = f"{account(world, 'globex')['callback_url']}/messages"
    mine, theirs = contact(world), contact(world, tenant="globex")
    made, other = campaign(world), campaign(world, "globex")
    phone.says("STOP", tenant="globex")
    phone.says("Thanks", tenant="acme")
    assert (phone.consent(mine), phone.consent(theirs, "globex")) == ("granted", "revoked")
    assert (stats(world, made).get("replied"), stats(world, other, "globex").get("replied")) == (1, None)
    assert told(theirs, "globex") == ["sms.sent", "sms.unsubscribed"]


def test_what_is_no_message_and_what_is_forged(phone: Phone, world: World) -> None:
    url = phone.urls["acme"]
    who = contact(world)
    assert text(world, url, NUMBER, "STOP", "SM1", token="f" * 32).body["error_code"] == "BAD_SIGNATURE"
    assert text(world, url.replace("/messages", "x/messages"), NUMBER, "STOP", "SM1").status == 404
    assert text(world, url, "", "STOP", "SM1").status == 400
    assert answers(text(world, url, "32665", "STOP", "SM1")) == []  # a short code is nobody
    assert phone.consent(who) == "granted"


@pytest.mark.parametrize(("said", "means"), [
    ("STOP", "stop"), ("stopall", "stop"), ("Opt-out", "stop"), ("“stop”", "stop"), ("ＳＴＯＰ", "stop"),
    ("unsubscribe!", "stop"), ("বন্ধ", "stop"), ("থামুন।", "stop"), ("Bondho korun", "stop"), ("REVOKE", "stop"),
    ("start", "start"), ("UNSTOP", "start"), ("শুরু", "start"), ("info", "help"), ("HELP?", "help"), ("তথ্য", "help"),
    ("stop by tomorrow", None), ("", None), ("yes", None), ("Don't stop", None), ("🛑", None), ("s t o p", None),
    ("stop" * 40, None),
])  # fmt: skip
def test_words(said: str, means: str | None) -> None:
    assert keywords.meaning(said, opted_out=False) == means


def test_there_are_answers_in_all_languages_of_the_pages() -> None:
    assert set(DEFAULTS) == set(SmsAnswers.model_fields) == set(LANGUAGES)
