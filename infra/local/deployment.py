"""Puts the templates into the emulator, and looks up what came to be there."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from infra import names
from infra.deploy import parameters, public_keys
from infra.local import templates
from infra.local.places import TEMPLATES
from infra.local.processes import CREDENTIALS, Processes, environment

ACCOUNT = "000000000000"
REGION = CREDENTIALS["AWS_DEFAULT_REGION"]
# All that the CDK CLI uses of what `cdk bootstrap` makes, and the version that it asks for.
BOOTSTRAP_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
BOOTSTRAP_VERSION = ("/cdk-bootstrap/hnb659fds/version", "30")
STACK_DONE = " ✅  "


@dataclass(frozen=True)
class Aws:
    """The emulator, as the SDK sees it."""

    endpoint: str

    @property
    def environment(self) -> dict[str, str]:
        """What an AWS tool needs to find it."""
        return CREDENTIALS | {"AWS_ENDPOINT_URL": self.endpoint}

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 2}, read_timeout=60, s3={"addressing_style": "path"}),
        )


@dataclass(frozen=True)
class Deployed:
    """What the templates became: names of ours and what the emulator calls them."""

    api: str
    function_urls: dict[str, str]
    queues: dict[str, str]
    topics: dict[str, str]
    machines: dict[str, str]
    functions: list[str]


def deploy(
    processes: Processes, cdk: list[str], aws: Aws, given: Mapping[str, str], done: Callable[[str], None]
) -> None:
    """All stacks, with these values of their parameters. `done` hears the name of each that is finished. Base goes
    first: the others need its public key."""
    _bootstrap(aws)
    stacks = templates.stacks()
    _cdk_deploy(processes, cdk, aws, [names.BASE_STACK], {}, done)
    key = aws.client("kms").describe_key(KeyId=names.SIGNING_KEY_ALIAS)["KeyMetadata"]["KeyId"]
    values = {**given, "JwtKeys": json.dumps(public_keys(key, aws.environment))}
    _cdk_deploy(processes, cdk, aws, [name for name in stacks if name != names.BASE_STACK], values, done)


def _bootstrap(aws: Aws) -> None:
    aws.client("s3").create_bucket(Bucket=BOOTSTRAP_BUCKET)
    name, version = BOOTSTRAP_VERSION
    aws.client("ssm").put_parameter(Name=name, Value=version, Type="String", Overwrite=True)


def _cdk_deploy(
    processes: Processes,
    cdk: list[str],
    aws: Aws,
    stacks: list[str],
    values: dict[str, str],
    done: Callable[[str], None],
) -> None:
    def hear(line: str) -> None:
        if line.startswith(STACK_DONE):
            done(line.removeprefix(STACK_DONE).split()[0])

    command = [*cdk, "deploy", *stacks, "--exclusively", "--app", str(TEMPLATES), "--method", "direct"]
    command += ["--concurrency", "4", "--require-approval", "never", "--no-notices"]
    env = environment(**aws.environment, CDK_DISABLE_CLI_TELEMETRY="true", CI="true")
    processes.run("deploy", [*command, *parameters(TEMPLATES, values)], env, hear)


def look_up(aws: Aws) -> Deployed:
    """What there is now, by our names (`contacts.create_contact`, a queue `chunks`)."""
    apis = aws.client("apigatewayv2").get_apis()["Items"]
    lambda_ = aws.client("lambda")
    functions = [
        function["FunctionName"] for page in lambda_.get_paginator("list_functions").paginate()
        for function in page["Functions"]
    ]  # fmt: skip
    urls = {
        _ours(name): config["FunctionUrl"]
        for name in functions
        for config in lambda_.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]
    }
    machines = aws.client("stepfunctions").list_state_machines()["stateMachines"]
    return Deployed(
        api=next(api["ApiId"] for api in apis if api["Name"] == names.PREFIX),
        function_urls=urls,
        queues={_short(url): url for url in aws.client("sqs").list_queues().get("QueueUrls", [])},
        topics={_short(topic["TopicArn"]): topic["TopicArn"] for topic in aws.client("sns").list_topics()["Topics"]},
        machines={_short(machine["stateMachineArn"]): machine["stateMachineArn"] for machine in machines},
        functions=sorted(map(_ours, functions)),
    )


def _short(identifier: str) -> str:
    """The last part of a URL or ARN, without our prefix."""
    return identifier.replace("/", ":").rsplit(":", 1)[-1].removeprefix(f"{names.PREFIX}-")


def _ours(function: str) -> str:
    """`drumbeat-contacts-create_contact` → `contacts.create_contact`."""
    return _short(function).replace("-", ".", 1)
