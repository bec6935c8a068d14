"""Which account carries a text message: the preferred one, else the cheapest that serves the number."""

from drumbeat import table
from drumbeat.sends.model import Chunk

from tests.unit.sms.conftest import Texts

GRAMEEN, ROBI, AMERICAN = "+8801712345678", "+8801812345678", "+12025550123"
OURS, WIRELESS, GLOBAL = "+15005550006", "+15005550010", "+15005550011"


def _accounts(texts: Texts) -> None:
    keys = texts.simulator.http.get("/keys").json()["twilio"]
    local = [{"country": "BD", "price": 0.3}]
    texts.account("acme", "ssl_wireless", keys, from_number=WIRELESS, prices=local)
    wide = [{"country": "BD", "carrier": "Robi", "price": 0.2}, {"price": 2}]
    texts.account("acme", "everywhere", keys, from_number=GLOBAL, prices=wide)
    for phone in (GRAMEEN, ROBI, AMERICAN):
        texts.contact(phone)


def test_each_number_goes_over_the_preferred_account_else_the_cheapest_that_serves_it(texts: Texts) -> None:
    _accounts(texts)
    made = texts.campaign("Hi", sender_id=None)
    path = {"campaign_id": made}
    costs = texts.world.call("campaigns.preview_campaign", path=path, body={"costs": True}).data["costs"]
    texts.launch(made)
    assert {phone: mail["from"] for phone, mail in texts.sent().items()} == {
        GRAMEEN: WIRELESS, ROBI: GLOBAL, AMERICAN: OURS
    }  # fmt: skip
    found = texts.results(made)
    assert found["cost"] == costs["cost"] == 0.51
    assert {row["carrier"]: row["price_per_part"] for row in found["by_destination"]} == {
        "Grameenphone": 0.3, "Robi": 0.2, "unknown": 0.0079
    }  # fmt: skip

    # The campaign's preferred account carries what it serves.
    texts.launch(texts.campaign("Hi again", sender_id=None, carrier_preference="ssl_wireless"))
    again = {mail["to"][0]: mail["from"] for mail in texts.simulator.mails() if mail["text"] == "Hi again"}
    assert again == {GRAMEEN: WIRELESS, ROBI: WIRELESS, AMERICAN: OURS}


def test_a_plan_that_is_repeated_puts_nobody_on_two_accounts(texts: Texts) -> None:
    _accounts(texts)
    made = texts.campaign("Hi", sender_id=None)
    world = texts.world
    send = world.call("campaigns.launch_campaign", path={"campaign_id": made}).data["send_id"]
    for _ in range(2):
        world.run("sends.plan_chunks", {"tenant": "ten_acme", "send": send})
    chunks = [chunk for shard in range(16) for chunk in table.rows(Chunk, f"CHUNK#ten_acme#{send}#{shard}")]
    assert sorted(len(chunk.contacts) for chunk in chunks) == [1, 1, 1]
    assert len({chunk.account for chunk in chunks}) == 3
    world.settle()
    assert len(texts.simulator.mails()) == 3
    assert world.call("sends.get_send", path={"send_id": send}).data["state"] == "sent"


def test_what_did_not_arrive_is_sent_again_over_another_carrier_once(texts: Texts) -> None:
    _accounts(texts)
    world, made = texts.world, texts.campaign("Hi", sender_id=None)
    texts.launch(made)
    first = texts.sent()
    texts.report(first[AMERICAN], "delivered")
    for phone in (GRAMEEN, ROBI):
        texts.report(first[phone], "failed", "30008")
    texts.report(first[ROBI], "delivered")  # a report that came in the wrong order
    world.settle()
    wanted = {"undelivered": True, "carrier_preference": "everywhere", "send_type": "immediate"}
    path = {"campaign_id": made}
    counted = world.call("campaigns.preview_resend", path=path, body={"undelivered": True}).data
    assert (counted["recipients"], counted["by_reason"]) == (1, {"undelivered": 1})
    again = {world.call("campaigns.resend_campaign", path=path, body=wanted).data["id"] for _ in range(2)}
    world.settle()
    sent = [(mail["to"], mail["from"]) for mail in texts.simulator.mails()]
    assert (len(again), sent[3:]) == (1, [([GRAMEEN], GLOBAL)])
    both = world.call("campaigns.resend_campaign", path=path, body={"undelivered": True, "unread": True})
    subject = world.call("campaigns.resend_campaign", path=path, body={"subject": "Hi"})
    assert (both.refused, subject.refused) == (["undelivered"], ["subject"])
