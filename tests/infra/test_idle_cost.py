"""Nothing runs when nothing happens, and that costs next to nothing."""

from typing import Any

import pytest

from infra import idle_cost
from tests.infra.conftest import Templates

BUDGET = 10.0  # dollars a month


def test_an_idle_month_stays_in_its_budget(real_templates: Templates) -> None:
    cost = idle_cost.monthly(real_templates.values())
    assert sum(cost.values()) <= BUDGET, cost


def test_queues_schedules_and_alarms_are_counted(example_templates: Templates) -> None:
    cost = idle_cost.monthly(example_templates.values())
    assert cost["polling of queues"] == pytest.approx(2 * 0.2592)
    assert {"alarms", "keys", "schedules"} <= cost.keys()


@pytest.mark.parametrize(("mode", "dollars"), [("PassThrough", 0.12), ("Active", 0.33)])
def test_what_a_schedule_each_minute_costs(mode: str, dollars: float) -> None:
    properties = {"MemorySize": 256, "TracingConfig": {"Mode": mode}}
    function: dict[str, Any] = {"Type": "AWS::Lambda::Function", "Properties": properties}
    rule = {"ScheduleExpression": "rate(1 minute)", "Targets": [{"Arn": {"Fn::GetAtt": ["F", "Arn"]}}]}
    template = {"Resources": {"F": function, "R": {"Type": "AWS::Events::Rule", "Properties": rule}}}
    assert idle_cost.monthly([template])["schedules"] == pytest.approx(dollars, abs=0.03)


@pytest.mark.parametrize(
    ("every", "expected"), [("rate(1 minute)", 43_200), ("rate(6 hours)", 120), ("cron(0 3 * * ? *)", 30)]
)
def test_runs_a_month(every: str, expected: int) -> None:
    assert idle_cost.runs(every) == expected
