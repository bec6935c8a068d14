"""Files of a tenant in the data bucket: `<folder>/<tenant>/<name>`, reached by people through presigned links."""

import os
from collections.abc import Iterable, Iterator
from typing import Any, cast

from botocore.exceptions import ClientError

from drumbeat.aws import client
from drumbeat.declare import Files

# S3 wants at least 5 MB in each part but the last, and takes 10,000 parts: files of up to 80 GB.
PART_BYTES = 8 << 20


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


def write_stream(folder: Files, tenant: str, name: str, pieces: Iterable[bytes], content_type: str) -> int:
    """Write a file of any length from its pieces, holding one part of 8 MB at a time; gives its size in bytes.

    The file is there when all of it is: an upload that dies leaves nothing to see, and S3 drops its parts after a day.
    """
    where = {"Bucket": os.environ["BUCKET"], "Key": key(folder, tenant, name)}
    upload: str | None = None
    parts: list[dict[str, Any]] = []
    held, total = bytearray(), 0

    def send() -> None:
        answer = client("s3").upload_part(**where, UploadId=upload, PartNumber=len(parts) + 1, Body=bytes(held))
        parts.append({"ETag": answer["ETag"], "PartNumber": len(parts) + 1})
        held.clear()

    for piece in pieces:
        held += piece
        total += len(piece)
        if len(held) >= PART_BYTES:
            if upload is None:
                upload = client("s3").create_multipart_upload(**where, ContentType=content_type)["UploadId"]
            send()
    if upload is None:
        write(folder, tenant, name, bytes(held), content_type)
        return total
    if held:
        send()
    client("s3").complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    return total
