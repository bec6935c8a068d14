"""Five soft bounces in a row, whatever comes twice or late, and nothing that is the mail's own fault."""

from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.contacts import suppressions
from drumbeat.feedback import rules

from tests.sends import SENT_AT, Sent, batch, sent
from tests.world import World

ADDRESS = "rina0-0@mail.example"


def later(send: Sent, event: dict[str, Any], days: int) -> dict[str, Any]:
    at = clock.iso(SENT_AT + timedelta(days=days))
    part = next(part for part in ("bounce", "delivery") if part in event)
    return event | {part: event[part] | {"timestamp": at}}


def soft(send: Sent, day: int, status: str = "4.2.2") -> dict[str, Any]:
    event = send.bounce("Transient")
    event["bounce"]["bouncedRecipients"][0]["status"] = status
    return later(send, event, day)


def reason() -> str | None:
    row = suppressions.find("ten_acme", ADDRESS)
    return row.reason if row else None


def test_five_in_a_row_suppress_and_a_delivery_between_begins_anew(world: World) -> None:
    first = sent(sizes=(1,))
    sends = [first, *(sent(people=first.people) for _ in range(9))]

    def apply(*events: dict[str, Any]) -> None:
        assert not world.run("feedback.apply_feedback", batch(events))["batchItemFailures"]

    apply(*(soft(send, day) for day, send in enumerate(sends[:4])))
    apply(soft(sends[3], 3), soft(sends[3], 3))  # told again
    assert reason() is None
    # Told together, the older one last: what counts is when it happened.
    apply(soft(sends[5], 5), later(sends[4], sends[4].event("Delivery"), 4))
    assert reason() is None
    apply(*(soft(send, day) for day, send in enumerate(sends[6:9], 6)))
    assert reason() is None

    apply(soft(sends[9], 9))

    row = suppressions.find("ten_acme", ADDRESS)
    assert row is not None
    assert (row.reason, row.scope) == ("soft_bounces", "marketing")


@pytest.mark.parametrize(
    ("subtype", "status", "in_a_row"),
    [
        ("General", "4.4.7", 1),
        ("MailboxFull", "4.2.2", 5),
        ("General", "", 5),
        ("MessageTooLarge", "5.3.4", None),
        ("ContentRejected", "5.6.1", None),
        ("AttachmentRejected", "", None),
        ("General", "5.7.1", None),
        ("General", "5.2.3", None),
    ],
)
def test_which_soft_bounces_count(subtype: str, status: str, in_a_row: int | None) -> None:
    facts = {"bounceType": "Transient", "bounceSubType": subtype, "bouncedRecipients": [{"status": status}]}

    kind, consequence, _ = rules.bounce(facts)

    assert kind == "soft_bounced"
    assert (consequence and consequence.in_a_row) == in_a_row
