"""A GET changes nothing, by its declaration; that none does in fact is held against every event file of one.

The event files' test (tests/unit/test_event_files.py) compares the whole deployment before and after each GET.
"""

import pytest
from drumbeat import queues
from drumbeat.declare import Declaration
from drumbeat.sends.work import FEEDBACK, ROLL_UP

from tests import event_files, harness, looking, rewind
from tests.world import World, all_functions

# Figures that are worked out anew when they are looked at, by the entity that keeps them.
FIGURES = {"Cell", "Totals", "MarketingCampaign", "Segment"}
MEASUREMENTS = {"feedback"}
READING_CALLS = {"dynamodb:DescribeTable", "events:DescribeEventBus", "sqs:GetQueueAttributes"}


def gets() -> list[Declaration]:
    """The functions that answer a GET, by their own route or a documented one."""
    return [
        function.declaration
        for name, function in all_functions().items()
        if function.declaration.kind == "http"
        and any(
            route.startswith("GET ")
            for route in (function.declaration.route or "", *harness.documented_routes().get(name, {}))
        )
    ]


@pytest.mark.parametrize("declared", gets(), ids=lambda declared: declared.name)
def test_a_get_may_change_nothing(declared: Declaration) -> None:
    """What a function may not do by its declaration, IAM denies it."""
    assert {entity.__name__ for entity in declared.writes} <= FIGURES
    assert {queue.name for queue in declared.sends} <= MEASUREMENTS
    assert not (declared.starts or declared.schedules or declared.publishes or declared.signs)
    assert set(declared.calls) <= READING_CALLS
    assert not any(folder.write for folder in declared.files)


def test_no_route_answers_get_and_something_else() -> None:
    """A function that changes something must not be reached by a GET of a document."""
    for declared in gets():
        routes = (declared.route or "", *harness.documented_routes().get(declared.name, {}))
        assert {route.split(" ")[0] for route in routes} == {"GET"}, declared.name


def test_the_comparison_sees_changes(world: World) -> None:
    key = {"pk": {"S": "CONTACT#ten_acme#x"}, "sk": {"S": "CONTACT"}}
    event_files.put_row(key)
    before = rewind.rows()
    event_files.put_row({**key, "att": {"S": "1"}})
    event_files.put_row({"pk": {"S": "RATE#x"}, "sk": {"S": "1"}})
    assert looking.changes(before, rewind.rows()) == ["('CONTACT#ten_acme#x', 'CONTACT'): ['att']"]

    with pytest.raises(AssertionError, match="changed something"), looking.only("GET /u/{token}"):
        world.call("contacts.create_contact", body={"email": "ann@example.com"})
    with pytest.raises(AssertionError, match="messages"), looking.only("GET /u/{token}"):
        queues.send(FEEDBACK, "", [{"type": "open"}])
        queues.send(ROLL_UP, "", [{"send": "x"}])
