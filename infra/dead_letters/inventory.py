"""All the places where work can lie dead, from the declarations: there is no second list."""

import functools
from typing import Any

import boto3
from botocore.config import Config
from drumbeat.invoke import argument

from infra import names
from infra.catalogue import Catalogue
from infra.dead_letters import Client, Place, Refused
from infra.dead_letters.calls import Undelivered, Url
from infra.dead_letters.executions import Executions
from infra.dead_letters.queues import Back, Letters, address
from infra.dead_letters.records import Records
from infra.discovery import Found

UNSUBSCRIBED = "unsubscribed"
LONGEST_CALL = 910  # seconds; a function may take 900


def places(catalogue: Catalogue, client: Client, bucket: str, *, wait: int = 1) -> list[Place]:
    """Every one of them, in the order of this package's table. `bucket` is the deployment's; `wait` is how many seconds
    an answer of SQS may take that there is nothing."""
    queues: list[Place] = []
    for name, consumer in sorted(catalogue.consumers.items()):
        queues.append(Letters(name, names.dead_letters(name), _back(name, consumer, client), client, wait))
    for found in catalogue.functions:
        declared = found.declaration
        if not declared.topics:
            continue
        short = declared.queue.name if declared.queue else found.name
        target = _back(short, found, client) if declared.queue else Url(found.name, client)
        queues.append(Letters(f"{short}-{UNSUBSCRIBED}", names.undelivered_topic(short), target, client, wait))
    queues.append(Letters("undelivered", names.UNDELIVERED, Undelivered(catalogue, client), client, wait))
    machines = sorted(found.declaration.machine.name for found in catalogue.functions if found.declaration.machine)
    return [*queues, Records(bucket, client), *(Executions(name, client) for name in machines)]


def _back(queue: str, consumer: Found, client: Client) -> Back:
    message, _ = argument(consumer.handler.rule)
    return Back(names.queue(queue), client, message, names.log_group(consumer.declaration.context))


@functools.cache
def aws(service: str) -> Any:
    """The client of the shell's account (or of AWS_ENDPOINT_URL)."""
    config = Config(read_timeout=LONGEST_CALL, retries={"total_max_attempts": 5, "mode": "standard"})
    return boto3.client(service, config=config)


def bucket() -> str:
    """The deployment's bucket: its name has the account and the region. Raises Refused where no deployment is."""
    if address(aws, names.UNDELIVERED) is None:
        raise Refused("There is no deployment in this account and region (see AWS_PROFILE and AWS_REGION).")
    account = aws("sts").get_caller_identity()["Account"]
    filled: dict[str, str] = {"${AWS::AccountId}": account, "${AWS::Region}": aws("s3").meta.region_name}
    name = names.BUCKET
    for variable, value in filled.items():
        name = name.replace(variable, value)
    return name
