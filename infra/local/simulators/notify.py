"""Carries events from the simulators to the product: mass ones by SNS or SQS in batches, others by callbacks.

A callback that fails with 5xx, 429 or no answer is tried again with growing waits, as the providers do; other answers
are final. `GET /callbacks.json` shows each attempt.
"""

from __future__ import annotations

import heapq
import http.client
import itertools
import json
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from .publish import Publisher
from .signing import stamp

RETRY_AFTER_S = (0.5, 1.0, 2.0, 4.0, 8.0)
CALLBACK_THREADS = 4
PUBLISH_THREADS = 2
LOG_LENGTH = 20_000

Built = tuple[dict[str, str], bytes]


@dataclass
class Callback:
    """One POST. `build` makes headers and body on the first attempt; further attempts repeat the same bytes."""

    provider: str
    url: str
    kind: str
    message_id: str
    build: Callable[[], Built]
    attempt: int = 0
    built: Built | None = None


@dataclass
class Published:
    """One event for a mass destination: `target` names it for the publisher, `body` makes the JSON when it goes out."""

    target: tuple[str, str]
    kind: str
    body: Callable[[], str]
    attempt: int = 0


@dataclass(order=True)
class _Due:
    at: float
    order: int
    job: Callback | Published = field(compare=False)


class Dispatcher:
    """Owns the threads. `pending` is what has not been carried or given up yet."""

    def __init__(self, publisher: Callable[[], Publisher]) -> None:
        self._publisher = publisher
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._callbacks: queue.SimpleQueue[Callback | None] = queue.SimpleQueue()
        self._mass: queue.SimpleQueue[Published | None] = queue.SimpleQueue()
        self._closing = False
        self.pending = 0
        self.published = 0
        self.given_up = 0
        self.errors: deque[str] = deque(maxlen=20)
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)
        jobs = [self._schedule] + [self._publish] * PUBLISH_THREADS + [self._post] * CALLBACK_THREADS
        self._threads = [threading.Thread(target=job, daemon=True, name="events") for job in jobs]
        for thread in self._threads:
            thread.start()

    def put(self, job: Callback | Published, delay: float = 0.0) -> None:
        """Carry the event after `delay` seconds."""
        with self._wake:
            self.pending += 1
        self._later(job, delay)

    def close(self) -> None:
        """Stop; what is pending stays undone."""
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        for _ in range(PUBLISH_THREADS):
            self._mass.put(None)
        for _ in range(CALLBACK_THREADS):
            self._callbacks.put(None)
        for thread in self._threads:
            thread.join(timeout=5)

    def _later(self, job: Callback | Published, delay: float) -> None:
        if delay <= 0:
            self._ready(job)
            return
        with self._wake:
            heapq.heappush(self._due, _Due(time.monotonic() + delay, next(self._order), job))
            self._wake.notify()

    def _ready(self, job: Callback | Published) -> None:
        if isinstance(job, Callback):
            self._callbacks.put(job)
        else:
            self._mass.put(job)

    def _schedule(self) -> None:
        while True:
            with self._wake:
                if self._closing:
                    return
                wait = self._due[0].at - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._wake.wait(wait)
                    continue
                job = heapq.heappop(self._due).job
            self._ready(job)

    def _done(self, count: int = 1, *, given_up: bool = False, published: bool = False) -> None:
        with self._wake:
            self.pending -= count
            if published:
                self.published += count
            if given_up:
                self.given_up += count

    def _retry(self, job: Callback | Published, what: str) -> None:
        if job.attempt >= len(RETRY_AFTER_S):
            self.errors.append(what)
            self._done(given_up=True)
            return
        delay = RETRY_AFTER_S[job.attempt]
        job.attempt += 1
        self._later(job, delay)

    def _publish(self) -> None:
        while (first := self._mass.get()) is not None:
            jobs = [first]
            # A short wait fills the batch of ten, which is a tenth of the calls.
            deadline = time.monotonic() + 0.02
            while len(jobs) < 200:
                try:
                    job = self._mass.get(timeout=max(deadline - time.monotonic(), 0.0))
                except queue.Empty:
                    break
                if job is None:
                    return
                jobs.append(job)
            self._publish_all(jobs)

    def _publish_all(self, jobs: list[Published]) -> None:
        targets: dict[tuple[str, str], list[Published]] = {}
        for job in jobs:
            targets.setdefault(job.target, []).append(job)
        for target, of_target in targets.items():
            failed = self._publisher().publish(target, [job.body() for job in of_target])
            for index, job in enumerate(of_target):
                if index in failed:
                    self._retry(job, failed[index])
            self._done(len(of_target) - len(failed), published=True)

    def _post(self) -> None:
        while (job := self._callbacks.get()) is not None:
            started = time.monotonic()
            status, error = 0, ""
            try:
                if job.built is None:
                    job.built = job.build()
                status = post(job.url, *job.built)
            except (OSError, http.client.HTTPException) as problem:
                error = repr(problem)
            except Exception as problem:  # noqa: BLE001 - a broken event must not end the thread for the others
                error, job.attempt = repr(problem), len(RETRY_AFTER_S)
            self._record(job, status, error, time.monotonic() - started)
            if status == 0 or status == 429 or status >= 500:
                self._retry(job, f"{job.url}: {status or error}")
            else:
                self._done(given_up=status >= 300)

    def _record(self, job: Callback, status: int, error: str, seconds: float) -> None:
        entry = {"at": stamp(datetime.now(UTC)), "provider": job.provider, "url": job.url, "event": job.kind}
        answer = {"message_id": job.message_id, "attempt": job.attempt + 1, "status": status, "error": error}
        self.log.append(entry | answer | {"ms": round(seconds * 1000, 1)})


def post(url: str, headers: dict[str, str], body: bytes, timeout: float = 15.0) -> int:
    """The status of a POST; redirects are not followed. OSError when there is no answer."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def as_body(event: dict[str, Any]) -> str:
    """Compact JSON."""
    return json.dumps(event, separators=(",", ":"))
