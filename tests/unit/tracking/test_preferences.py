"""The preference page: what a person chooses is in force at once, in the ledger, and nothing else of it changes."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from drumbeat import clock
from drumbeat.contacts import ledger, preferences
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.feedback import dates, known, tracking
from drumbeat.sends import rollups, tokens
from drumbeat.sends.model import Send

from tests.harness import Reply
from tests.sends import Sent, sent
from tests.world import World

FORM = {"content-type": "application/x-www-form-urlencoded"}
CATEGORIES = [
    {"id": "offers", "name": "Offers", "names": {"bn": "অফার"}},
    {"id": "news", "name": "News & tips"},
]
ASKS = "push pause category:offers category:news"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    for module in (known, tracking, tokens, rollups):
        module.forget()


def look(world: World, send: Sent) -> str:
    return world.call("tracking.show_preferences", tenant=None, path={"token": send.token()}).text


def save(world: World, send: Sent, **fields: str) -> Reply:
    """Send the form: boxes that are not named are not ticked."""
    body = urlencode({"page": "1", "asks_tracking": "1", "asks": ASKS, "tracking": "on", **fields}).encode()
    headers = {**FORM, "user-agent": "Browser/2.0"}
    return world.call(
        "tracking.change_preferences", tenant=None, path={"token": send.token()}, body=body, headers=headers
    )


def all_on(**fields: str) -> dict[str, str]:
    return {"email": "on", "category:offers": "on", "category:news": "on", "frequency": "any", **fields}


def stored(send: Sent) -> Contact:
    return contacts.get(send.tenant, send.people[0][0].contact_id)


@pytest.fixture
def categories(world: World) -> None:
    assert world.call("accounts.update_settings", body={"categories": CATEGORIES}).status == 200


@pytest.mark.usefixtures("categories")
def test_what_is_chosen_is_stored_said_and_shown_by_the_api(world: World) -> None:
    said = {"status": "granted", "at": "2026-01-05T08:00:00.000Z", "source": "form", "method": "api"}
    send = sent(consent={"email": said})
    fields = all_on(frequency="weekly", pause="on")
    del fields["category:offers"]
    page = save(world, send, **fields).text

    person = stored(send)
    assert preferences.view(person).frequency == "weekly"
    assert preferences.refuses(person, "offers") and not preferences.refuses(person, "news")
    assert not preferences.refuses(person, None)
    until = preferences.paused_until(person)
    assert until is not None and abs(until - clock.business() - timedelta(days=30)) < timedelta(minutes=1)
    for line in (
        "News and offers by e-mail: yes, since 5 January 2026", "News &amp; tips</li>",
        "How often at most? Once a week", "are paused until", "As chosen here on",
    ):  # fmt: skip
        assert line in page.split("<form")[0]
    assert "Offers</li>" not in page
    shown = world.call("contacts.get_contact", path={"contact_id": person.contact_id}).data["preferences"]
    assert shown == {
        "frequency": "weekly", "refused_categories": ["offers"], "paused_until": clock.iso(until),
        "updated_at": person.preferences["at"],
    }  # fmt: skip
    assert 'name="category:offers" value="on"><span>Offers' in look(world, send)


@pytest.mark.usefixtures("categories")
def test_saving_again_changes_nothing_and_unticking_ends_the_pause(world: World) -> None:
    send = sent()
    save(world, send, **all_on(pause="on", frequency="daily"))
    first = stored(send).serialize()
    save(world, send, **all_on(pause="on", frequency="daily"))
    assert stored(send).serialize() == first  # a pause is not prolonged by saving something else
    save(world, send, **all_on(frequency="daily"))
    assert preferences.paused_until(stored(send)) is None
    assert preferences.view(stored(send)).frequency == "daily"


def test_a_pause_that_is_over_is_not_shown_and_can_be_made_again(world: World) -> None:
    send = sent()
    over = clock.iso(clock.business() - timedelta(days=1))
    person = stored(send)
    person.change(Contact.preferences.set({"paused_until": over, "at": over}))
    assert 'name="pause" value="on"><span>Pause all' in look(world, send)
    save(world, send, **all_on(pause="on"))
    assert preferences.is_paused(stored(send), clock.business())


@pytest.mark.usefixtures("categories")
def test_what_a_page_does_not_ask_stays_as_it_is(world: World) -> None:
    """A page that was opened before there were categories, and one of a category that is gone since."""
    send = sent()
    save(world, send, **all_on(pause="on", frequency="monthly", **{"category:offers": "on"}))
    save(world, send, **{"email": "on", "category:news": "on"}, asks="category:offers category:news pause", pause="on")
    before = dict(stored(send).preferences)
    assert before["refused"] == ["offers"] and before["frequency"] == "monthly"
    old = world.call(
        "tracking.change_preferences", tenant=None, path={"token": send.token()}, body=b"page=1&email=on", headers=FORM
    )
    assert old.status == 200 and stored(send).preferences == before
    world.call("accounts.update_settings", body={"categories": CATEGORIES[1:]})
    save(world, send, **all_on(pause="on", frequency="monthly"))
    assert stored(send).preferences == before


@pytest.mark.usefixtures("categories")
@pytest.mark.parametrize("asks", ["category:../../x category:<b>", "category:" + "x" * 5000, "category:nothing " * 500])
def test_categories_that_nobody_offers_are_not_stored(world: World, asks: str) -> None:
    send = sent()
    reply = save(world, send, **all_on(frequency="hourly"), asks=asks, language="xx")
    assert reply.status == 200 and stored(send).preferences is None and stored(send).language is None


def test_push_is_asked_of_those_who_have_it_and_kept_with_evidence(world: World) -> None:
    send = sent()
    assert 'name="push"' not in look(world, send)
    stored(send).change(Contact.push_token.set("token-1"))
    assert 'name="push"' in look(world, send)
    page = save(world, send, **all_on(push="on")).text
    assert "News and offers as notifications on my devices: yes, since" in page
    save(world, send, **all_on())
    assert stored(send).consent["push"]["status"] == "revoked"
    entries = ledger.history(send.tenant, stored(send).contact_id)
    assert [(made.actor, made.cause, (made.personal or {})["user_agent"]) for made in entries[-2:]] == [
        ("recipient", send.send_id, "Browser/2.0")
    ] * 2


def test_all_channels_can_be_refused_at_once(world: World) -> None:
    said = {"status": "granted", "at": "2026-01-05T08:00:00.000Z", "source": "form", "method": "api"}
    send = sent(phone="+8801712345678", consent=dict.fromkeys(("email", "sms", "push"), said))
    stored(send).change(Contact.push_token.set("token-1"))
    for _ in range(2):
        save(world, send, frequency="any")
        assert {channel: held["status"] for channel, held in stored(send).consent.items()} == {
            "email": "revoked", "sms": "revoked", "push": "revoked"
        }  # fmt: skip
    opted_out = world.call("contacts.list_unsubscribes").data["items"]
    assert sorted(one["channel"] for one in opted_out) == ["email", "push", "sms"]


def test_a_text_messages_link_leads_here_and_its_opt_out_counts_for_its_send(world: World) -> None:
    said = {"status": "granted", "at": "2026-01-05T08:00:00.000Z", "source": "form", "method": "api"}
    send = sent(phone="+8801712345678", consent={"email": said, "sms": said})
    Send.change_at(*Send.key(send.tenant, send.send_id), Send.channel.set("sms"))
    stored(send).change(Contact.email.remove())
    assert "What may acme send to you?" in look(world, send)
    save(world, send, email="on")
    assert {name: held["status"] for name, held in stored(send).consent.items()} == {
        "email": "granted", "sms": "revoked"
    }  # fmt: skip
    assert send.stats() == {"unsubscribed": {0}}
    assert [row["name"]["S"] for row in send.rows()] == ["sms.unsubscribed"]


@pytest.mark.usefixtures("categories")
def test_the_page_speaks_bangla_with_its_own_digits(world: World) -> None:
    send = sent(language="bn")
    page = save(world, send, **all_on(pause="on")).text
    assert 'lang="bn"' in page and "অফার" in page and "News &amp; tips" in page  # a name that was not translated
    assert "২০" in page and "পর্যন্ত সব খবর ও অফার বন্ধ আছে" in page


def test_days_are_those_of_the_readers_zone() -> None:
    moment = clock.parse("2026-11-20T20:30:00Z")
    person: Any = Contact(time_zone="Asia/Dhaka")
    assert dates.minute(moment, dates.zone_of(person, "UTC"), "en") == "21 November 2026, 02:30 (Asia/Dhaka)"
    assert dates.day(moment, dates.zone_of(Contact(), "UTC"), "bn") == "২০ নভেম্বর ২০২৬"


def test_the_api_changes_preferences_part_by_part(world: World) -> None:
    contact = world.call(
        "contacts.create_contact", body={"email": "a@b.example", "preferences": {"frequency": "weekly"}}
    )
    path = {"contact_id": contact.data["id"]}

    def change(**said: Any) -> Any:
        return world.call("contacts.update_contact", path=path, body={"preferences": said}).data["preferences"]

    first = contact.data["preferences"]
    assert (first["frequency"], first["refused_categories"], first["paused_until"]) == ("weekly", [], None)
    assert first["updated_at"] is not None
    assert change(frequency="weekly") == first
    after = change(refused_categories=["news", "news"], paused_until="2027-01-01T00:00:00Z")
    assert (after["frequency"], after["refused_categories"]) == ("weekly", ["news"])
    assert after["paused_until"] == "2027-01-01T00:00:00.000Z"
    cleared = change(frequency=None, paused_until=None)
    assert (cleared["frequency"], cleared["refused_categories"], cleared["paused_until"]) == ("any", ["news"], None)
    world.call("contacts.update_contact", path=path, body={"preferences": None})
    shown = world.call("contacts.get_contact", path=path).data["preferences"]
    assert (shown["refused_categories"], shown["updated_at"] is None) == ([], False)
    wrong = {"frequency": "hourly", "refused_categories": ["Not a slug"], "paused_until": "soon"}
    reply = world.call("contacts.update_contact", path=path, body={"preferences": wrong})
    assert reply.status == 422 and set(reply.refused) == {
        "preferences.frequency", "preferences.refused_categories[0]", "preferences.paused_until"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([{"id": "a", "name": "A"}, {"id": "a", "name": "B"}], "categories"),
        ([{"id": "A b", "name": "A"}], "categories[0].id"),
        ([{"id": "a", "name": "A", "names": {"Bangla": "x"}}], "categories[0].names.Bangla"),
    ],
)
def test_categories_are_checked(world: World, value: Any, field: str) -> None:
    reply = world.call("accounts.update_settings", body={"categories": value})
    assert reply.status == 422 and reply.refused == [field]
