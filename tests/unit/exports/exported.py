"""Exports in tests, as a user makes them: ask, wait, follow the link."""

import csv
import io
import json
import zipfile
from typing import Any

import boto3

from tests.harness import Reply
from tests.world import BUCKET, World


def asked(world: World, tenant: str = "acme", **body: Any) -> Reply:
    return world.call("exports.create_export", body=body, tenant=tenant)


def job(world: World, export_id: str, tenant: str = "acme") -> dict[str, Any]:
    found: dict[str, Any] = world.call("exports.get_export", path={"export_id": export_id}, tenant=tenant).data
    return found


def exported(world: World, tenant: str = "acme", **body: Any) -> bytes:
    """The file of an export that must succeed, from where its link leads."""
    made = asked(world, tenant, **body)
    assert made.status == 202, made.text
    world.settle()
    return file_of(job(world, made.data["id"], tenant))


def file_of(done: dict[str, Any]) -> bytes:
    assert done["state"] == "done", done["failure"]
    key = done["download"]["url"].split("?")[0].split(f"/{BUCKET}/")[1]
    content = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert len(content) == done["size_bytes"]
    return bytes(content)


def table(content: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file by their heading."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def unzipped(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]
