"""The worker that sends, in a process of its own without the table: `python -m tests.bench.apart <recipients>`.

The table is emulated in the parent, which answers each of the worker's requests over a pipe. So what the child's
memory and processor time come to is what a Lambda instance would need that sends the whole campaign alone: requests
built, signed and parsed by the real SDK, 30 KB newsletter, chunks of fifty, and the pipe's own cost.
"""

import io
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import botocore.handlers
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.bench.dynamo import Refused

SAMPLES = 20


class Pipe:
    """AWS at the other end of a pipe. `waited` are the seconds that it took to answer, `requests` what was asked."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self.waited = 0.0
        self.requests: Counter[str] = Counter()

    def install(self) -> None:
        botocore.handlers.BUILTIN_HANDLERS.append(("before-send", self.answer))

    def answer(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        service, operation = event_name.split(".")[1:]
        held: Any = request.body or b"{}"
        asked: bytes = held.encode() if isinstance(held, str) else held
        began = time.perf_counter()
        self.pipe.send_bytes(f"{service} {operation}\n".encode() + asked)
        status, content = self.pipe.recv_bytes().split(b"\n", 1)
        self.waited += time.perf_counter() - began
        self.requests[service] += 1
        response = AWSResponse(request.url, int(status), {"x-amzn-requestid": "r"}, None)
        response._content = content
        return response


def serve(pipe: Connection, services: dict[str, Any]) -> None:
    """Answer until the other end is closed."""
    while True:
        try:
            head, _, body = pipe.recv_bytes().partition(b"\n")
        except EOFError:
            return
        service, operation = head.decode().split()
        try:
            answer = b"200\n" + json.dumps(services[service](operation, json.loads(body))).encode()
        except Refused as refused:
            error = {"__type": f"com.amazonaws#{refused.code}", "message": refused.code, **refused.more}
            answer = b"400\n" + json.dumps(error).encode()
        pipe.send_bytes(answer)


class Nowhere(io.TextIOBase):
    """Takes the log lines, as CloudWatch does."""

    def write(self, text: str) -> int:
        return len(text)


def largest() -> float:
    """The process's largest resident set in MB, as Linux counts it since the process's program began: `getrusage` has
    that of the parent's, too."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def work(pipe: Connection, told: Connection, chunks: int, now: float) -> None:
    """The child: every chunk through `deliver_chunk`'s handler, its memory looked at `SAMPLES` times."""
    from tests import harness
    from tests.bench.worker import event, resident

    cloud = Pipe(pipe)
    cloud.install()
    clocks = time.perf_counter, time.process_time
    time.time = time.monotonic = lambda: now
    sys.stdout = Nowhere()
    from drumbeat import logs

    logs.logger.registered_handler.setStream(sys.stdout)  # type: ignore[attr-defined]  # a StreamHandler
    os.environ["QUEUE_ROLL_UP"] = "https://sqs.us-east-1.amazonaws.com/123456789012/roll_up"
    worker = harness.function("sends.deliver_chunk")
    began, used, samples = clocks[0](), clocks[1](), [resident()]
    for number in range(chunks):
        assert not worker(event(number), None)["batchItemFailures"]
        if number % max(1, chunks // SAMPLES) == 0:
            samples.append(resident())
    wall, processor = clocks[0]() - began, clocks[1]() - used
    told.send(
        {
            "seconds": wall, "processor": processor, "waited": cloud.waited, "requests": dict(cloud.requests),
            "resident": [round(one, 1) for one in samples], "peak": largest(),
        }
    )  # fmt: skip


def main() -> None:
    told, recipients = sys.stdout, int(sys.argv[1])
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    heard, telling = spawning.Pipe(duplex=False)
    from tests.bench.worker import SIZE, prepared

    chunks = max(1, recipients // SIZE)
    deployment = prepared(chunks)
    child = spawning.Process(target=work, args=(theirs, telling, chunks, deployment.now))
    child.start()
    theirs.close()
    telling.close()
    serve(ours, deployment.cloud.services)
    found = heard.recv()
    child.join()
    assert deployment.cloud.sent == recipients, deployment.cloud.sent
    told.write(json.dumps({"recipients": recipients, **found}))


if __name__ == "__main__":
    main()
