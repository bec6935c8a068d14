"""Whether the table, the bus and the queues can be reached, and whether the data is at home."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from drumbeat.aws import client
from drumbeat.fields import View
from drumbeat.http import Answer
from drumbeat.logs import logger
from drumbeat.sends import environment
from drumbeat.sends.environment import Environment, RestoredCopy

RESTORED = "Nothing is sent: the data was restored from a backup, and the operator has not adopted it (make adopt)."


class Health(View):
    """`healthy` or `unhealthy`, in all and by component. `environment` is unhealthy while nothing is sent, because the
    data was restored from a backup."""

    status: str
    components: dict[str, str]


def check() -> Health:
    """Ask each component something that only it can answer; a slow one counts as down after three seconds."""
    probes: dict[str, Callable[[], object]] = {
        "table": lambda: client("dynamodb", tries=1, read_timeout=3).describe_table(TableName=os.environ["TABLE"]),
        "bus": lambda: client("events", tries=1, read_timeout=3).describe_event_bus(Name=os.environ["BUS"]),
        "queue": lambda: client("sqs", tries=1, read_timeout=3).get_queue_attributes(
            QueueUrl=os.environ["HEALTH_QUEUE"], AttributeNames=["ApproximateNumberOfMessages"]
        ),
        "environment": _home,
    }
    with ThreadPoolExecutor(len(probes)) as pool:
        found = dict(zip(probes, pool.map(_answers, probes.values()), strict=True))
    components = {name: "healthy" if well else "unhealthy" for name, well in found.items()}
    return Health(status="healthy" if all(found.values()) else "unhealthy", components=components)


def answer(health: Health) -> Answer[Health]:
    """200, or 503 with the failing components in the message."""
    down = [name for name, state in health.components.items() if state != "healthy"]
    if not down:
        return Answer(health, message="All components can be reached.")
    if down == ["environment"]:
        return Answer(health, message=RESTORED, status=503)
    return Answer(health, message=f"Not reachable: {', '.join(down)}.", status=503)


def _home() -> None:
    """Raises RestoredCopy for data that was restored and not adopted. Reads Environment."""
    pk, sk = Environment.key()
    found = client("dynamodb", tries=1, read_timeout=3).get_item(
        TableName=os.environ["TABLE"], Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
    )
    if not environment.noted(Environment.from_raw_data(found["Item"]) if "Item" in found else None):
        raise RestoredCopy(RESTORED)


def _answers(probe: Callable[[], object]) -> bool:
    try:
        probe()
    except (BotoCoreError, ClientError, KeyError, RestoredCopy):
        logger.exception("component down")
        return False
    return True
