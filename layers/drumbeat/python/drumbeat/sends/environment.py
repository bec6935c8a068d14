"""Whose data this is: a restored copy of the table must not send what the original has sent meanwhile.

    pk                  sk             GLOBAL: it says something of the whole table
    ENVIRONMENT#data    ENVIRONMENT    which table its rows were written in

A table is known by the label of its stream: DynamoDB gives every table another one, also a table that a backup was
restored to. The deployment tells its functions the label of theirs (`ENVIRONMENT_ID`), the row says which one wrote the
data. While the two differ nothing is sent, and nothing is lost: chunks, schedules and requests stay as they are until
the operator adopts the copy (drumbeat.campaigns.adopting). Only a link that somebody has just asked for, to a new
password or their own data, is mailed all the same.
"""

import os
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from drumbeat import clock, table
from drumbeat.aws import client
from drumbeat.errors import Refusal
from drumbeat.logs import counted, logger
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, UnicodeAttribute

# Wall time for which an instance believes what it has read.
BELIEVED = timedelta(minutes=1)
DESCRIBES = "dynamodb:DescribeTable"
# A restored table has none until somebody switches it on (API_RestoreTableToPointInTime); a deployed one has one.
NO_STREAM = "no stream"


class Environment(Entity):
    """Which table the data was written in, and since when. `found_in` is the label of the table that a sweep has found
    it in, when that is another one: a backup was restored under the old name."""

    TYPE = "ENVIRONMENT"
    GLOBAL = True

    belongs_to = UnicodeAttribute()
    since = InstantAttribute()
    found_in = UnicodeAttribute(null=True)

    @staticmethod
    def key() -> tuple[str, str]:
        return "ENVIRONMENT#data", "ENVIRONMENT"


class RestoredCopy(Refusal):
    """Nothing is sent, because the data was restored from another deployment's or from a backup."""

    status, code = 409, "RESTORED_COPY"


_home_until: float = 0.0


def ours() -> str:
    """What this deployment's table is known by."""
    return os.environ["ENVIRONMENT_ID"]


def is_home() -> bool:
    """Whether the data was written here, so that it may be acted on. Logs and counts when it was not. Data that says
    nothing is at home. Reads Environment, once a minute in an instance."""
    return noted(Environment.fetch(*Environment.key())) if _out_of_date() else True


def noted(row: Environment | None) -> bool:
    """The same of a row that was just read."""
    global _home_until
    if row is None or (row.belongs_to == ours() and row.found_in in (None, ours())):
        _home_until = (clock.wall() + BELIEVED).timestamp() if row else 0.0
        return True
    _home_until = 0.0
    logger.warning(
        "restored copy: nothing is sent", extra={"belongs_to": row.belongs_to, "environment": row.found_in or ours()}
    )
    counted("RestoredCopy")
    return False


def _out_of_date() -> bool:
    return clock.wall().timestamp() >= _home_until


def require_home() -> None:
    """Raise RestoredCopy unless the data was written here. Reads Environment."""
    if not is_home():
        raise RestoredCopy(
            "This data was restored from a backup, and nothing is sent until whoever runs the deployment has adopted "
            "it (make adopt). What is scheduled or being sent stays as it is."
        )


def look() -> bool:
    """Compare the data with the table that it is in, once a minute: the first look says whose it is, and one that finds
    it in another table than the functions were deployed for writes that down. Whether it is at home. Writes
    Environment, calls `DESCRIBES`."""
    row = Environment.fetch(*Environment.key()) or _first()
    label = _label()
    if label and label not in (row.belongs_to, row.found_in):
        row.change(Environment.found_in.set(label))
    return noted(row)


def _first() -> Environment:
    row = Environment(*Environment.key(), belongs_to=ours(), since=clock.wall())
    try:
        row.create()
    except ConditionFailed as error:
        return Environment.from_raw_data(error.found or {})
    return row


def _label() -> str | None:
    """The label of the stream of the table as it is now, or `NO_STREAM`; None when nobody says."""
    try:
        told = client("dynamodb").describe_table(TableName=table.TABLE)["Table"]
    except (BotoCoreError, ClientError):
        logger.exception("the table could not be described")
        return None
    arn: str = told.get("LatestStreamArn") or ""  # arn:…:table/<name>/stream/<label>
    return arn.rpartition("/")[2] or NO_STREAM


def require_deployed() -> None:
    """Raise RestoredCopy when the functions were deployed for another table than the one that they read. Calls
    `DESCRIBES`."""
    if _label() not in (None, ours()):
        raise RestoredCopy(
            "The functions were deployed for another table. Switch on its stream if it has none, deploy again (make "
            "deploy), then adopt."
        )


def adopt() -> None:
    """Say that the data belongs to this deployment. Writes Environment."""
    Environment.change_at(
        *Environment.key(), Environment.belongs_to.set(ours()), Environment.since.set(clock.wall()),
        Environment.found_in.remove(),
    )  # fmt: skip
    forget()


def forget() -> None:
    global _home_until
    _home_until = 0.0
