"""The secrets of provider accounts: one parameter of the SSM Parameter Store each, a SecureString under the key that
AWS manages for it. They are nowhere else: not in the table, not in answers, not in the log.

A standard parameter costs nothing, and 40 reads a second are free of charge: an instance keeps what it has read.
"""

import json
import time
from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, ClientError

from drumbeat.aws import client
from drumbeat.errors import NotFound, Unavailable

READS = ("ssm:GetParameter",)
WRITES = ("ssm:DeleteParameter", "ssm:GetParameter", "ssm:PutParameter")
KEPT_SECONDS = 300
MOST_KEPT = 200
_kept: dict[str, tuple[float, int, Mapping[str, str]]] = {}


def name(tenant: str, account_id: str) -> str:
    """The parameter of an account."""
    return f"/drumbeat/providers/{tenant}/{account_id}"


def of(tenant: str, account_id: str, version: int) -> Mapping[str, str]:
    """The secrets by name; kept for five minutes if they are of this version, or a later one. Raises NotFound when they
    are gone, and Unavailable."""
    where = name(tenant, account_id)
    until, known, values = _kept.get(where, (0.0, 0, {}))
    if known < version or time.monotonic() >= until:
        known, values = _read(where)
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[where] = time.monotonic() + KEPT_SECONDS, known, values
    return values


def _read(where: str) -> tuple[int, Mapping[str, str]]:
    try:
        found = client("ssm").get_parameter(Name=where, WithDecryption=True)["Parameter"]
    except (BotoCoreError, ClientError) as error:
        if _is_gone(error):
            raise NotFound("The credentials of this provider account are gone; put them in again.") from error
        raise Unavailable("The secrets of the provider account cannot be read now; try again later.") from error
    return int(found["Version"]), json.loads(found["Value"])


def put(tenant: str, account_id: str, values: Mapping[str, str]) -> int:
    """Write an account's secrets over those that it had; gives their version. Raises Unavailable."""
    text = json.dumps(dict(values), ensure_ascii=False, separators=(",", ":"))
    where = name(tenant, account_id)
    try:
        made = client("ssm").put_parameter(Name=where, Value=text, Type="SecureString", Overwrite=True)
    except (BotoCoreError, ClientError) as error:
        raise Unavailable("The secrets of the provider account cannot be stored now; try again later.") from error
    _kept.pop(where, None)
    return int(made["Version"])


def delete(tenant: str, account_id: str) -> None:
    """Remove an account's secrets; without any there is nothing to do. Raises Unavailable."""
    where = name(tenant, account_id)
    _kept.pop(where, None)
    try:
        client("ssm").delete_parameter(Name=where)
    except (BotoCoreError, ClientError) as error:
        if not _is_gone(error):
            raise Unavailable("The secrets cannot be removed now; the same request goes on.") from error


def _is_gone(error: BotoCoreError | ClientError) -> bool:
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "ParameterNotFound"


def forget() -> None:
    _kept.clear()
