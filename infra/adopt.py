"""`python -m infra.adopt`: let the deployment of the shell's AWS account send from data restored from a backup.

Until then it sends nothing. What was being sent when the backup was made is paused, because nobody here knows who was
sent since; overdue schedules expire. `--check` only says whose the data is.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config

from infra import operators

ADOPT = "sends.adopt_copy"


def adopt(lambda_: Any, *, check: bool) -> dict[str, Any]:
    """Adopt the data, or with `check` only say whose it is. Raises operators.Refused."""
    return operators.ask(lambda_, ADOPT, {"check": check})


def report(told: dict[str, Any], *, check: bool) -> str:
    """What the operator reads."""
    where = f"data of {told['from_environment'] or 'nobody yet'}, deployment {told['to_environment']}"
    if told["already"]:
        return f"at home: {where}"
    if check:
        return f"a restored copy: {where}. Nothing is sent; adopt it with `make adopt`."
    return (
        f"adopted: {where}\n{told['sends_paused']} sends are paused, {told['schedules_expired']} overdue schedules "
        f"expired, {told['confirmations_stopped']} confirmation mails will not be sent by themselves.\n"
        "It sends within a minute; what is paused goes on when somebody resumes it."
    )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.adopt", description="Adopt restored data.")
    parser.add_argument("--check", action="store_true", help="only say whose the data is")
    given = parser.parse_args(arguments)
    lambda_ = boto3.client("lambda", config=Config(read_timeout=330, retries={"total_max_attempts": 1}))
    try:
        told = adopt(lambda_, check=given.check)
    except operators.Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(report(told, check=given.check))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
