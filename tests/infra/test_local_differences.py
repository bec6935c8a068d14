"""The local stack deploys the templates of AWS. This lists what differs, and fails on anything else."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.places import ROOT
from infra.triggers import scaled
from tests.infra.conftest import Templates, example_catalogue, parts, synthesized

# Of which resources, which properties may differ, and why.
DIFFERENCES = {
    ("AWS::Lambda::LayerVersion", "Content.S3Key"): "this machine's wheels, and byte code of its Python",
    ("AWS::Events::Rule", "ScheduleExpression"): "days pass faster",
}


def differences(path: str, one: Any, other: Any) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one.keys() | other.keys())
        return [each for key in keys for each in differences(f"{path}.{key}".strip("."), one.get(key), other.get(key))]
    return [] if one == other else [path]


def test_only_wheels_and_durations_differ(tmp_path: Path) -> None:
    catalogue = example_catalogue(tmp_path / "functions")
    aws = synthesized(tmp_path / "aws", catalogue, parts(tmp_path, wheels="aarch64"))
    local = synthesized(tmp_path / "local", catalogue, parts(tmp_path, wheels="x86_64", time_scale=60))

    found = set()
    assert aws.keys() == local.keys()
    for stack in aws:
        assert differences("", {**aws[stack], "Resources": 0}, {**local[stack], "Resources": 0}) == []
        resources, others = aws[stack]["Resources"], local[stack]["Resources"]
        assert resources.keys() == others.keys()
        for id_, resource in resources.items():
            for path in differences("", resource, others[id_]):
                found.add((resource["Type"], path.removeprefix("Properties.")))

    assert found == set(DIFFERENCES)


@pytest.mark.parametrize(
    ("every", "scale", "local"),
    [
        ("rate(1 minute)", 1, "rate(1 minute)"),
        ("cron(0 3 * * ? *)", 1, "cron(0 3 * * ? *)"),
        ("rate(1 minute)", 1440, "rate(1 minute)"),
        ("rate(1 hour)", 4, "rate(15 minutes)"),
        ("rate(2 days)", 1440, "rate(2 minutes)"),
        ("cron(0 3 * * ? *)", 48, "rate(30 minutes)"),
    ],
)
def test_schedules_scale_down_to_a_minute(every: str, scale: float, local: str) -> None:
    assert scaled(every, scale) == local


def test_nothing_that_is_deployed_may_ask_what_is_beside_it(real_templates: Templates) -> None:
    """`EGRESS_LOCAL` (drumbeat.egress) is a setting of the local stack's processes, of no template."""
    assert "EGRESS_LOCAL" not in json.dumps(real_templates)
    assert "EGRESS_LOCAL" in (ROOT / "infra/local/stack.py").read_text()
