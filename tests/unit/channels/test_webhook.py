"""Requests to tenants' systems: signed as receivers expect, exact in their bytes, honest about what came of them."""

import json
import random
import struct
import subprocess
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.channels import Account, Call, Message, Template
from drumbeat.channels.outcomes import CallState, Fate
from drumbeat.channels.webhook import canonical, https, signing
from drumbeat.templates.engine import TemplateError, compile_texts
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.internet import Asked, Broken, Internet, answer, internet

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
TAGS = {"send": "snd_01JD", "chunk": "3-7", "attempt": "1", "i": "0", "contact": "01JC"}
NAMES = (
    "ada",
    'a"b',
    "a\\",
    'x","admin":true,"y":"',
    "</script>",
    "দৃষ্টি 😀",
    "\u2028",
    "a\nb",
    "{{f0}}",
    "}}}",
    "\\u0022",
)


def account(secrets: str = SECRET, url: str = "https://hooks.example.com/messages") -> Account:
    return Account("pac_1", "webhook", "https", "ten_acme", {"url": url}, lambda: {"signing_secrets": secrets})


def call(text: str = '{"name":"{{f0}}"}', value: str = "ada", **more: Any) -> Call:
    message = Message("con_1", {"f0": value}, {}, more.pop("tags", TAGS))
    return Call(more.pop("account", account()), "", Template("", "", text), [message], claim="clm_1")


def sent(outside: Internet) -> Asked:
    (asked,) = outside.asked
    return asked


def test_a_request_is_signed_as_the_reference_library_wants_it() -> None:
    with internet() as outside:
        result = https.send(call())

    asked = sent(outside)
    assert result.state == CallState.ANSWERED and result.entries[0].fate == Fate.ACCEPTED
    assert (asked.method, asked.target, asked.body) == ("POST", "/messages", b'{"name":"ada"}')
    assert asked.headers["content-type"].startswith("application/json")
    assert Webhook(SECRET).verify(asked.body, asked.headers) == {"name": "ada"}
    for wrong in ({**asked.headers, "webhook-id": "msg_other"}, {**asked.headers, "webhook-timestamp": "1588788367"}):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(asked.body, wrong)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(asked.body + b" ", asked.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(OLDER).verify(asked.body, asked.headers)


def test_while_a_secret_is_replaced_both_are_good() -> None:
    with internet() as outside:
        https.send(call(account=account(f"{OLDER},{SECRET}")))

    asked = sent(outside)
    for secret in (SECRET, OLDER):
        Webhook(secret).verify(asked.body, asked.headers)
    assert (
        asked.headers["x-webhook-signature"]
        == signing.headers([OLDER], "x", clock.wall(), asked.body)["x-webhook-signature"]
    )


def test_the_documented_signature_is_of_the_bytes_that_the_documents_code_signs() -> None:
    """promotion-engine.md, Webhook Integration Example: express has parsed the body, and it is written again."""
    text = '{"2":150.0,"name" : "{{f0}}","1":1e-7,"a":[1.50,-0.0,1e21,123456789012345680000.0],"e":"\\u00e9\\/"}'
    with internet() as outside:
        https.send(call(text, "দৃষ্টি\u2028"))

    asked = sent(outside)
    program = (
        "const body = require('fs').readFileSync(0);"
        "process.stdout.write(require('crypto').createHmac('sha256', process.argv[1])"
        ".update(JSON.stringify(JSON.parse(body))).digest('hex'))"
    )
    made = subprocess.run(
        ["node", "-e", program, SECRET], input=asked.body, capture_output=True, check=True, timeout=20
    )
    assert asked.headers["x-webhook-signature"] == made.stdout.decode()


def test_numbers_and_keys_are_written_as_javascript_writes_them() -> None:
    chance = random.Random(7)
    doubles = [struct.unpack("<d", chance.randbytes(8))[0] for _ in range(2_000)]
    doubles += [value * 10.0**power for value in (1, 1.5, 123456789, 0.1) for power in range(-25, 26)]
    values = [value for value in doubles if value == value and abs(value) != float("inf")]
    keys = dict.fromkeys(("b", "10", "9", "a", "01", "-1", "1.5", "4294967294", "4294967295", "", "0", "٣"), 1)
    text = json.dumps([values, keys, "\x7f\x00\x1f\t/", "\ud83dx😀", True, None, 9007199254740993 - 2])

    program = "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0))))"
    theirs = subprocess.run(["node", "-e", program], input=text.encode(), capture_output=True, check=True, timeout=20)
    assert canonical.rewritten(text) == theirs.stdout.decode()


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"a":Infinity}', "1e999", "[" * 100_000, "{'a': 1}", '"\x00"'])
def test_what_is_no_json_is_refused_for_its_recipient_and_not_sent(text: str) -> None:
    with internet() as outside:
        result = https.send(call(text))

    assert (result.entries[0].fate, result.entries[0].reason) == (Fate.REJECTED, "text_is_no_json")
    assert not outside.connections


def test_a_long_text_is_refused_for_its_recipient() -> None:
    with internet() as outside:
        result = https.send(call(value="x" * https.MOST_BODY))

    assert (result.entries[0].fate, result.entries[0].reason) == (Fate.REJECTED, "text_too_long")
    assert not outside.connections


@pytest.mark.parametrize(
    ("status", "state", "fate"),
    [
        (200, CallState.ANSWERED, Fate.ACCEPTED), (202, CallState.ANSWERED, Fate.ACCEPTED),
        (204, CallState.ANSWERED, Fate.ACCEPTED), (299, CallState.ANSWERED, Fate.ACCEPTED),
        (301, CallState.ANSWERED, Fate.REJECTED), (302, CallState.ANSWERED, Fate.REJECTED),
        (304, CallState.ANSWERED, Fate.REJECTED), (307, CallState.ANSWERED, Fate.REJECTED),
        (400, CallState.ANSWERED, Fate.REJECTED), (404, CallState.ANSWERED, Fate.REJECTED),
        (422, CallState.ANSWERED, Fate.REJECTED), (401, CallState.ACCOUNT, None), (403, CallState.ACCOUNT, None),
        (410, CallState.ACCOUNT, None), (429, CallState.THROTTLED, None), (503, CallState.THROTTLED, None),
        (500, CallState.UNKNOWN, None), (502, CallState.UNKNOWN, None), (504, CallState.UNKNOWN, None),
        (599, CallState.UNKNOWN, None),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, state: CallState, fate: Fate | None) -> None:
    with internet(lambda asked: answer(status, b"no", location="https://elsewhere.example/")) as outside:
        result = https.send(call())

    assert result.state == state
    assert [entry.fate for entry in result.entries] == ([fate] if fate else [])
    assert result.throttled == (state == CallState.THROTTLED)
    assert len(outside.asked) == 1


def test_the_receiver_says_how_long_to_wait() -> None:
    with internet(lambda asked: answer(429, retry_after="120")):
        assert https.send(call()).wait == timedelta(minutes=2)


def test_whoever_was_not_reached_has_nothing_and_whoever_did_not_answer_may_have_it() -> None:
    def broken(asked: Asked) -> bytes:
        raise Broken

    with internet() as outside:
        outside.down = {"hooks.example.com"}
        assert https.send(call()).state == CallState.UNREACHABLE
    with internet(broken):
        assert https.send(call()).state == CallState.UNKNOWN
    with internet(names={"hooks.example.com": [["10.0.0.1"]]}) as outside:
        refused = https.send(call())
        assert (refused.state, refused.reason) == (CallState.ACCOUNT, "address_denied")
        assert not outside.connections


def test_a_message_has_the_same_id_whenever_it_is_sent_and_a_test_has_its_own() -> None:
    with internet() as outside:
        https.send(call())
        https.send(call(tags={**TAGS, "attempt": "2"}))
        https.send(call(tags={**TAGS, "test": "1"}))

    assert [asked.headers["webhook-id"] for asked in outside.asked] == [
        "msg_01JD_3_7_0",
        "msg_01JD_3_7_0",
        "test_clm_1",
    ]


@pytest.mark.parametrize("secrets", ["", ",", "secret", "whsec_", "whsec_!!", "whsec_c2hvcnQ=", f"{SECRET},x"])
def test_a_secret_that_is_none_stops_the_send_and_not_its_people(secrets: str) -> None:
    with internet() as outside:
        result = https.send(call(account=account(secrets)))

    assert (result.state, result.reason) == (CallState.ACCOUNT, "bad_secret")
    assert not outside.connections
    assert https.check(account(secrets)).works is False


def test_an_account_is_checked_by_a_signed_request_without_a_message() -> None:
    with internet() as outside:
        assert https.check(account()).works is True
        Webhook(SECRET).verify(sent(outside).body, sent(outside).headers)
    with internet(lambda asked: answer(404)):
        assert https.check(account()).works is False
    with internet() as outside:
        outside.down = {"hooks.example.com"}
        assert https.check(account()).works is None


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://127.0.0.1/", "https://localhost/"])
def test_an_address_that_may_not_be_asked_is_no_accounts(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|no valid"):
        https.Config(url=url)


def written(source: str, **data: Any) -> Any:
    """What a receiver reads of a text."""
    compiled = compile_texts("", source, json=True)
    fragments = compiled.render({"click_base": "https://t.example/c/x", **data})
    whole = Call(account(), "", Template("", "", compiled.text), []).whole(Message("", fragments, {}, {})).text
    return json.loads(canonical.rewritten(whole))


@pytest.mark.parametrize("name", NAMES)
def test_a_value_stays_a_value_whatever_it_says(name: str) -> None:
    source = (
        '{"a":"Hi {{ name }}!","b":{{ name | json }},"c":"{% if name %}{{ name | upcase }}{% endif %}",'
        '"d":[{% for n in names %}{"n":"{{ n }}","k":{{ n | json }}}'
        "{% unless forloop.last %},{% endunless %}{% endfor %}],"
        '{% capture both %}{{ name }}-{{ name }}{% endcapture %}"e":"{{ both }}","f":"{% echo name %}",'
        '{% assign first = name | append: "x" %}"g":"{{ first }}","h":{"i":{"j":"https://shop.example/?n={{ name }}"}}}'
    )
    assert written(source, name=name, names=[name, name]) == {
        "a": f"Hi {name}!", "b": name, "c": name.upper(), "d": [{"n": name, "k": name}] * 2, "e": f"{name}-{name}",
        "f": name, "g": f"{name}x", "h": {"i": {"j": f"https://shop.example/?n={name}"}},
    }  # fmt: skip


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"])))
def test_any_value_comes_back_as_it_was(name: str) -> None:
    assert written('{"a":"{{ name }}","b":{{ name | json }}}', name=name) == {"a": name, "b": name}


def test_other_values_are_what_they_are() -> None:
    source = '{"a":{{ n | json }},"b":{{ none | json }},"c":{{ list | json }},"d":{{ n }},"e":{{ yes | json }}}'
    told = written(source, n=1.5, list=[1, "x", {"y": None}], yes=True)

    assert told == {"a": 1.5, "b": None, "c": [1, "x", {"y": None}], "d": 1.5, "e": True}


@pytest.mark.parametrize("source", ["{% cycle name, 'b' %}", "{% tablerow n in names %}{{ n }}{% endtablerow %}"])
def test_tags_that_write_past_the_escaping_are_none(source: str) -> None:
    with pytest.raises(TemplateError):
        compile_texts("", source, json=True)
