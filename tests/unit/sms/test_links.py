"""Short links of text messages: few letters, nobody's but ours, and no way to another place."""

import base64
import random
import re

import pytest
from drumbeat import ids
from drumbeat.sends import tokens
from drumbeat.sends.model import Place
from drumbeat.templates.engine import compile_texts

from tests import sends
from tests.unit.sms.conftest import Texts
from tests.world import World

SECRET = bytes(range(32))
PLACE = Place("ten_acme", "snd_01ARZ3NDEKTSV4RRFFQ69G5FAV", 15, 999_999)
GRAMEEN, ROBI = "+8801712345678", "+8801812345678"


@pytest.fixture
def send(world: World) -> sends.Sent:
    """A send with short tokens."""
    made = sends.sent()
    for row in tokens.keys(made.send_id, made.tenant, made.campaign, made.secret, list(sends.LINKS), short=True)[1:]:
        row.create()
    tokens.forget()
    return made


def test_a_short_token_is_the_message_of_the_long_one(send: sends.Sent) -> None:
    short = tokens.issue_short(send.secret, send.place(), 2)
    found, long = tokens.verify(short), tokens.verify(send.token(2))
    assert len(short) == 20 and found is not None and long is not None
    assert (found.place, found.number, found.message) == (long.place, long.number, long.message)


def test_no_bit_of_a_short_token_can_be_flipped(send: sends.Sent) -> None:
    issued = base64.urlsafe_b64decode(tokens.issue_short(send.secret, send.place(), 2))
    # The alias, chunk, shard and recipient are in the first 72 bits, the HMAC in the last 48.
    for position in (0, 38, 39, 58, 59, 62, 63, 71, 72, 95, 119):
        raw = bytearray(issued)
        raw[position // 8] ^= 128 >> position % 8
        assert tokens.verify(base64.urlsafe_b64encode(bytes(raw)).decode()) is None, position


def test_a_key_without_an_alias_answers_to_no_short_token(world: World) -> None:
    made = sends.sent()
    tokens.forget()
    assert tokens.verify(tokens.issue_short(made.secret, made.place(), 0)) is None
    assert tokens.verify(made.token()) is not None


def test_each_message_has_its_own() -> None:
    chance = random.Random(7)
    places = [(0, 0, 0), (15, 999_999, 511)]
    places += [(chance.randrange(16), chance.randrange(1_000_000), chance.randrange(512)) for _ in range(30)]
    for shard, chunk, number in places:
        made = tokens.issue_short(SECRET, Place("ten_acme", PLACE[1], shard, chunk), number)
        other = tokens.issue_short(SECRET, Place("ten_acme", PLACE[1], shard, chunk), (number + 1) % 512)
        assert len(made) == 20 and made != other


@pytest.mark.parametrize(("chunk", "number"), [(1 << 20, 0), (0, 512)])
def test_what_does_not_fit_has_none(chunk: int, number: int) -> None:
    with pytest.raises(ValueError, match="no short token"):
        tokens.issue_short(SECRET, Place("ten_acme", PLACE[1], 0, chunk), number)


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("Shop now: bit.ly/getit-flash", ["https://bit.ly/getit-flash"]),
        ("এখনই কিনুন: bit.ly/getit-flash।", ["https://bit.ly/getit-flash"]),
        ("www.shop.example, https://shop.example/a.", ["https://www.shop.example", "https://shop.example/a"]),
        ("Write to ann@shop.example/x or call 1.5/2.5; 50.5% off. Ends 31.12. e.g. this", []),
        ("https://shop.example/?u={{ external_id }}", ["https://shop.example/?u={{ external_id }}"]),
        ("bit.ly/a bit.ly/a bit.ly/b", ["https://bit.ly/a", "https://bit.ly/b"]),
    ],
)
def test_addresses_without_a_scheme_are_links_where_telephones_make_them_some(text: str, targets: list[str]) -> None:
    compiled = compile_texts("", text)
    assert [link.url_template for link in compiled.links] == targets
    data = {"click_base": "https://t.example/c/token", "external_id": "7"}
    said = compiled.preview(data).text
    assert len(re.findall(r"https://t\.example/c/token/\d", said)) == len(re.findall(r"bit\.ly|www|https?:", text))
    assert compile_texts("", text, track_links=False).preview(data).text == text.replace("{{ external_id }}", "7")


def test_links_may_be_left_as_they_are_by_the_campaign_or_for_who_is_not_to_be_tracked(texts: Texts) -> None:
    texts.contact(GRAMEEN, tracking=False)
    texts.launch(texts.campaign("50% off: bit.ly/getit-flash"))
    assert texts.sent()[GRAMEEN]["text"] == "50% off: bit.ly/getit-flash"
    texts.contact(ROBI)
    texts.launch(texts.campaign("60% off: bit.ly/getit-flash", track_clicks=False, utm={"source": "sms"}))
    assert texts.sent()[ROBI]["text"] == "60% off: bit.ly/getit-flash"


def test_the_way_out_of_a_text_message_is_as_short_and_works(texts: Texts) -> None:
    texts.contact(GRAMEEN)
    made = texts.campaign("Hi. No more: {{ unsubscribe_url }}")
    texts.launch(made)
    token = texts.sent()[GRAMEEN]["text"].rpartition("/u/")[2]
    assert len(token) == 20 and ids.is_id(made, "cmp")
    for _ in range(2):
        assert texts.world.call("tracking.unsubscribe_contact", tenant=None, path={"token": token}).status == 200
    texts.world.settle()
    assert texts.results(made)["unsubscribed"] == 1
    again = texts.campaign("Hi from Acme", purpose="marketing")
    texts.launch(again)
    assert texts.results(again)["not_sent_by_reason"] == {"consent_revoked": 1}
