"""cdk-nag's AwsSolutions rules over the whole app: `python -m infra.nag` (part of `make check`).

What we accept is listed here with its reason, and a reason that no finding needs any more is an error as well.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import aws_cdk as cdk
import cdk_nag

from infra import app as deployment
from infra import grants, layers, names
from infra.context_stack import Parts


@dataclass(frozen=True, slots=True)
class Accepted:
    """Findings that we live with: the rule's id and the construct's path (regular expressions, whole), and why."""

    rule: str
    path: str
    reason: str
    rare: bool = False  # only deployments that declare such a function have it

    def covers(self, rule: str, path: str) -> bool:
        return bool(re.fullmatch(self.rule, rule) and re.fullmatch(self.path, path))


def _wildcard(service: str, resource: str = ".*") -> str:
    return rf"AwsSolutions-IAM5\[Resource::arn:<AWS::Partition>:{service}:.*:{resource}\]"


_ANYWHERE = ".*"

ACCEPTED = (
    Accepted("AwsSolutions-S1", ".*/Bucket", "Access logs of one private bucket cost more than they tell."),
    Accepted(
        "AwsSolutions-SQS3",
        ".*/(Undelivered|.*Unsubscribed)Queue",
        "These are the dead-letter queues of rules, schedules and subscriptions.",
    ),
    Accepted("AwsSolutions-L1", _ANYWHERE, "Layers are built for Python 3.13; the next version needs other wheels."),
    Accepted(
        "AwsSolutions-APIG4", _ANYWHERE, "http.py verifies keys and tokens: an authorizer would be a second call."
    ),
    Accepted("AwsSolutions-SF1", _ANYWHERE, "Errors are logged. Level ALL would cost more than the steps.", rare=True),
    Accepted(_wildcard("logs"), _ANYWHERE, "The streams of the context's own log group, which Lambda names."),
    Accepted(
        r"AwsSolutions-IAM5\[Resource::\*\]",
        _ANYWHERE,
        "X-Ray, log delivery and ses:GetAccount have no resources that one could name.",
    ),
    Accepted(_wildcard("s3"), _ANYWHERE, "The files in the declared folders of the bucket.", rare=True),
    Accepted(
        _wildcard("ses", r"(identity/\*|tenant/\*|configuration-set/drumbeat-sid_\*)"),
        _ANYWHERE,
        "Tenants send from domains that they add after the deployment, each with a configuration set of its own.",
        rare=True,
    ),
    Accepted(
        _wildcard("ssm", r"parameter/drumbeat/providers/\*"),
        _ANYWHERE,
        "Tenants add their providers' accounts after the deployment; each secret lies below the account's own name.",
        rare=True,
    ),
    Accepted(
        _wildcard("sns", r"(app|endpoint)/\*/drumbeat-\*"),
        _ANYWHERE,
        "Applications for push are made by their owner after the deployment; endpoints are named by SNS.",
        rare=True,
    ),
    Accepted(_wildcard("scheduler"), _ANYWHERE, "One-off schedules of our own group, named after sends.", rare=True),
    Accepted(
        _wildcard("dynamodb", r"table/drumbeat/stream/\*"), _ANYWHERE, "AWS names a stream by its birth.", rare=True
    ),
    Accepted(
        _wildcard("states"), _ANYWHERE, "Executions of our machines are named after what they run for.", rare=True
    ),
)


def findings(app: cdk.App) -> list[tuple[str, str]]:
    """(rule, construct path) of everything that the pack dislikes."""
    report = cdk_nag.AwsSolutionsChecks().validate_scope(app)
    return [
        (violation.rule_name, resource.construct_path or "")
        for violation in report.violations
        for resource in violation.violating_resources
    ]


def problems(found: Iterable[tuple[str, str]]) -> list[str]:
    """Findings that nothing here accepts, and acceptances that nothing needs."""
    found = list(found)
    open_ = [f"{rule} at {path}" for rule, path in found if not any(entry.covers(rule, path) for entry in ACCEPTED)]
    unneeded = [entry for entry in ACCEPTED if not entry.rare and not any(entry.covers(*each) for each in found)]
    return sorted(set(open_)) + [f"no finding needs `{entry.rule}` any more: {entry.reason}" for entry in unneeded]


def main() -> int:
    app = cdk.App()
    empty = layers.BUILD / "nag"
    (empty / "python").mkdir(parents=True, exist_ok=True)
    parts = Parts(str(layers.code()), str(empty), grants.edge_entities())
    deployment.build(app, deployment.declared(), parts)
    wrong = problems(findings(app))
    print("\n".join(wrong) or f"cdk-nag: nothing open in {names.PREFIX}, {len(ACCEPTED)} acceptances with reasons.")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
