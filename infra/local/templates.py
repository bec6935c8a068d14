"""The synthesized CDK templates that the local stack deploys: those of AWS, with wheels for this machine."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from infra.local.places import KEPT, ROOT, TEMPLATES, held
from infra.local.processes import Processes, shell

# What the templates are made of. A file that is read while synthesizing and is not here would go unnoticed.
SOURCES = (
    "cdk.json",
    "package-lock.json",
    "pyproject.toml",
    "functions/**/*.py",
    "infra/*.py",
    "layers/drumbeat/**/*.py",
    "layers/vendor/*",
)


@contextlib.contextmanager
def unchanged() -> Iterator[None]:
    """Nobody writes other templates during the block."""
    with held(KEPT / "cdk.out.lock", wait=True):
        yield


def synthesized(processes: Processes, cdk: list[str]) -> None:
    """Writes the templates to `TEMPLATES` (10 s), unless nothing has changed since they were written."""
    made_of = KEPT / "cdk.out.made-of"
    with unchanged():
        recipe = _recipe(ROOT)
        if made_of.exists() and made_of.read_text() == recipe and (TEMPLATES / "manifest.json").exists():
            return
        command = [*cdk, "synth", "--quiet", "--output", str(TEMPLATES), "--context", "platform=local"]
        processes.run("synth", [*command, "--all"], shell(CDK_DISABLE_CLI_TELEMETRY="true"))
        made_of.write_text(recipe)


def _recipe(root: Path) -> str:
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(root.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def stacks() -> list[str]:
    """Names of the stacks in the templates."""
    artifacts = json.loads((TEMPLATES / "manifest.json").read_text())["artifacts"]
    return [name for name, artifact in artifacts.items() if artifact["type"] == "aws:cloudformation:stack"]


def mail_events(stack: str) -> dict[str, list[str]]:
    """{topic: event types} that SES is told to report in this stack, topics by their full names."""
    resources = json.loads((TEMPLATES / f"{stack}.template.json").read_text())["Resources"]
    told = [
        resource["Properties"]["EventDestination"]
        for resource in resources.values()
        if resource["Type"] == "AWS::SES::ConfigurationSetEventDestination"
    ]
    return {
        _last_part(destination["SnsDestination"]["TopicARN"]): destination["MatchingEventTypes"] for destination in told
    }


def _last_part(arn: str | dict[str, str]) -> str:
    return (arn if isinstance(arn, str) else arn["Fn::Sub"]).rsplit(":", 1)[-1]
