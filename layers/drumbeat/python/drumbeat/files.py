"""Files of a tenant in the data bucket: `<folder>/<tenant>/<name>`, reached by people through presigned links."""

import os
from collections.abc import Iterator
from typing import Any, cast

from botocore.exceptions import ClientError

from drumbeat.aws import client
from drumbeat.declare import Files


def key(folder: Files, tenant: str, name: str) -> str:
    return f"{folder.name}/{tenant}/{name}"


def upload_link(folder: Files, tenant: str, name: str, content_type: str, seconds: int = 900) -> str:
    """A URL that takes one PUT of this file with this content type, for a while."""
    return _link("put_object", folder, tenant, name, seconds, ContentType=content_type)


def download_link(folder: Files, tenant: str, name: str, seconds: int = 900) -> str:
    """A URL that gives the file, for a while; browsers save it instead of showing it."""
    disposition = f'attachment; filename="{name.rsplit("/", 1)[-1]}"'
    return _link("get_object", folder, tenant, name, seconds, ResponseContentDisposition=disposition)


def _link(operation: str, folder: Files, tenant: str, name: str, seconds: int, **more: str) -> str:
    parameters = {"Bucket": os.environ["BUCKET"], "Key": key(folder, tenant, name), **more}
    return cast(str, client("s3").generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds))


def size(folder: Files, tenant: str, name: str) -> int | None:
    """Bytes of the file, or None when there is none."""
    try:
        head = client("s3").head_object(Bucket=os.environ["BUCKET"], Key=key(folder, tenant, name))
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return None
        raise
    return cast(int, head["ContentLength"])


def read(folder: Files, tenant: str, name: str, *, start: int = 0, end: int | None = None) -> bytes:
    """The bytes from `start` up to (not including) `end`."""
    span = f"bytes={start}-" if end is None else f"bytes={start}-{end - 1}"
    answer = client("s3").get_object(Bucket=os.environ["BUCKET"], Key=key(folder, tenant, name), Range=span)
    return cast(bytes, answer["Body"].read())


def stream(folder: Files, tenant: str, name: str, *, start: int = 0, piece: int = 1 << 16) -> Iterator[bytes]:
    """The file from `start`, in pieces: memory stays flat whatever its size."""
    answer = client("s3").get_object(
        Bucket=os.environ["BUCKET"], Key=key(folder, tenant, name), Range=f"bytes={start}-"
    )
    body: Any = answer["Body"]
    yield from iter(lambda: body.read(piece), b"")


def write(folder: Files, tenant: str, name: str, content: bytes, content_type: str) -> None:
    client("s3").put_object(
        Bucket=os.environ["BUCKET"], Key=key(folder, tenant, name), Body=content, ContentType=content_type
    )
