"""Only what Twilio signed gets in. Its own library says what a right signature is."""

import hashlib
import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from drumbeat.errors import MalformedBody
from drumbeat.feedback import twilio_signatures
from drumbeat.feedback.signatures import BadSignature
from hypothesis import given, settings
from hypothesis import strategies as some
from twilio.request_validator import RequestValidator

from tests.twilio import TOKEN

BASE, PATH = "https://track.example", "/webhooks/twilio/abc/snd_1.0-7.1.0.X"
SAID = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+8801712345678", "From": "+15005550006", "Body": ""}
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


def posted(body: bytes, signature: str, *, path: str = PATH, query: str = "", kind: str = FORM) -> Any:
    headers = {"content-type": kind, "x-twilio-signature": signature}
    return SimpleNamespace(path=path, raw_query=query, headers=headers, raw=body)


def signed(url: str, said: Any) -> str:
    return str(RequestValidator(TOKEN).compute_signature(url, said))


def test_a_form() -> None:
    request = posted(urlencode(SAID).encode(), signed(BASE + PATH, SAID))
    assert twilio_signatures.verified(request, BASE, TOKEN) == SAID


@pytest.mark.parametrize("base", ["https://track.example", "https://track.example:443", "https://track.example:8443"])
@pytest.mark.parametrize("port", ["", ":443", ":8443"])
def test_with_and_without_the_port(base: str, port: str) -> None:
    """As Twilio's library has it: whatever port the address has, it may be left out, or be the usual one."""
    signature = signed(f"https://track.example{port}{PATH}", SAID)
    request = posted(urlencode(SAID).encode(), signature)
    theirs = RequestValidator(TOKEN).validate(base + PATH, SAID, signature)
    try:
        twilio_signatures.verified(request, base, TOKEN)
    except BadSignature:
        assert not theirs
    else:
        assert theirs


class Several(dict[str, list[str]]):
    """Several values of a name, as web frameworks have them."""

    def getall(self, name: str) -> list[str]:
        return self[name]


_WORDS = some.sampled_from(["a", "A", "", "&=%+", "ঈদ মোবারক", "🎉", "\n", "b" * 40, "a b"])


@given(some.dictionaries(_WORDS.filter(bool), some.lists(_WORDS, min_size=1, max_size=3), max_size=6))
@settings(max_examples=40, deadline=None)
def test_any_parameters(said: dict[str, list[str]]) -> None:
    """Names and values in any script, several of a name, empty ones."""
    body = urlencode([(name, value) for name, values in said.items() for value in values]).encode()
    request = posted(body, signed(BASE + PATH, Several(said)))
    assert twilio_signatures.verified(request, BASE, TOKEN) == {name: values[-1] for name, values in said.items()}


def test_json_that_the_address_has_the_hash_of() -> None:
    body = json.dumps(SAID).encode()
    query = f"bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = signed(f"{BASE}{PATH}?{query}", {})
    assert RequestValidator(TOKEN).validate(f"{BASE}{PATH}?{query}", body.decode(), signature)
    request = posted(body, signature, query=query, kind="application/json")
    assert twilio_signatures.verified(request, BASE, TOKEN) == SAID
    other = posted(body.replace(b"delivered", b"failed"), signature, query=query, kind="application/json")
    with pytest.raises(BadSignature):
        twilio_signatures.verified(other, BASE, TOKEN)


def test_json_without_the_hash_is_covered_all_the_same() -> None:
    request = posted(json.dumps(SAID).encode(), signed(BASE + PATH, SAID), kind="application/json")
    assert twilio_signatures.verified(request, BASE, TOKEN) == SAID
    for changed in ({**SAID, "MessageStatus": "failed"}, {**SAID, "More": "x"}):
        other = posted(json.dumps(changed).encode(), signed(BASE + PATH, SAID), kind="application/json")
        with pytest.raises(BadSignature):
            twilio_signatures.verified(other, BASE, TOKEN)
    uncovered = posted(json.dumps(SAID).encode(), signed(BASE + PATH, {}), kind="application/json")
    with pytest.raises(BadSignature):
        twilio_signatures.verified(uncovered, BASE, TOKEN)


def _forged() -> list[tuple[str, Any]]:
    body, right = urlencode(SAID).encode(), signed(BASE + PATH, SAID)
    newer = str(RequestValidator(TOKEN).compute_signature(BASE + PATH, SAID, "HMAC_SHA256"))
    return [
        ("a byte of the body", posted(body.replace(b"SM1", b"SM2"), right)),
        ("a parameter's name", posted(body.replace(b"To=", b"to="), right)),
        ("a parameter more", posted(body + b"&ErrorCode=30005", right)),
        ("a parameter less", posted(body.replace(b"&Body=", b""), right)),
        ("a byte of the path", posted(body, right, path=PATH[:-1] + "Y")),
        ("a query", posted(body, right, query="a=b")),
        ("a byte of the signature", posted(body, ("A" if right[0] != "A" else "B") + right[1:])),
        ("no signature", posted(body, "")),
        ("letters that no signature has", posted(body, "ü" * 28)),
        ("another token", posted(body, str(RequestValidator("0" * 32).compute_signature(BASE + PATH, SAID)))),
        ("another host", posted(body, signed("https://evil.example" + PATH, SAID))),
        ("the newer algorithm", posted(body, newer)),
        ("the hash of a form", posted(body, signed(f"{BASE}{PATH}?bodySHA256=0", {}), query="bodySHA256=0")),
    ]  # fmt: skip


@pytest.mark.parametrize(("what", "request_"), _forged(), ids=[what for what, _ in _forged()])
def test_forged_requests(what: str, request_: Any) -> None:
    with pytest.raises(BadSignature):
        twilio_signatures.verified(request_, BASE, TOKEN)


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"a": {}}', b'{"a": true}', b"\xff"])
def test_json_that_is_none_of_twilios(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        twilio_signatures.verified(posted(body, "x", kind="application/json"), BASE, TOKEN)


def test_a_form_that_is_none() -> None:
    for body in (b"\xff=\xff", b"&".join(b"a%d=1" % number for number in range(600))):
        with pytest.raises(MalformedBody):
            twilio_signatures.verified(posted(body, "x"), BASE, TOKEN)
