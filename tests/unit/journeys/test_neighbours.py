"""Journeys and the rest of the house: segments' facts, purchases' credit, the tenant's own systems."""

import json
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.activity.model import message_row
from drumbeat.campaigns import conversions, economics
from drumbeat.campaigns.economics import Sums
from drumbeat.journeys import advancing
from drumbeat.providers import forget

from tests.internet import internet
from tests.unit.channels.conftest import Office
from tests.unit.channels.test_webhook import SECRET
from tests.unit.journeys.engine import Engine, contact, mail, on
from tests.unit.sends.conftest import TENANT, Clocked

VIP = {"segment": "vip"}
PURCHASED = {"event": "purchase", "count": {"operator": "greater_or_equal", "value": 2}, "within_days": 30}


def test_a_purchase_after_a_click_of_a_journeys_mail_is_the_journeys_once(engine: Engine) -> None:
    journey = engine.running(on("signed_up"), mail("one"))
    for machine in (True, False):
        row = message_row(
            TENANT, contact(0), "clicked", clock.business(), "snd_1", journey, f"msg_{machine}", {}, False,
            machine=machine,
        )  # fmt: skip
        table.put_many([row])
    engine.happens(0, "purchase", event_id="e1", properties={"order_id": "o1", "value": 12.5, "currency": "USD"})
    engine.settle()
    assert conversions.credit(TENANT, contact(0), "e1", 1250, clock.business()) == journey  # told again
    assert economics.of(TENANT, journey) == {"USD": Sums(1, 1250)}
    told = [frame["data"] for frame in engine.world.published if frame["event_type"] == "marketing.conversion.tracked"]
    assert [one["campaign_id"] for one in told] == [journey]


@pytest.mark.parametrize(("conditions", "chosen"), [([VIP], 0), ([PURCHASED], 1), ([VIP, PURCHASED], None)])
def test_a_branch_asks_what_segments_ask(clocked: Clocked, conditions: list[Any], chosen: int | None) -> None:
    engine = Engine(clocked, people=2)
    made = engine.world.call("segments.create_segment", body={"name": "VIP", "dynamic": False}).data["id"]
    body = {"contact_ids": [contact(0)]}
    assert engine.world.call("segments.add_members", path={"segment_id": made}, body=body).status == 200
    for number in range(2):
        said = {"order_id": f"o{number}", "value": 5, "currency": "USD"}
        engine.happens(1, "purchase", properties=said)
    criteria = {"logic": "AND", "conditions": conditions}
    journey = engine.running(
        on("x"), {"id": "b", "type": "branch", "criteria": criteria, "if_true": "yes", "if_false": "no"},
        {"id": "yes", "type": "exit", "reason": "yes"}, {"id": "no", "type": "exit", "reason": "no"},
    )  # fmt: skip
    engine.enter(journey, 0, 1)
    advancing.advance(engine.due(journey))
    found = [engine.entry(journey, place).reason for place in range(2)]
    assert found == ["yes" if place == chosen else "no" for place in range(2)]


def test_a_step_calls_the_tenants_own_system_once_and_says_where_the_contact_is(engine: Engine) -> None:
    forget()
    office = Office(engine.world, engine.time)
    office.account("webhook", "https", {"url": "https://hooks.acme.example/in"}, {"signing_secrets": SECRET})
    text = '{"who": {{ email | json }}, "at": {{ step | json }}}'
    journey = engine.running(
        on("signed_up"), {"id": "call", "type": "call_webhook", "message": {"text": text}},
        {"id": "plain", "type": "call_webhook", "message": {}},
    )  # fmt: skip
    with internet() as outside:
        engine.happens(0, "signed_up")
        engine.soon()
    own, plain = (json.loads(asked.body) for asked in sorted(outside.asked, key=lambda asked: len(asked.body)))
    assert len(outside.asked) == 2 and len({asked.headers["webhook-id"] for asked in outside.asked}) == 2
    assert own == {"who": "p0@town.example", "at": "call"}
    assert (plain["journey_id"], plain["step"], plain["contact_id"]) == (journey, "plain", contact(0))
    assert engine.told(journey)[1:] == [("call", "queued"), ("plain", "queued")]
    assert engine.entry(journey).state == "done"
