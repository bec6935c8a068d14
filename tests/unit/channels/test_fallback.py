"""A second provider account sends what the first one did not: for sure, and nobody twice."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.clocks import Time
from tests.internet import Asked, Broken, Internet, answer, internet
from tests.unit.channels.conftest import Office
from tests.unit.channels.test_webhook import SECRET

FIRST, SECOND = "first.acme.example", "second.acme.example"


class Two:
    """Two receivers; `first` and `second` say what each answers next, and 200 from then on."""

    def __init__(self) -> None:
        self.says: dict[str, list[int | None]] = {FIRST: [], SECOND: []}
        self.always: dict[str, int] = {}

    def __call__(self, asked: Asked) -> bytes:
        named = str(asked.name)
        said = self.says[named].pop(0) if self.says[named] else self.always.get(named, 200)
        if said is None:
            raise Broken
        return answer(said)


@pytest.fixture
def two() -> Two:
    return Two()


@pytest.fixture
def accounts(office: Office) -> dict[str, str]:
    """Ids by host; the settings choose both."""
    made = {
        host: office.account(
            "webhook", "https", {"url": f"https://{host}/", "per_second": 100}, {"signing_secrets": SECRET}
        )
        for host in (SECOND, FIRST)
    }
    chosen = {"webhook": {"account": made[FIRST], "fallback": made[SECOND]}}
    assert office.call("accounts.update_settings", body={"channels": chosen}).status == 200
    return made


def got(outside: Internet) -> dict[str, Counter[str]]:
    """How often each person was told of, by receiver."""
    found: dict[str, Counter[str]] = {FIRST: Counter(), SECOND: Counter()}
    for asked in outside.asked:
        found[str(asked.name)][json.loads(asked.body)["external_id"]] += 1
    return found


def people(office: Office, number: int) -> set[str]:
    for n in range(number):
        office.contact(external_id=str(n))
    return {str(n) for n in range(number)}


def shown(office: Office, campaign: str) -> Any:
    send = office.call("campaigns.get_campaign", path={"campaign_id": campaign}).data["send_id"]
    return office.call("sends.get_send", path={"send_id": send}).data


def test_an_account_that_refuses_is_asked_once_and_the_other_sends_everything(
    office: Office, time: Time, accounts: dict[str, str], two: Two
) -> None:
    everyone = people(office, 4)
    two.always[FIRST] = 410
    with internet(two) as outside:
        campaign = office.launched("webhook")
        office.later(minutes=2)

    there = got(outside)
    assert there[SECOND] == Counter(everyone)
    assert there[FIRST].total() < len(everyone)
    assert office.call("campaigns.get_campaign", path={"campaign_id": campaign}).data["status"] == "sent"
    assert {row["account"] for row in office.recipients(campaign).values()} == {accounts[SECOND]}
    send = shown(office, campaign)
    assert (send["fallback_reason"], send["sent_by_account"]) == ("http_410", {accounts[SECOND]: len(everyone)})


def test_an_account_that_is_out_of_reach_loses_and_doubles_nobody(
    office: Office, time: Time, accounts: dict[str, str], two: Two
) -> None:
    everyone = people(office, 4)
    with internet(two) as outside:
        outside.down = {FIRST}
        campaign = office.launched("webhook")
        for _ in range(2):
            office.later(minutes=3)

    there = got(outside)
    assert (there[FIRST].total(), there[SECOND]) == (0, Counter(everyone))
    assert shown(office, campaign)["sent_by_account"] == {accounts[SECOND]: len(everyone)}


def test_who_may_have_been_sent_stays_with_the_first_account(
    office: Office, time: Time, accounts: dict[str, str], two: Two
) -> None:
    everyone = people(office, 6)
    two.says[FIRST] = [500, None, 200]
    two.always[FIRST] = 403
    with internet(two) as outside:
        campaign = office.launched("webhook")
        office.later(minutes=2)
        doubted = {person for person in everyone if got(outside)[FIRST][person] and person not in got(outside)[SECOND]}
        assert len(doubted) == 3 and sum(got(outside)[SECOND].values()) == 3
        office.later(hours=3)  # the grace is over: they are sent again, and the first account still refuses
        office.later(hours=1)
        assert not doubted & got(outside)[SECOND].keys()
        two.always[FIRST] = 200
        office.later(hours=1)

    there = got(outside)
    assert there[SECOND] == Counter(everyone - doubted)
    assert doubted <= there[FIRST].keys()
    assert {row["outcome"] for row in office.recipients(campaign).values()} == {"sent"}
    send = shown(office, campaign)
    assert send["sent_by_account"] == {accounts[FIRST]: 3, accounts[SECOND]: 3}


def test_turned_away_too_often_is_turned_away(office: Office, time: Time, accounts: dict[str, str], two: Two) -> None:
    everyone = people(office, 1)
    two.always[FIRST] = 429
    with internet(two) as outside:
        office.launched("webhook")
        for minutes in (2, 4, 8):
            office.later(minutes=minutes)
        assert got(outside)[SECOND].total() == 0
        for minutes in (16, 30):
            office.later(minutes=minutes)

    assert got(outside)[SECOND] == Counter(everyone)


def test_without_a_second_account_a_refusal_pauses(office: Office, two: Two) -> None:
    office.account("webhook", "https", {"url": f"https://{FIRST}/"}, {"signing_secrets": SECRET})
    people(office, 2)
    two.always[FIRST] = 403
    with internet(two):
        campaign = office.launched("webhook")

    assert office.call("campaigns.get_campaign", path={"campaign_id": campaign}).data["status"] == "paused"


def test_when_both_refuse_the_send_waits_for_a_person(
    office: Office, time: Time, accounts: dict[str, str], two: Two
) -> None:
    everyone = people(office, 3)
    two.always = {FIRST: 403, SECOND: 410}
    with internet(two) as outside:
        campaign = office.launched("webhook")
        office.later(minutes=2)
        paused = office.call("campaigns.get_campaign", path={"campaign_id": campaign}).data
        assert (paused["status"], paused["reason"]) == ("paused", "provider_refused:http_410")
        two.always = {FIRST: 403}
        assert office.call("campaigns.resume_campaign", path={"campaign_id": campaign}).status == 200
        office.world.settle()
        office.later(minutes=40)

    refused = got(outside)[SECOND] - Counter(everyone)
    assert set(got(outside)[SECOND]) == everyone and set(refused.values()) <= {1}
    assert {row["outcome"] for row in office.recipients(campaign).values()} == {"sent"}
