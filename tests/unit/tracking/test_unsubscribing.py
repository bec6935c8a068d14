"""Opting out and choosing: a page with a button, a one-click request, in force at once; looking changes nothing."""

import base64
import hashlib
import string
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.contacts import consent, suppressions, unsubscribes
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.feedback import forms, known, pages, tracking
from drumbeat.feedback.words import WORDS, spoken
from drumbeat.sends import rollups, tokens
from drumbeat.sends.model import Send

from tests.harness import Reply
from tests.sends import Sent, sent
from tests.world import World

ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    for module in (known, tracking, tokens, rollups):
        module.forget()


def ask(world: World, name: str, token: str, body: bytes | None = None, **headers: str) -> Reply:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return world.call(f"tracking.{name}", tenant=None, path={"token": token}, body=body, headers={**FORM, **named})


def stored(send: Sent, number: int = 0) -> Contact:
    return contacts.get(send.tenant, send.people[0][number].contact_id)


def opt_outs(send: Sent, number: int = 0) -> list[Any]:
    partition = unsubscribes.Unsubscribe.partition(send.tenant, send.people[0][number].contact_id)
    return list(table.rows(unsubscribes.Unsubscribe, partition))


def test_one_click_is_in_force_at_once_and_told(world: World) -> None:
    send = sent()
    reply = ask(world, "unsubscribe_contact", send.token(), ONE_CLICK)
    assert reply.status == 200 and "Location" not in reply.headers and "Set-Cookie" not in reply.headers
    assert consent.may_market(stored(send), "email", None) == "revoked"
    (row,) = opt_outs(send)
    assert (row.method, row.send, row.campaign) == ("one_click", send.send_id, send.campaign)
    assert send.stats() == {"unsubscribed": {0}}
    assert [row["name"]["S"] for row in send.rows()] == ["email.unsubscribed"]
    assert send.rows()[0]["bus"]["N"] == "1"


def test_twice_is_once(world: World) -> None:
    send = sent()
    for body in (ONE_CLICK, b"page=1&reason=too_many", ONE_CLICK):
        assert ask(world, "unsubscribe_contact", send.token(), body).status == 200
    assert len(opt_outs(send)) == len(send.rows()) == 1
    assert send.stats() == {"unsubscribed": {0}}


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_request_that_died_halfway_is_completed_by_the_next(world: World, cut: int) -> None:
    """Whichever write was the last one, repeating the request gives the same as one that went well."""
    send = sent()
    writes = 0

    def die(model: Any, **_: Any) -> None:
        nonlocal writes
        if model.name in ("TransactWriteItems", "BatchWriteItem", "UpdateItem"):
            writes += 1
            if writes == cut:
                raise RuntimeError("the instance died")

    events = table.connection().connection.client.meta.events
    events.register("before-call.dynamodb.*", die, unique_id="die")
    first = ask(world, "unsubscribe_contact", send.token(), ONE_CLICK)
    events.unregister("before-call.dynamodb.*", unique_id="die")
    assert first.status == (500 if writes >= cut else 200)
    assert ask(world, "unsubscribe_contact", send.token(), ONE_CLICK).status == 200
    assert len(opt_outs(send)) == len(send.rows()) == 1
    assert send.stats() == {"unsubscribed": {0}}


def test_mail_programs_post_multipart_forms(world: World) -> None:
    send = sent()
    body = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
    reply = ask(world, "unsubscribe_contact", send.token(), body, content_type="multipart/form-data; boundary=b")
    assert reply.status == 200
    assert opt_outs(send)[0].method == "one_click"


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"{}", b"a=b&a=c"])
def test_any_post_unsubscribes(world: World, body: bytes) -> None:
    send = sent()
    assert ask(world, "unsubscribe_contact", send.token(), body).status == 200
    assert consent.may_market(stored(send), "email", None) == "revoked"
    assert opt_outs(send)[0].method == "link"


def test_the_button_may_come_with_a_reason(world: World) -> None:
    send = sent()
    ask(world, "unsubscribe_contact", send.token(), b"page=1&reason=too_many")
    assert (opt_outs(send)[0].reason, opt_outs(send)[0].method) == ("too_many", "link")


@pytest.mark.parametrize("name", ["show_unsubscribe", "show_preferences", "record_open"])
def test_looking_changes_nothing(world: World, name: str) -> None:
    send = sent()
    before = stored(send).serialize()
    assert ask(world, name, send.token()).status == 200
    assert stored(send).serialize() == before
    assert send.stats() == {} and send.rows() == [] and opt_outs(send) == []


def test_an_opt_out_counts_for_the_send_that_brought_it_about(world: World) -> None:
    first = sent()
    ask(world, "unsubscribe_contact", first.token(), ONE_CLICK)
    second = sent(people=first.people)
    assert ask(world, "unsubscribe_contact", second.token(), ONE_CLICK).status == 200
    assert first.stats() == {"unsubscribed": {0}}
    assert second.stats() == {}


def test_an_old_mails_link_works_again_after_a_new_agreement(world: World) -> None:
    send = sent()
    ask(world, "unsubscribe_contact", send.token(), ONE_CLICK)
    consent.grant(send.tenant, stored(send), "email", source="form", method="form", at=clock.business())
    ask(world, "unsubscribe_contact", send.token(), ONE_CLICK)
    assert consent.may_market(stored(send), "email", None) == "revoked"
    assert send.stats() == {"unsubscribed": {0}}


def test_a_deleted_contact_and_an_ended_send_are_answered_too(world: World) -> None:
    send = sent()
    Send.change_at(*Send.key(send.tenant, send.send_id), Send.state.set("cancelled"))
    assert ask(world, "unsubscribe_contact", send.token(1), ONE_CLICK).status == 200
    world.call("contacts.delete_contact", path={"contact_id": send.people[0][0].contact_id})
    assert "acme" in ask(world, "show_unsubscribe", send.token()).text
    assert ask(world, "unsubscribe_contact", send.token(), ONE_CLICK).status == 200
    assert send.stats() == {"unsubscribed": {0, 1}}
    assert "Nothing to change" in ask(world, "show_preferences", send.token()).text
    assert ask(world, "change_preferences", send.token(), b"page=1").status == 200


@pytest.mark.parametrize("name", ["show_unsubscribe", "unsubscribe_contact", "show_preferences", "change_preferences"])
def test_a_token_that_is_not_ours_is_a_page(world: World, name: str) -> None:
    send = sent()
    for token in ("x", send.token()[:-2] + "AA", tokens.issue(b"x" * 32, send.place(), 0)):
        reply = ask(world, name, token, ONE_CLICK)
        assert reply.status == 404 and "This link does not work" in reply.text
    assert send.stats() == {}


def test_the_page_shows_whose_mails_and_hides_the_address(world: World) -> None:
    send = sent()
    reply = ask(world, "show_unsubscribe", send.token())
    assert "acme" in reply.text and "r•••@mail.example" in reply.text
    assert "rina0-0@mail.example" not in reply.text
    assert reply.headers["Content-Type"].startswith("text/html; charset=utf-8")
    for name, part in {
        "Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex",
        "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
    }.items():  # fmt: skip
        assert part in reply.headers[name]
    assert "<script" not in reply.text and 'method="post"' in reply.text


def test_names_are_escaped(world: World) -> None:
    to = pages.Reader("en", '<b>"A&B"</b>', "r•••@x.example")
    assert "<b>" not in pages.ask_to_unsubscribe(to, "../p/x") and "&lt;b&gt;" in pages.unsubscribed(to, "../p/x")


def test_the_style_is_the_one_that_the_policy_allows() -> None:
    page = pages.unknown_link({})
    style = page.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in pages.HEADERS["Content-Security-Policy"]
    assert " style=" not in page


def test_pages_speak_the_contacts_language(world: World) -> None:
    bangla = sent(language="bn")
    assert 'lang="bn"' in ask(world, "show_unsubscribe", bangla.token(), accept_language="en").text
    other = sent(language="fi")
    assert 'lang="bn"' in ask(world, "show_unsubscribe", other.token(), accept_language="de, bn;q=0.8").text
    assert 'lang="en"' in ask(world, "show_unsubscribe", sent().token()).text


def test_every_text_exists_in_every_language_with_the_same_places() -> None:
    fields = {
        name: {key: {part[1] for part in string.Formatter().parse(text) if part[1]} for key, text in texts.items()}
        for name, texts in WORDS.items()
    }
    assert fields["bn"] == fields["en"]


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        (("bn-BD",), "bn"), (("fr", "en;q=0.1,bn;q=0.9"), "bn"), (("bn;q=0, en",), "en"), (("*",), "en"),
        ((None, "", "x;q=y"), "en"), (("BN",), "bn"),
    ],
)  # fmt: skip
def test_language_of_wishes(wishes: tuple[str | None, ...], language: str) -> None:
    assert spoken(*wishes) == language


def test_preferences_show_and_change(world: World) -> None:
    granted = {"status": "granted", "at": "2026-01-01T00:00:00.000Z", "method": "api"}
    send = sent(phone="+8801712345678", consent={"email": granted, "sms": granted})
    page = ask(world, "show_preferences", send.token()).text
    assert page.count(" checked") == 4 and 'name="sms"' in page  # with tracking, and one of the frequencies
    after = ask(world, "change_preferences", send.token(), b"page=1&email=on&language=bn")
    assert after.status == 200 and 'lang="bn"' in after.text
    person = stored(send)
    assert (person.language, person.consent["sms"]["status"], person.consent["email"]["status"]) == (
        "bn", "revoked", "granted"
    )  # fmt: skip
    ask(world, "change_preferences", send.token(), b"page=1&sms=on")
    assert (stored(send).consent["sms"]["status"], stored(send).consent["email"]["status"]) == ("granted", "revoked")
    assert send.stats() == {"unsubscribed": {0}}
    ask(world, "change_preferences", send.token(), b"page=1&sms=on&email=on")
    assert consent.may_market(stored(send), "email", None) is None
    assert suppressions.find(send.tenant, "rina0-0@mail.example") is None


def test_preferences_say_whether_opens_and_clicks_may_be_recorded(world: World) -> None:
    send = sent()
    ask(world, "change_preferences", send.token(), b"page=1&email=on")  # a page from before there was a box for it
    assert stored(send).tracking is None
    page = ask(world, "change_preferences", send.token(), b"page=1&asks_tracking=1&email=on").text
    assert stored(send).tracking is False and 'name="tracking" value="on">' in page
    ask(world, "change_preferences", send.token(), b"page=1&asks_tracking=1&email=on&tracking=on")
    assert stored(send).tracking is True


def test_a_request_that_is_not_the_form_changes_nothing(world: World) -> None:
    send = sent()
    for body in (b"", b"List-Unsubscribe=One-Click", b"email=", b'{"email":false}'):
        assert ask(world, "change_preferences", send.token(), body).status == 200
    assert consent.may_market(stored(send), "email", None) is None


def test_an_unasked_channel_stays_unasked(world: World) -> None:
    send = sent(phone="+8801712345678")
    ask(world, "change_preferences", send.token(), b"page=1&email=on&language=xx")
    assert "sms" not in stored(send).consent and stored(send).language is None


def test_forms_that_are_broken_are_empty() -> None:
    assert forms.fields("multipart/form-data", b"nonsense") == {}
    assert forms.fields("multipart/form-data; boundary=x\r\nX: y", b"--x\r\n") == {}
    assert forms.fields("", b"a=%ff") == {"a": "\ufffd"}


@pytest.mark.parametrize("name", ["show_unsubscribe", "unsubscribe_contact", "show_preferences", "change_preferences"])
def test_the_links_of_a_test_mail_say_that_it_was_one(world: World, name: str) -> None:
    send = sent()
    for body in (ONE_CLICK, b"page=1"):
        reply = ask(world, name, "test", body)
        assert reply.status == 200 and "test e-mail" in reply.text and "<form" not in reply.text
    assert 'lang="bn"' in ask(world, name, "test", accept_language="bn").text
    assert send.stats() == {} and send.rows() == [] and opt_outs(send) == []


def test_the_ledger_says_who_answered_on_the_pages_and_from_where(world: World) -> None:
    said = {"status": "granted", "at": "2026-01-01T00:00:00.000Z", "source": "form", "method": "api"}
    send = sent(consent={"email": said})
    ask(world, "unsubscribe_contact", send.token(), ONE_CLICK, user_agent="Mail/1.0")
    ask(world, "change_preferences", send.token(), b"page=1&email=on", user_agent="Browser/2.0")

    contact_id = stored(send).contact_id
    told = world.call("contacts.get_consent", path={"contact_id": contact_id}).data
    assert told["verified"]
    last = told["entries"][-2:]
    assert [entry["statements"][-1]["method"] for entry in last] == ["one_click", "preferences"]
    assert [entry["evidence"]["user_agent"] for entry in last] == ["Mail/1.0", "Browser/2.0"]
    assert {(entry["actor"], entry["cause"], entry["evidence"]["ip"]) for entry in last} == {
        ("recipient", send.send_id, "127.0.0.1")
    }
