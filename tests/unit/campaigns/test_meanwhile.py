"""Two steer the same campaign at once: what one of them has read is not true any more when it writes."""

from typing import Any

import pytest
from drumbeat import clock
from drumbeat.campaigns import adopting, economics, lifecycle, model, resending
from drumbeat.campaigns.economics import CampaignMoney, NewCost
from drumbeat.campaigns.model import Campaign
from drumbeat.contacts.opt_in.model import OptIn
from drumbeat.marketing.model import MarketingCampaign
from drumbeat.sends.model import Send
from drumbeat.table import Transaction, TransactionRefused

from tests.meanwhile import changed, quicker, stored, vanished
from tests.sends import sent
from tests.unit.campaigns.conftest import Shop
from tests.unit.marketing.test_marketing_campaigns import EID
from tests.world import World

TENANT = "ten_acme"
SAID = {"name": "Eid", "subject": "Hi", "html": "<p>Hi</p>", "audience": {"everyone": True}}


def draft(world: World, **more: Any) -> str:
    return str(world.call("campaigns.create_campaign", body={**SAID, **more}).data["id"])


def key(campaign: str) -> tuple[str, str]:
    return Campaign.key(TENANT, campaign)


def sending(shop: Shop) -> tuple[Campaign, Send]:
    """A campaign that was launched, and its send; nobody is at work on it."""
    shop.contact("ann@example.com")
    made = draft(shop.world)
    assert shop.do("launch", made).status == 200
    campaign = model.get(TENANT, made)
    send = Send.fetch(*Send.key(TENANT, campaign.send_id or ""))
    assert send is not None
    return campaign, send


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("function", "body"),
    [("update_campaign", {"name": "Other"}), ("archive_campaign", None)],
)
def test_a_campaign_that_changed_meanwhile_stays_as_it_is(
    world: World, function: str, body: dict[str, str] | None, legacy: bool
) -> None:
    """Also one of which nothing says which write was its last: it was restored."""
    made = draft(world)
    if legacy:
        changed(key(made), att=None, restored=1)

    with quicker(key(made), changed, status="sending"):
        reply = world.call(f"campaigns.{function}", path={"campaign_id": made}, body=body)

    assert reply.status == 409
    after = stored(key(made)) or {}
    assert (after["name"], after["gsi1pk"]) == ("Eid", f"CAMPAIGNS#{TENANT}")


def test_a_campaign_that_vanished_meanwhile_does_not_come_back_in_part(world: World) -> None:
    made = draft(world)
    changed(key(made), att=None, restored=1)

    with quicker(key(made), vanished):
        assert world.call("campaigns.archive_campaign", path={"campaign_id": made}).status == 409

    assert stored(key(made)) is None


def test_a_campaign_that_changed_while_it_is_launched_is_not(shop: Shop) -> None:
    shop.contact("ann@example.com")
    made = draft(shop.world)

    with quicker(key(made), changed, subject="Other"):
        assert shop.do("launch", made).status == 409

    assert (stored(key(made)) or {})["status"] == "draft"


@pytest.mark.parametrize("meanwhile", [{"state": "paused"}, {"launches": 5}])
def test_a_marketing_campaign_that_changes_meanwhile_stops_a_launch(shop: Shop, meanwhile: dict[str, Any]) -> None:
    """It was paused, or another launch under it took of its budget."""
    shop.contact("ann@example.com")
    umbrella = shop.world.call("marketing.create_marketing_campaign", body=EID).data["id"]
    changed(MarketingCampaign.key(TENANT, umbrella), state="approved")
    made = draft(shop.world, marketing_campaign_id=umbrella)

    with quicker(MarketingCampaign.key(TENANT, umbrella), changed, **meanwhile):
        assert shop.do("launch", made).status == 409


def test_a_step_of_a_send_that_moved_on_is_refused(shop: Shop) -> None:
    campaign, send = sending(shop)

    with quicker((send.pk, send.sk), changed, state="cancelled"):
        assert shop.do("pause", campaign.campaign_id).status == 409

    assert (stored((send.pk, send.sk)) or {})["state"] == "cancelled"


def test_a_send_that_was_cancelled_meanwhile_is_not_finished(shop: Shop) -> None:
    campaign, send = sending(shop)

    with quicker((send.pk, send.sk), changed, state="cancelled"):
        assert not lifecycle.finish(campaign, send, {"sent": 1}, clock.business())

    assert (stored((send.pk, send.sk)) or {})["state"] == "cancelled"


def test_the_end_of_a_cancelled_send_is_told_once(shop: Shop) -> None:
    campaign, send = sending(shop)
    at = (send.pk, send.sk)

    with quicker(at, changed, finished_at="2026-01-01T00:00:00.000Z"):
        assert not lifecycle.close_cancelled(campaign, send, {"sent": 1}, clock.business())
    assert (stored(at) or {})["finished_at"] == "2026-01-01T00:00:00.000Z"

    vanished(at)
    assert not lifecycle.close_cancelled(campaign, send, {"sent": 1}, clock.business())
    assert stored(at) is None


def test_two_resends_of_a_campaign_at_once_are_one(world: World) -> None:
    campaign = model.get(TENANT, draft(world))
    changed(key(campaign.campaign_id), resent={"expired": "cmp_first"})
    transaction = Transaction()
    resending._note(transaction, campaign, ["expired"], "cmp_second")

    with pytest.raises(TransactionRefused):
        transaction.commit()


def test_a_cost_that_is_entered_twice_is_one(world: World) -> None:
    campaign, now = draft(world), clock.business()
    for note in ("first", "second"):
        body = NewCost(amount=5, note=note)
        told = economics.enter_cost(TENANT, campaign, "cst_1", body, "USD", "ann", now)

    assert told.note == "first"
    assert (stored(CampaignMoney.key(TENANT, campaign, "USD")) or {})["costs"] == 500


def test_what_moves_on_while_a_restored_copy_is_adopted_is_left_as_it_is(world: World) -> None:
    made = sent()
    send = Send.fetch(*Send.key(TENANT, made.send_id))
    row = OptIn(*OptIn.key(TENANT, "a"), tenant=TENANT, contact="con_1", state="due", requested_at=clock.business())
    row.create()
    assert send is not None

    with quicker((send.pk, send.sk), changed, state="cancelled"):
        adopting._pause(send, clock.business())
    with quicker((row.pk, row.sk), changed, state="confirmed"):
        assert not adopting._stop(row, clock.business())

    assert (stored((send.pk, send.sk)) or {})["state"] == "cancelled"
    assert (stored((row.pk, row.sk)) or {})["state"] == "confirmed"


def test_a_campaign_that_is_made_again_is_the_stored_one(world: World) -> None:
    again = model.get(TENANT, draft(world))
    again.name = "Other"

    assert model.add(again).name == "Eid"
