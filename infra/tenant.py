"""`python -m infra.tenant NAME`: make a tenant in the deployment of the shell's AWS account (or of AWS_ENDPOINT_URL).

Prints the tenant's id and its API key, which is shown this once and stored nowhere.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import boto3

from infra import operators

CREATE = "accounts.create_tenant"


def create(lambda_: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    """Gives `tenant`, `slug`, `created`, `api_key` and `invitation`. Raises operators.Refused."""
    return operators.ask(lambda_, CREATE, wanted)


def asked(arguments: Sequence[str]) -> dict[str, Any]:
    """The request that the command line says."""
    parser = argparse.ArgumentParser(prog="python -m infra.tenant", description="Make a tenant and its first API key.")
    parser.add_argument("name", help="the company's name")
    parser.add_argument("--slug", help="a short name (made from the name if left out)")
    parser.add_argument("--admin-email", help="invite this person as administrator")
    parser.add_argument("--tenant-id", help="ten_…: asked again with the same id, the tenant is not made twice")
    parser.add_argument("--new-api-key", action="store_true", help="another key for the tenant of --tenant-id")
    given = vars(parser.parse_args(arguments))
    return {name: value for name, value in given.items() if value}


def report(made: dict[str, Any]) -> str:
    """What the operator reads."""
    lines = [f"tenant   {made['tenant']} ({made['slug']})" + ("" if made["created"] else ", was there already")]
    if made["api_key"]:
        lines.append(f"api key  {made['api_key']}   (shown this once)")
    if made["invitation"]:
        lines.append(f"admin    {made['invitation']['link']}   (valid until {made['invitation']['expires_at']})")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    try:
        made = create(boto3.client("lambda"), asked(arguments))
    except operators.Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(report(made))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
