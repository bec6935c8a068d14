"""Importing files in tests, as a user would: prepare, upload, start, wait."""

import os
from typing import Any

import boto3

from tests.world import BUCKET, World


def prepared(world: World, content: str | bytes, tenant: str = "acme", **asked: Any) -> str:
    """The id of an import whose file is there."""
    made = world.call("contacts.create_import", body={"file_name": "people.csv", **asked}, tenant=tenant)
    assert made.status == 201, made.text
    raw = content.encode() if isinstance(content, str) else content
    key = f"imports/ten_{tenant}/{made.data['id']}/upload.csv"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=raw)
    return str(made.data["id"])


def started(world: World, content: str | bytes, tenant: str = "acme", **asked: Any) -> str:
    """The id of an import that was started and did nothing yet."""
    import_id = prepared(world, content, tenant, **asked)
    reply = world.call("contacts.start_import", path={"import_id": import_id}, tenant=tenant)
    assert reply.status == 202, reply.text
    return import_id


def imported(world: World, content: str | bytes, tenant: str = "acme", **asked: Any) -> dict[str, Any]:
    """The import as it is when it is over."""
    import_id = started(world, content, tenant, **asked)
    world.settle()
    found: dict[str, Any] = world.call("contacts.get_import", path={"import_id": import_id}, tenant=tenant).data
    return found


def rejected(job: dict[str, Any], tenant: str = "acme") -> list[str]:
    """The lines of the file of rejected rows."""
    key = f"imports/ten_{tenant}/{job['id']}/rejected.csv"
    found = boto3.client("s3").get_object(Bucket=os.environ["BUCKET"], Key=key)
    return str(found["Body"].read().decode()).split("\r\n")[:-1]


def totals(job: dict[str, Any]) -> tuple[int, int, int, int, int]:
    """Rows: all, created, updated, duplicates, rejected."""
    return tuple(job[name] for name in ("rows", "created", "updated", "duplicates", "rejected"))


def people(world: World, tenant: str = "acme") -> dict[str, dict[str, Any]]:
    """All contacts by their address (or external id)."""
    found: dict[str, dict[str, Any]] = {}
    page: dict[str, Any] = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        query = {"limit": "100", **({"cursor": page["next_cursor"]} if page["next_cursor"] else {})}
        page = world.call("contacts.list_contacts", query=query, tenant=tenant).data
        for contact in page["items"]:
            found[str(contact["email"] or contact["phone"] or contact["external_id"])] = contact
    assert page["total_count"] == len(found)
    return found
