"""Tokens of mails are neither guessed, nor counted through, nor bent to another message, nor made to lead elsewhere."""

import base64
import hmac
import itertools
import string
from collections.abc import Iterator

import pytest
from drumbeat.feedback import known, tracking
from drumbeat.sends import rollups, tokens
from drumbeat.sends.model import Place
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from tests import quick_moto
from tests.harness import Reply
from tests.sends import Sent, sent
from tests.world import World

quick_moto.quicken()
LETTERS = string.ascii_letters + string.digits + "-_"
PAGES = ("show_unsubscribe", "unsubscribe_contact", "show_preferences", "change_preferences")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    for module in (known, tracking, tokens, rollups):
        module.forget()


@pytest.fixture(scope="module")
def mail() -> Iterator[Sent]:
    """A send whose key is in the table, for tests that ask for tokens a thousand times."""
    with mock_aws():
        World().build()
        yield sent(sizes=(3, 3))


@pytest.mark.parametrize("number", [0, 2])
def test_no_bit_of_a_token_can_be_flipped(mail: Sent, number: int) -> None:
    token = mail.token(number)
    raw = base64.urlsafe_b64decode(token + "=")
    assert tokens.verify(token) is not None
    for place in range(len(raw) * 8):
        other = bytearray(raw)
        other[place // 8] ^= 1 << place % 8
        assert tokens.verify(base64.urlsafe_b64encode(other).decode().rstrip("=")) is None, place


def test_a_token_has_one_spelling(mail: Sent) -> None:
    """Base64 has spare bits at its end, and decoders skip what they do not know."""
    token = mail.token()
    others = [token[:-1] + letter for letter in LETTERS if letter != token[-1]]
    others += [f"{token[:place]}{more}{token[place:]}" for place in (0, 20, 43) for more in ("=", "!", "\n", " ", "%")]
    others += [
        token + "=",
        token + "==",
        token.swapcase(),
        token.replace("-", "+").replace("_", "/") + "=",
        token + token,
    ]
    assert [other for other in others if other != token and tokens.verify(other) is not None] == []


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=60) | st.text(LETTERS, min_size=43, max_size=43) | st.binary(max_size=40).map(str))
def test_nothing_that_we_did_not_issue_is_a_token(mail: Sent, text: str) -> None:
    assert tokens.verify(text) is None


@settings(max_examples=100, deadline=None)
@given(
    shard=st.integers(0, 255), chunk=st.integers(0, 2**24 - 1), number=st.integers(0, 2**16 - 1), secret=st.binary(
        min_size=tokens.SECRET_BYTES, max_size=tokens.SECRET_BYTES
    )
)  # fmt: skip
def test_the_signature_of_one_message_fits_no_other(
    mail: Sent, shard: int, chunk: int, number: int, secret: bytes
) -> None:
    """Another recipient, chunk, shard or send with the same signature; the same message by another send's key."""
    place = Place(mail.tenant, mail.send_id, shard, chunk)
    mine = base64.urlsafe_b64decode(mail.token() + "=")
    theirs = base64.urlsafe_b64decode(tokens.issue(mail.secret, place, number) + "=")
    swapped = base64.urlsafe_b64encode(theirs[:22] + mine[22:]).decode().rstrip("=")
    same = (place, number) == (mail.place(), 0)
    assert (tokens.verify(swapped) is not None) == same
    assert tokens.verify(tokens.issue(secret, mail.place(), 0)) is None or secret == mail.secret
    assert tokens.verify(tokens.issue(mail.secret, place, number)) is not None


def test_a_signature_has_eighty_bits_and_is_compared_in_constant_time(
    mail: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []
    plain = hmac.compare_digest

    def watched(one: bytes, other: bytes) -> bool:
        compared.append(len(one) * 8)
        return plain(one, other)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    tokens.verify(mail.token())
    tokens.verify(mail.token()[:-3] + "AAA")
    assert compared == [80, 80]


def test_tokens_do_not_tell_how_many_there_are(mail: Sent) -> None:
    """Neighbours differ in their signatures as chance does: half of the bits, give or take."""
    raws = [int.from_bytes(base64.urlsafe_b64decode(mail.token(number) + "=")[22:], "big") for number in range(64)]
    distances = [(one ^ other).bit_count() for one, other in itertools.pairwise(raws)]
    assert len(set(raws)) == len(raws)
    assert 35 < sum(distances) / len(distances) < 45


@pytest.mark.parametrize("name", PAGES)
def test_a_forged_token_is_answered_like_one_of_a_send_that_never_was(world: World, name: str) -> None:
    send = sent()
    stranger = Sent(tenant="ten_globex")

    def answer(token: str) -> tuple[int, str, dict[str, str]]:
        reply = ask(world, name, token)
        told = {key: value for key, value in reply.headers.items() if "RateLimit" not in key and key != "X-Request-ID"}
        return reply.status, reply.text, told

    forged = send.token()[:-1] + ("A" if send.token()[-1] != "A" else "Q")
    answers = [answer(forged), answer(stranger.token()), answer("x"), answer(tokens.issue(b"y" * 32, send.place(), 0))]
    assert answers[0][0] == 404
    assert all(other == answers[0] for other in answers)
    assert send.stats() == {}


def ask(world: World, name: str, token: str) -> Reply:
    form = {"content-type": "application/x-www-form-urlencoded"}
    return world.call(f"tracking.{name}", tenant=None, path={"token": token}, body=b"page=1", headers=form)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)", "vbscript:x",
        "data:text/html,<script>x</script>", "&#106;avascript:alert(1)", "https://a.example/\x00", "http://[::1",
        "https://a.example/\r\nSet-Cookie: a=b", "https://{{ first_name }}.evil.example/", "{{ first_name }}",
        "https://a.example\u2028.evil.example/", "https://a.example/\u202egpj.exe",
        "https://a.example/{{ first_name }}",
    ],
)  # fmt: skip
def test_a_hostile_link_is_not_saved(world: World, url: str) -> None:
    """In templates, and in campaigns with HTML of their own."""
    html = f'<p><a href="{url}">Look</a></p>'
    template = world.call("templates.create_template", body={"name": "x", "subject": "s", "html": html})
    assert (template.status, template.refused) == (422, ["html"])


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,x", "//evil.example", "/\\evil.example", "https:evil.example",
        "ftp://evil.example", "file:///etc/passwd", "http://[::1", "https://a.example\u2028.evil.example/", "https://",
        "about:blank", "{{ attributes.url }}", "https://{{ attributes.url }}/",
    ],
)  # fmt: skip
def test_a_hostile_target_in_the_table_is_not_followed(world: World, url: str) -> None:
    """Whatever got it there: rows of older versions, a restored table."""
    send = sent(links=[{"number": 1, "url": url}])
    reply = world.call("tracking.follow_link", tenant=None, path={"token": send.token(), "link": "1"})
    assert reply.status == 404 and "Location" not in reply.headers


@pytest.mark.parametrize(
    "value", ["@evil.example/", "/evil", "x\r\nSet-Cookie: a=b", "#", "&u=https://evil.example", "\u202e"]
)
def test_what_a_recipient_is_called_cannot_bend_a_link(world: World, value: str) -> None:
    send = sent(links=[{"number": 1, "url": "https://shop.example/?to={{ carried.v0 }}&n=1"}])
    path = {"token": send.token(), "link": "1"}
    location = world.call("tracking.follow_link", tenant=None, path=path, query={"v0": value}).headers["Location"]
    assert location.startswith("https://shop.example/?to=") and location.endswith("&n=1")
    assert location.count("&") == 1 and "#" not in location and location.isascii() and location.isprintable()
