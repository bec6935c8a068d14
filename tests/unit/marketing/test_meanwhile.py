"""Two change the same marketing campaign at once."""

from drumbeat import clock
from drumbeat.marketing import model, planning
from drumbeat.marketing.model import MarketingCampaign
from drumbeat.marketing.views import NewSpend

from tests.meanwhile import changed, quicker, stored
from tests.unit.marketing.test_marketing_campaigns import EID
from tests.world import World


def test_a_marketing_campaign_that_changed_meanwhile_stays_as_it_is(world: World) -> None:
    made = world.call("marketing.create_marketing_campaign", body=EID).data["id"]
    key = MarketingCampaign.key("ten_acme", made)

    with quicker(key, changed, name="Another"):
        reply = world.call(
            "marketing.update_marketing_campaign", path={"marketing_campaign_id": made}, body={"budget": 7}
        )

    assert (reply.status, (stored(key) or {})["name"]) == (409, "Another")


def test_a_marketing_campaign_that_is_made_again_is_the_stored_one(world: World) -> None:
    again = model.get("ten_acme", world.call("marketing.create_marketing_campaign", body=EID).data["id"])
    again.name = "Other"

    assert model.add(again).name == EID["name"]


def test_spend_that_is_written_again_is_the_stored_one(world: World) -> None:
    campaign = model.get("ten_acme", world.call("marketing.create_marketing_campaign", body=EID).data["id"])
    for amount in (5, 7):
        spend = NewSpend.model_validate({"amount": amount, "category": "other"})
        told = planning.record_spend(campaign, "spd_1", spend, "ann", clock.business())

    assert told.amount == 500
