"""Starting Step Functions machines. A name is started once: starting it again is success, not a second run."""

import json
import os
from typing import Any

from botocore.exceptions import ClientError

from drumbeat.aws import client
from drumbeat.declare import Machine


def start(machine: Machine, name: str, state: dict[str, Any]) -> bool:
    """Start the machine under a name of at most 80 letters; False when that name had been started before."""
    try:
        client("stepfunctions").start_execution(
            stateMachineArn=os.environ[machine.variable], name=name, input=json.dumps(state)
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
            return False
        raise
    return True
