"""Executions of state machines that failed: Step Functions goes on with them from the state that failed.

Most need nobody: sweepers start work again that stands still. Redriven all the same, they find that it is done.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra import names
from infra.dead_letters import Client, Dead, Outcome, line

REDRIVABLE_FOR = 14 * 86_400  # seconds; later Step Functions does not go on with an execution
LONGEST_NAME = 80
# A stand-in for Step Functions that has no such operation.
UNKNOWN = ("InvalidAction", "UnknownOperationException", "NotImplemented", "UnknownOperation")


@dataclass(frozen=True, slots=True)
class Executions:
    """The failed executions of a machine in the last fourteen days."""

    name: str
    client: Client

    pieces = "executions"

    def count(self) -> int:
        return sum(1 for _ in self._failed())

    def sample(self, most: int) -> list[Dead]:
        found = []
        for each, _ in zip(self._failed(), range(most), strict=False):
            told = self.client("stepfunctions").describe_execution(executionArn=each["executionArn"])
            why = line(f"{each['status'].lower()}: {told.get('error', '')}").rstrip(": ")
            found.append(Dead(each["name"], each["stopDate"].timestamp(), why, int(each.get("redriveCount", 0))))
        return found

    def replay(self, most: int | None) -> Iterator[Outcome]:
        for number, each in enumerate(list(self._failed())):
            if most is not None and number >= most:
                return
            yield Outcome(each["name"], self._again(each))

    def _again(self, execution: dict[str, Any]) -> str:
        try:
            self.client("stepfunctions").redrive_execution(executionArn=execution["executionArn"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in UNKNOWN:
                return line(str(error))
            return self._anew(execution)
        return ""

    def _anew(self, execution: dict[str, Any]) -> str:
        """From the beginning, under a name of its own: what was done already is not done again."""
        machines = self.client("stepfunctions")
        told = machines.describe_execution(executionArn=execution["executionArn"])
        name = f"{execution['name'][: LONGEST_NAME - 6]}-again"
        try:
            machines.start_execution(stateMachineArn=told["stateMachineArn"], name=name, input=told["input"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                return line(str(error))
            return "was started again before"
        return ""

    def _failed(self) -> Iterator[dict[str, Any]]:
        machines, wanted = self.client("stepfunctions"), names.machine(self.name)
        oldest = time.time() - REDRIVABLE_FOR
        for page in machines.get_paginator("list_state_machines").paginate():
            arns = [each["stateMachineArn"] for each in page["stateMachines"] if each["name"] == wanted]
            for arn in arns:
                for status in ("FAILED", "TIMED_OUT"):
                    pages = machines.get_paginator("list_executions")
                    for found in pages.paginate(stateMachineArn=arn, statusFilter=status):
                        yield from (each for each in found["executions"] if each["stopDate"].timestamp() > oldest)
