"""The worker that sends: processor time for a recipient, and memory: `python -m tests.bench.worker <chunks>`.

`deliver_chunk`'s own handler runs over chunks of fifty in a process of its own. Requests are built, signed and parsed
by the real SDK; they are answered from memory, and the time that answering takes is not counted.
"""

import gc
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from drumbeat import clock, ids
from drumbeat.sends import planning
from drumbeat.sends.model import Chunk, Content, Send, SendKey

from tests import harness
from tests.bench.audience import SAID, TENANT, newsletter, seed
from tests.bench.deployment import Deployment

SIZE = 50
SEND = "snd_01M3250V007CGJ2ZV9V2HNV2SY"


def prepared(chunks: int) -> Deployment:
    """A send with so many chunks that are due, of the large newsletter."""
    deployment = Deployment(rate=200.0)
    deployment.build()
    people = seed(deployment.cloud.table, chunks * SIZE, ids.new("seg"))
    subject, html = newsletter(large=True)
    Content(
        *Content.key(TENANT, SEND), subject=subject, html=html, sender_name="Shop", sender_email="news@shop.example",
        postal_address="1 Main Street, Springfield", track_opens=True, track_clicks=True, currency="BDT",
        variables=SAID,
    ).create()  # fmt: skip
    SendKey(*SendKey.key(SEND), tenant=TENANT, campaign="cmp_1", secret=b"s" * 32, links=[]).create()
    send = Send(
        *Send.key(TENANT, SEND), tenant=TENANT, send_id=SEND, campaign="cmp_01M3250V007CGJ2ZV9V2HNV2SY", account="ses",
        state="sending", audience={}, plan_shards=1, chunk_size=SIZE, planned={0}, unknown_policy="after_grace",
        grace_seconds=7200, publish=False, launched_at=clock.business(), launch={},
    )  # fmt: skip
    send.create()
    for number in range(chunks):
        planning.chunk_of(send, 0, number, people[number * SIZE : (number + 1) * SIZE]).create()
    gc.collect()
    gc.freeze()  # a worker does not have the table in its memory, for the collector to look through
    return deployment


def event(number: int) -> dict[str, Any]:
    """The chunk's message, as SQS hands it to the worker."""
    body = {"tenant": TENANT, "send": SEND, "shard": 0, "number": number}
    return {"Records": [{"messageId": "1", "body": json.dumps(body), "attributes": {}}]}


def milliseconds(deployment: Deployment, chunks: int) -> list[float]:
    """Processor time a recipient, of each chunk. The first compiles the template."""
    worker, taken = harness.function("sends.deliver_chunk"), []
    for number in range(chunks):
        deployment.meter.aside = 0.0
        began = time.process_time()
        failed = worker(event(number), None)["batchItemFailures"]
        taken.append((time.process_time() - began - deployment.meter.aside) / SIZE * 1e3)
        assert not failed, deployment.lines.error
    assert deployment.cloud.sent == chunks * SIZE
    chunk = Chunk.fetch(*Chunk.key(TENANT, SEND, 0, 0))
    assert chunk is not None and chunk.state == "done"
    return taken


def megabytes() -> float:
    """The process's largest resident set so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident() -> float:
    """The process's resident set now, in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**2


def main() -> None:
    told, chunks = sys.stdout, int(sys.argv[1])
    deployment = prepared(chunks)
    before = resident()
    taken = milliseconds(deployment, chunks)
    told.write(json.dumps({"milliseconds": taken, "grown": resident() - before, "peak": megabytes()}))


if __name__ == "__main__":
    main()
