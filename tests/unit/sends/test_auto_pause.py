"""Too many bounces or complaints stop a send, whoever owns its sender, and only a person lets it go on."""

from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.deliverability import reputation as figures
from drumbeat.sends import delivering, reputation
from drumbeat.sends.model import Send, Stat

from tests.sends import batch
from tests.unit.sends.conftest import TENANT, Clocked
from tests.unit.sends.test_circuit import launched, shown


def roll_up(shop: Clocked, made: str) -> None:
    shop.time.passes(timedelta(seconds=10))
    shop.world.run("campaigns.roll_up_send", batch([{"tenant": TENANT, "send": shop.send_of(made).send_id}]))


def bounce(shop: Clocked, made: str, chunk: int, number: int) -> None:
    place = shop.chunks(made)[chunk].place
    Stat.change_at(*place.stat_key, Stat.bounced.add(set(range(number))))


def resume(shop: Clocked, made: str, **said: Any) -> Any:
    return shop.do("resume", made, body=said)


def test_a_send_whose_mails_bounce_stops_until_a_person_answers_for_it(clocked: Clocked) -> None:
    made = launched(clocked, 300, chunk=50)
    for chunk in clocked.chunks(made)[:4]:
        delivering.look_at(chunk.place)
    bounce(clocked, made, 0, 10)
    roll_up(clocked, made)
    assert clocked.status(made) == "sending"  # ten of two hundred are five per cent, and not above it

    bounce(clocked, made, 0, 11)
    roll_up(clocked, made)
    told = shown(clocked, made)
    assert (told["state"], told["reason"]) == ("paused", "reputation_of_send")
    stopped = told["stopped"]
    assert (stopped["scope"], stopped["sent"], stopped["bounced"], stopped["bounce_rate"]) == ("send", 200, 11, 0.055)
    assert (stopped["reasons"], stopped["limits"]["bounce_rate"]) == (["bounce_rate"], 0.05)
    assert clocked.do("get", made).data["reason"] == "reputation_of_send"
    refused = resume(clocked, made)
    assert (refused.status, refused.body["error_code"]) == (409, "NEEDS_ANSWER")
    assert "hard bounces are 5.50 %, above 5 % of this send (200 mails)" in refused.text

    assert resume(clocked, made, override=True).data["status"] == "sending"
    roll_up(clocked, made)
    assert (clocked.status(made), shown(clocked, made)["stopped"]) == (
        "sending",
        None,
    )  # what was known is answered for
    for chunk in clocked.chunks(made)[4:]:
        delivering.look_at(chunk.place)
    assert len(clocked.mails.addresses()) == 300


def since_answer(shop: Clocked, made: str, **numbers: int) -> str:
    """A person answers for what was found at 200 mails; then a roll-up finds `numbers`."""
    send = shop.send_of(made)
    known = {"sent": 200, "delivered": 180, "bounced": 20, "soft_bounced": 0, "complained": 0}
    send.change(Send.answered.set({"send": known, "tenant": known}))
    return str(reputation.after_roll_up(send, numbers, clock.business()).state)


def test_what_comes_after_the_answer_is_judged_by_itself(clocked: Clocked) -> None:
    made = launched(clocked, 1)
    assert since_answer(clocked, made, accepted=399, bounced=40) == "sending"
    assert since_answer(clocked, made, accepted=400, bounced=30) == "sending"
    assert since_answer(clocked, made, accepted=400, bounced=31) == "paused"


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ({"accepted": 10, "complained": 1}, None),
        ({"accepted": 999, "complained": 9}, None),
        ({"accepted": 1000, "complained": 1}, None),
        ({"accepted": 1000, "complained": 2}, "reputation_of_send"),
        ({"accepted": 199, "bounced": 199}, None),
        ({"accepted": 200, "bounced": 40, "soft_bounced": 30}, None),
        ({"accepted": 200, "bounced": 41, "soft_bounced": 30}, "reputation_of_send"),
    ],
)
def test_when_a_send_stops(clocked: Clocked, numbers: dict[str, int], reason: str | None) -> None:
    made = launched(clocked, 1)
    assert reputation.after_roll_up(clocked.send_of(made), numbers, clock.business()).reason == reason


def earlier(tenant: str, name: str, **numbers: int) -> None:
    """What a send of the tenant's from a shared sender has brought."""
    now = clock.business()
    figures.record(tenant, reputation.SHARED, name, "cmp_earlier", now, now, now, numbers)


def test_a_tenants_bad_list_stops_its_own_sends_from_shared_senders_and_nobody_elses(clocked: Clocked) -> None:
    """Each of its sends is too small to say anything by itself."""
    for number in range(3):
        earlier(TENANT, f"snd_{number}", accepted=100, bounced=7)
    made = launched(clocked, 2)
    roll_up(clocked, made)

    told = shown(clocked, made)
    assert (told["state"], told["reason"], told["stopped"]["scope"]) == ("paused", "reputation_of_tenant", "tenant")
    for chunk in clocked.chunks(made):
        delivering.look_at(chunk.place)
    assert clocked.mails.addresses() == []
    assert "of all that you send from shared senders (300 mails)" in resume(clocked, made).text
    assert figures.figure("ten_globex", reputation.SHARED, clock.business()).level == "too_few"

    assert resume(clocked, made, override=True).data["status"] == "sending"
    roll_up(clocked, made)
    assert clocked.status(made) == "sending"
    earlier(TENANT, "snd_more", accepted=200, bounced=11)
    roll_up(clocked, made)
    assert clocked.status(made) == "paused"


def test_a_bad_list_of_addresses_stops_no_text_messages(clocked: Clocked) -> None:
    """Nor do numbers that are out of order say anything about mail."""
    clocked.people(1)
    made = clocked.planned(1)
    earlier(TENANT, "snd_mails", accepted=300, bounced=30)
    send = clocked.send_of(made)
    send.change(Send.channel.set("sms"), Send.planned_at.remove())
    assert not reputation.before_planning(send, clock.business())
    assert reputation.after_roll_up(send, {"accepted": 400, "bounced": 200}, clock.business()).state == "sending"
    assert figures.figure(TENANT, reputation.SHARED, clock.business()).sent == 300
    send.change(Send.channel.set("email"))
    assert reputation.before_planning(send, clock.business())
