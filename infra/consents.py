"""`python -m infra.consents TENANT`: verify a tenant's ledger of consent in the deployment of the shell's AWS account.

Prints how far it is, and at the end the latest seals: keep them elsewhere, and hold the ledger against them with
`--expect`. Names the first broken entry and ends with 1 where there is one.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
from botocore.config import Config

from infra import operators

VERIFY = "contacts.verify_consents"


def verify(lambda_: Any, tenant: str, expected: Sequence[str], tell: Callable[[str], None]) -> dict[str, Any]:
    """Ask the operator's function slice by slice. Gives `contacts`, `entries`, `sealed`, `broken` and `seals`. Raises
    operators.Refused."""
    seen = {"contacts": 0, "entries": 0, "sealed": 0}
    wanted: dict[str, Any] = {"tenant": tenant, "expected": list(expected)}
    while True:
        told = operators.ask(lambda_, VERIFY, wanted)
        seen = {name: number + int(told[name]) for name, number in seen.items()}
        cursor = told["cursor"]
        if cursor is None:
            return {**told, **seen}
        where = f"{cursor['phase']}, part {cursor['shard'] + 1}"
        tell(f"{where}: {_counted(seen)}")
        wanted = {"tenant": tenant, "cursor": cursor}


def _counted(seen: Mapping[str, int]) -> str:
    return f"{seen['contacts']:,} contacts, {seen['entries']:,} entries, {seen['sealed']:,} sealed"


def report(told: dict[str, Any]) -> str:
    """What the operator reads at the end."""
    broken = told["broken"]
    if broken:
        return f"broken: {broken['where']}, number {broken['number']}: {broken['means']} ({broken['fault']})"
    seals = "".join(f"\nseal {seal}" for seal in told["seals"])
    return f"whole: {_counted(told)}{seals}"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.consents", description="Verify a tenant's ledger.")
    parser.add_argument("tenant", help="ten_…")
    parser.add_argument("--expect", action="append", default=[], metavar="SEAL", help="a seal that was noted before")
    given = parser.parse_args(arguments)
    lambda_ = boto3.client("lambda", config=Config(read_timeout=90, retries={"total_max_attempts": 3}))
    try:
        told = verify(lambda_, given.tenant, given.expect, lambda text: print(text, flush=True))
    except operators.Refused as refused:
        print(refused, file=sys.stderr)
        return 2
    print(report(told))
    return 1 if told["broken"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
