"""Quiet hours: where somebody is, which hours bind, and when a message leaves that had to wait."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from drumbeat import clock, ids
from drumbeat.accounts import settings as settings_module
from drumbeat.accounts.model import Tenant
from drumbeat.accounts.moments import QuietHours
from drumbeat.contacts.model import Contact
from drumbeat.sends import delivering
from drumbeat.sends.model import Chunk, ChunkState, Outcome, Send
from drumbeat.sends.moment import looking, packs, places, weeks
from drumbeat.sends.moment.looking import Look

from tests import zones
from tests.unit.sends.conftest import TENANT, Clocked
from tests.unit.sends.test_circuit import shown
from tests.unit.sends.test_in_time import opts_out
from tests.unit.sends.test_limits import people

NIGHT = datetime(2026, 3, 3, 2, 30, tzinfo=UTC)
# Places whose clocks do what few others do: by half an hour, at midnight, twice in Ramadan, at other times each year.
ODD = (
    "Australia/Lord_Howe", "America/Havana", "Asia/Beirut", "Africa/Casablanca", "Africa/Cairo", "America/Nuuk",
    "America/New_York", "Europe/Berlin", "Pacific/Chatham", "Antarctica/Troll", "America/Asuncion", "Asia/Dhaka",
)  # fmt: skip


def person(**fields: Any) -> Contact:
    return Contact(tenant=TENANT, contact_id=ids.new("con"), **fields)


@pytest.mark.parametrize(
    ("fields", "found", "countries", "state"),
    [
        ({"time_zone": "Asia/Tokyo", "phone": "+8801712345678"}, {"Asia/Tokyo"}, ("BD",), None),
        ({"phone": "+8801712345678", "country": "US"}, {"Asia/Dhaka"}, ("BD", "US"), None),
        ({"phone": "+13055550123"}, {"America/New_York"}, ("US",), "FL"),
        ({"phone": "+18502345678"}, {"America/Chicago"}, ("US",), "FL"),
        ({"country": "DE"}, {"Europe/Berlin", "Europe/Busingen"}, ("DE",), None),
        ({"phone": "+881612345678"}, {"Asia/Kolkata"}, ("IN",), None),  # a satellite's: the tenant's own
        ({}, {"Asia/Kolkata"}, ("IN",), None),
    ],
)
def test_where_somebody_is(fields: dict[str, Any], found: set[str], countries: tuple[str, ...], state: str) -> None:
    place = places.of(person(**fields), "Asia/Kolkata", "IN")

    assert (set(place.zones), place.countries, place.state) == (found, countries, state)


@pytest.mark.parametrize(("phone", "first", "last"), [
    ("+61412345678", "Australia/Perth", "Australia/Sydney"),  # a mobile number says nothing of the state
    ("+79161234567", "Europe/Moscow", "Asia/Anadyr"),
    ("+18005550123", "Pacific/Honolulu", "America/New_York"),
])  # fmt: skip
def test_who_may_be_in_several_zones_waits_for_all(phone: str, first: str, last: str) -> None:
    place = places.of(person(phone=phone), "UTC", None)
    assert {first, last} <= set(place.zones)

    week = looking.week_of("sms", QuietHours().model_dump(), place)
    at = weeks.opens_at(week, place.zones, NIGHT)

    assert at is not None
    assert all(8 <= moment.astimezone(ZoneInfo(zone)).hour < 21 for zone in place.zones for moment in (at,))


def test_who_may_be_anywhere_gets_nothing() -> None:
    """Eight to nine in the morning is in no hour of both."""
    assert weeks.opens_at(weeks.daily(480, 540), ("Asia/Dhaka", "America/New_York"), NIGHT) is None


@pytest.mark.parametrize(
    ("phone", "opens", "closes"),
    [
        ("+12125550123", 8 * 60, 21 * 60),
        ("+13055550123", 8 * 60, 20 * 60),
        ("+14055550123", 8 * 60, 20 * 60),
        ("+12065550123", 8 * 60, 20 * 60),
        ("+12035550123", 9 * 60, 20 * 60),
        ("+8801712345678", 9 * 60, 21 * 60),
        ("+919812345678", 10 * 60, 21 * 60),
        ("+33612345678", 8 * 60, 21 * 60 + 30),
        ("+4915112345678", 8 * 60, 21 * 60),  # no rule was found: the default
    ],
)
def test_the_rules_of_countries(phone: str, opens: int, closes: int) -> None:
    place = places.of(person(phone=phone), "UTC", None)

    assert looking.week_of("sms", QuietHours().model_dump(), place)[0] == (opens, closes)
    assert looking.week_of("email", QuietHours().model_dump(), place) == weeks.ALWAYS


def test_each_rule_says_where_it_is_from() -> None:
    every = [packs.DEFAULT, *packs.SMS.values(), *packs.STATES.values()]

    for pack in every:
        assert any(letter.isdigit() for letter in pack.source) or pack.source.startswith("no law"), pack
    assert set(packs.AREA_CODES.values()) == set(packs.STATES)


def test_a_tenants_own_hours_can_only_be_stricter() -> None:
    place = places.of(person(phone="+8801712345678"), "UTC", None)
    own = {"every_day": {"opens": "07:00", "closes": "20:00"}, "friday": None}
    there = {"BD": {"every_day": {"opens": "11:00", "closes": "23:00"}}, "US": {"every_day": None}}

    bound = QuietHours.model_validate({"hours": own, "countries": there}).model_dump()
    assert looking.week_of("sms", bound, place) == (*[(660, 1200)] * 4, None, *[(660, 1200)] * 2)
    free = bound | {"country_rules": False, "countries": {}}
    assert looking.week_of("sms", free, place)[0] == (420, 1200)


def test_sundays_in_texas_begin_at_noon() -> None:
    place = places.of(person(phone="+17135550123"), "UTC", None)
    week = looking.week_of("sms", QuietHours().model_dump(), place)

    sunday = datetime(2026, 3, 8, 16, 30, tzinfo=UTC)  # half past eleven, on the day that clocks are changed
    assert weeks.opens_at(week, place.zones, sunday) == datetime(2026, 3, 8, 17, tzinfo=UTC)


@pytest.mark.parametrize("name", ODD)
def test_around_changes_of_clocks(name: str) -> None:
    """A sample of what `python -m tests.soak zones` tries for all zones."""
    chance = random.Random(name)
    moments = [at for change in [*zones.changes(name), NIGHT][:6] for at in zones.around(change, chance, 2)]

    assert [told for at in moments if (told := zones.broken(chance.choice(zones.WEEKS), (name,), at))] == []


def test_opening_by_the_offset_of_now_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is often done: the hours until the opening are counted on the wall, whatever becomes of the clocks."""

    def naive(week: weeks.Week, names: tuple[str, ...], now: datetime) -> datetime:
        _, minute = zones.shown(now, names[0])
        opens, closes = week[0] or (0, weeks.DAY)
        return now if opens <= minute < closes else now + timedelta(minutes=(opens - minute) % weeks.DAY)

    monkeypatch.setattr(weeks, "opens_at", naive)
    before = datetime(2026, 11, 1, 3, tzinfo=UTC)  # eleven in the evening; clocks will be put back

    assert "in quiet hours" in str(zones.broken(zones.WEEKS[0], ("America/New_York",), before))


def sms(quiet: str | None = None, **fields: Any) -> Send:
    terms = {"hours": QuietHours().model_dump(), "zone": "UTC", "country": None, "spread": 1800, "hold": 86_400}
    return Send(tenant=TENANT, send_id="snd_1", channel="sms", quiet=quiet, moment=terms, **fields)


def chunk(number: int = 0, **fields: Any) -> Chunk:
    return Chunk(*Chunk.key(TENANT, "snd_1", 0, number), outcomes="..", **fields)


DHAKA = {"phone": "+8801712345678"}
OPENING = datetime(2026, 3, 3, 3, tzinfo=UTC)  # nine in Dhaka


def test_what_is_held_leaves_within_the_time_after_the_opening_and_always_at_the_same() -> None:
    found = [looking.look(sms(), chunk(number), 0, person(**DHAKA), NIGHT).until for number in range(200)]

    late = [(until - OPENING).total_seconds() / 60 for until in found if until]
    assert len(late) == 200 and 0 <= min(late) < 1 and 29 < max(late) < 30
    assert [sum(low <= minute < low + 10 for minute in late) for low in (0, 10, 20)] == pytest.approx([67] * 3, abs=20)
    assert found == [looking.look(sms(), chunk(number), 0, person(**DHAKA), NIGHT).until for number in range(200)]


def test_whoever_can_still_get_it_is_not_held_back_until_it_has_expired() -> None:
    ends = OPENING + timedelta(minutes=10)
    found = [looking.look(sms(expires_at=ends), chunk(number), 0, person(**DHAKA), NIGHT) for number in range(20)]

    assert all(one.until is not None and OPENING <= one.until < ends for one in found)


@pytest.mark.parametrize(
    ("send", "at", "outcome"),
    [
        (sms("drop"), NIGHT, Outcome.QUIET_HOURS),
        (sms(purpose="transactional"), NIGHT, None),
        (sms(expires_at=OPENING), NIGHT, Outcome.STALE),
        (sms(), OPENING, None),
        (sms(), datetime(2026, 3, 3, 14, 59, 30, tzinfo=UTC), "waits"),  # it would arrive at nine in the evening
    ],
)
def test_what_becomes_of_it(send: Send, at: datetime, outcome: str | None) -> None:
    found = looking.look(send, chunk(), 0, person(**DHAKA), at)

    assert found.outcome == outcome if outcome != "waits" else found.until is not None


def test_what_was_held_for_too_long_is_not_sent_any_more() -> None:
    since = {"since": clock.iso(NIGHT - timedelta(days=2)), "quiet_hours": {clock.iso(OPENING): [0]}}
    held = chunk(waiting=since)

    assert looking.look(sms(), held, 0, person(**DHAKA), OPENING) == Look(Outcome.STALE)
    assert looking.look(sms(), held, 1, person(**DHAKA), OPENING) == looking.NOW  # this one was not


# Through the worker: e-mail has hours where the tenant says so.

EVENING = {"email": {"hours": {"every_day": {"opens": "18:00", "closes": "21:00"}}}}


def settings(shop: Clocked, **said: Any) -> None:
    assert shop.world.call("accounts.update_settings", body=said).status == 200


def live_in(*names: str) -> None:
    """The first people are in these zones."""
    for number, zone in enumerate(names):
        Contact.change_at(*Contact.key(TENANT, f"con_{number:026d}"), Contact.time_zone.set(zone))


def test_each_gets_it_when_hours_open_where_they_are(clocked: Clocked) -> None:
    clocked.people(4)
    live_in("Asia/Dhaka", "Asia/Tokyo", "America/New_York")
    settings(clocked, quiet_hours=EVENING, quiet_release_minutes=0)
    made = clocked.planned(4)  # nine in the morning; 15:00, 18:00 and 4:00 where they are, and unknown

    clocked.work(made, minutes=0)
    assert clocked.mails.addresses() == people(1)
    clocked.work(made, hours=2, minutes=59)
    assert clocked.mails.addresses() == people(1)
    clocked.work(made, minutes=1)
    assert clocked.mails.addresses() == people(1, 0)
    assert [int(one.attempts) for one in clocked.chunks(made)] == [2]  # waiting costs no claim
    clocked.work(made, hours=6)
    assert clocked.mails.addresses() == people(1, 0, 3)
    clocked.work(made, hours=5, minutes=10)
    assert (clocked.mails.addresses(), clocked.chunks(made)[0].state) == (people(1, 0, 3, 2), ChunkState.DONE)


def test_who_waits_is_shown_with_why_and_until_when(clocked: Clocked) -> None:
    clocked.people(3)
    live_in("Asia/Dhaka", "Asia/Tokyo", "Asia/Dhaka")
    settings(clocked, quiet_hours=EVENING, quiet_release_minutes=0)
    made = clocked.planned(3)
    clocked.work(made, minutes=0)

    until = "2026-03-02T12:00:00.000Z"
    told = shown(clocked, made)
    assert told["held"] == [{"reason": "quiet_hours", "recipients": 2, "until": until}]
    assert "quiet_hours" in told["waiting_for"] and told["recipients"] == {"sent": 1, "open": 2, "unknown": 0}
    assert clocked.do("get", made).data["held"] == told["held"]
    assert clocked.results(made)["held"] == told["held"]
    listed = clocked.world.call("campaigns.list_recipients", path={"campaign_id": made}).data["items"]
    assert [(one["outcome"], one["reason"], one["held_until"]) for one in listed] == [
        ("open", "quiet_hours", until), ("sent", None, None), ("open", "quiet_hours", until)
    ]  # fmt: skip

    clocked.work(made, hours=3)
    assert shown(clocked, made)["held"] == [] and clocked.do("get", made).data["held"] == []


def test_who_opts_out_or_moves_while_waiting_is_looked_at_again(clocked: Clocked) -> None:
    clocked.people(3)
    live_in("Asia/Dhaka", "Asia/Dhaka", "Asia/Dhaka")
    settings(clocked, quiet_hours=EVENING, quiet_release_minutes=0)
    made = clocked.planned(3)
    clocked.work(made, minutes=0)

    opts_out(0)()
    live_in("Asia/Dhaka", "America/New_York")
    clocked.work(made, hours=3)

    assert clocked.mails.addresses() == people(2)
    (left,) = clocked.chunks(made)
    assert (left.outcomes, left.waiting["quiet_hours"]) == ("s.a", {"2026-03-02T23:00:00.000Z": [1]})


def test_while_everybody_waits_the_send_is_added_up_now_and_then(clocked: Clocked) -> None:
    """Each time costs as much as the send is large: every minute of a night would be a fifth of what it may cost."""
    clocked.people(1)
    live_in("Asia/Dhaka")
    settings(clocked, quiet_hours=EVENING, quiet_release_minutes=0)
    made = clocked.planned(1)
    clocked.work(made, minutes=0)
    looks = set()
    for minutes in (1, 5, 5, 5, 5):
        clocked.later(minutes=minutes)
        looks.add(clocked.send_of(made).swept_at)

    assert len(looks) == 2
    clocked.later(hours=2, minutes=40)
    clocked.later(minutes=1)
    assert clocked.mails.addresses() == people(0)


def test_dropped_in_quiet_hours_if_the_campaign_says_so(clocked: Clocked) -> None:
    clocked.people(2)
    live_in("Asia/Tokyo")
    settings(clocked, quiet_hours=EVENING)
    made = clocked.planned(2, quiet="drop")
    clocked.work(made, minutes=0)

    assert (clocked.mails.addresses(), shown(clocked, made)["recipients"]["quiet_hours"]) == (people(0), 1)


def test_what_is_transactional_leaves_at_night(clocked: Clocked) -> None:
    clocked.people(1)
    settings(clocked, quiet_hours=EVENING)
    made = clocked.planned(1, purpose="transactional", quiet="ignore")
    clocked.work(made, minutes=0)

    assert clocked.mails.addresses() == people(0)


def test_only_what_is_transactional_may_ignore_quiet_hours(clocked: Clocked) -> None:
    made = clocked.said()
    refused = clocked.world.call("campaigns.update_campaign", path={"campaign_id": made}, body={"quiet": "ignore"})

    assert (refused.status, refused.refused) == (422, ["quiet"])
    receipt = clocked.said(purpose="transactional", quiet="ignore")

    def changed(**said: str) -> Any:
        return clocked.world.call("campaigns.update_campaign", path={"campaign_id": receipt}, body=said)

    assert changed(purpose="marketing").refused == ["quiet"]
    assert changed(purpose="marketing", quiet="drop").status == 200


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"sms": {"country_rules": False}}, "quiet_hours"),
        ({"telex": {}}, "quiet_hours"),
        ({"sms": {"hours": {"monday": {"opens": "21:00", "closes": "08:00"}}}}, "quiet_hours.sms.hours.monday"),
        ({"sms": {"hours": {"monday": {"opens": "25:00", "closes": "26:00"}}}}, "quiet_hours.sms.hours.monday.opens"),
    ],
)
def test_settings_that_make_no_sense(clocked: Clocked, said: dict[str, Any], field: str) -> None:
    refused = clocked.world.call("accounts.update_settings", body={"quiet_hours": said})

    assert refused.status == 422
    assert any(named.startswith(field) for named in refused.refused), refused.text


def test_settings_of_a_channel_that_there_is_no_more_break_nothing(clocked: Clocked) -> None:
    """A release that is taken back knows less channels than the one that the settings were made with."""
    stored = {"quiet_hours": {"telex": {}}, "frequency_caps": {"telex": {"per_day": 1}}}
    Tenant.change_at(*Tenant.key(TENANT), Tenant.settings.set(stored))
    settings_module.forget()

    assert clocked.world.call("accounts.get_settings").status == 200


def test_a_paused_send_that_was_held_is_stale_when_it_goes_on(clocked: Clocked) -> None:
    clocked.people(1)
    live_in("Asia/Dhaka")
    settings(clocked, quiet_hours=EVENING, quiet_release_minutes=0)
    made = clocked.planned(1)
    clocked.work(made, minutes=0)
    clocked.do("pause", made)
    clocked.work(made, days=2, hours=3, minutes=5)
    clocked.do("resume", made)
    delivering.look_at(clocked.chunks(made)[0].place)

    assert (clocked.mails.addresses(), shown(clocked, made)["recipients"]["stale"]) == ([], 1)
