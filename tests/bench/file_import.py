"""Importing a file of contacts: `python -m tests.bench.file_import 100000 [forget]`.

The handler of the import's task runs slice by slice over a CSV file of new people, as a shop exports them. Storage is
the one in memory: requests and units are counted by its rules, `seconds` are our own processor time with the SDK's part
of each request. With `forget` the rows that are written are thrown away, so that what the process holds is the
function's own memory: its peak before the import, after a quarter of the slices, and at the end.
"""

import gc
import io
import json
import os
import sys
from typing import Any

import botocore.handlers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from drumbeat import clock, ids
from drumbeat.contacts.imports import model
from drumbeat.contacts.imports.model import FOLDER, Import
from drumbeat.contacts.imports.views import NewImport

from tests.bench.audience import TENANT
from tests.bench.dynamo import Item, Key, Table
from tests.bench.membership import Metered
from tests.bench.worker import megabytes

HEADER = "E-Mail,First Name,Last Name,Phone,customer_id,Country,Time Zone,tags,City,Plan,Points,consent,consent_at\n"
# Of what an import leaves behind, this says how far it is.
KEPT = ("IMPORT#", "TENANT#")


class Bucket:
    """S3 for one process: requests are answered before they are sent, and counted."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.requests = 0

    def install(self) -> None:
        os.environ["BUCKET"] = "data"
        botocore.handlers.BUILTIN_HANDLERS.append(("before-send.s3", self._answer))

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.requests += 1
        name = request.url.split("?")[0].split("/data/", 1)[1]
        if request.method == "PUT":
            self.objects[name] = request.body if isinstance(request.body, bytes) else request.body.read()
            return self._response(request, b"")
        content = self.objects[name]
        if request.method == "HEAD":
            return self._response(request, b"", len(content))
        span = request.headers["Range"]
        start = int((span.decode() if isinstance(span, bytes) else span).removeprefix("bytes=").split("-")[0])
        return self._response(request, content[start:])

    def _response(self, request: AWSPreparedRequest, body: bytes, length: int | None = None) -> AWSResponse:
        headers = {"content-length": str(len(body) if length is None else length)}
        response = AWSResponse(request.url, 200, headers, io.BytesIO(body))
        if request.method != "GET":
            response._content = b""
        return response


def content(rows: int) -> bytes:
    """A file of so many people; one in a hundred has a mistake."""
    lines = [
        f"{_address(n)},Anika{n},Rahman,+88017{n:08d},{100_000 + n},BD,Asia/Dhaka,newsletter;shop,Dhaka,"
        f"{'gold' if n % 3 else 'silver'},{n % 90_000},yes,2026-01-02T03:04:05Z\n"
        for n in range(rows)
    ]
    return (HEADER + "".join(lines)).encode()


def _address(number: int) -> str:
    return "broken" if number % 100 == 99 else f"anika.rahman{number}@customers.example"


def forgetting(table: Table) -> None:
    """Keep nothing of what is written but the import's own row."""
    store = table.store

    def kept(key: Key, after: Item | None) -> int:
        return store(key, after) if key[0].startswith(KEPT) else 0

    table.store = kept  # type: ignore[method-assign]


def measured(rows: int, *, forget: bool) -> dict[str, Any]:
    bucket = Bucket()
    bucket.install()
    metered = Metered(0)
    table = metered.deployment.cloud.table
    table.changed = lambda before, after: None  # the stream's readers are measured by themselves
    job = model.add(
        TENANT, NewImport(file_name="people.csv"), import_id=ids.new("imp"), actor="bench", now=clock.business()
    )
    file = content(rows)
    bucket.objects[f"{FOLDER.name}/{TENANT}/{job.upload}"] = file
    job.change(Import.state.set("queued"), Import.bytes_total.set(len(file)), *model.held())
    if forget:
        forgetting(table)
    gc.collect()
    gc.freeze()
    before, peaks, total = megabytes(), list[float](), dict[str, float]()
    state: dict[str, Any] = {"tenant": TENANT, "import_id": job.import_id}
    while not state.get("done"):
        state, took = metered.call("contacts.import_rows", state)
        total = {name: total.get(name, 0) + number for name, number in took.items()}
        peaks.append(megabytes())
    row = model.get(TENANT, job.import_id)
    assert (row.state, row.rows, row.created) == ("done", rows, rows - rows // 100), row.failure
    return {
        **total, "rows": rows, "slices": len(peaks), "s3_requests": bucket.requests, "bytes": len(file),
        "before": before, "quarter": peaks[len(peaks) // 4], "peak": peaks[-1],
    }  # fmt: skip


def main() -> None:
    told = sys.stdout
    told.write(json.dumps(measured(int(sys.argv[1]), forget="forget" in sys.argv[2:])))


if __name__ == "__main__":
    main()
