"""cdk-nag over the example: every finding is accepted with a reason, and no reason is left over."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

from infra import app, nag
from tests.infra.conftest import example_catalogue, parts


def test_every_finding_is_accepted_for_a_reason(tmp_path: Path) -> None:
    made = cdk.App(outdir=str(tmp_path / "cdk.out"))
    app.build(made, example_catalogue(tmp_path / "functions"), parts(tmp_path))

    assert nag.problems(nag.findings(made)) == []


def test_every_stack_is_looked_at(tmp_path: Path) -> None:
    made = cdk.App(outdir=str(tmp_path / "cdk.out"))
    stacks = app.build(made, example_catalogue(tmp_path / "functions"), parts(tmp_path))
    for stack in stacks:
        sqs.Queue(stack, "Forgotten")

    found = nag.findings(made)
    told = {path.split("/")[0] for rule, path in found if rule == "AwsSolutions-SQS3" and "Forgotten" in path}
    assert told == {stack.node.id for stack in stacks}


def test_an_open_finding_and_a_needless_reason_are_told() -> None:
    told = nag.problems([("AwsSolutions-DDB3", "drumbeat-base/Table")])
    assert told[0] == "AwsSolutions-DDB3 at drumbeat-base/Table"
    assert any("no finding needs `AwsSolutions-S1` any more" in line for line in told)


def test_reasons_are_sentences() -> None:
    assert all(len(entry.reason) > 30 and entry.reason.endswith(".") for entry in nag.ACCEPTED)
