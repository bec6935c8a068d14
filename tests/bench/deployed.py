"""Campaigns on the deployed local stack: `python -m tests.bench.deployed 1000 10000`.

Everything is real but AWS and the provider: templates, functions in processes of their own, queues, state machines,
the stream. `seconds` are from the launch until no chunk is open; `worker` is the largest resident set (MB) that a
process of `deliver_chunk` had. A hundred thousand are too many for the emulator, which answers 300 requests a second.
"""

import contextlib
import csv
import io
import json
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from infra.local.demo import newsletter
from infra.local.stack import TIME_SCALE, Plan, Stack, up
from tests.stack.company import Company, founded, until

LONGEST = 300.0
FIELDS = ("email", "first_name", "last_name", "external_id", "city")
WORKER = "deliver_chunk.py"


def people(number: int) -> bytes:
    """A file of so many people."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((*FIELDS, "consent"))
    for place in range(number):
        writer.writerow((f"customer{place}@people.example.com", "Rina", f"Akter {place}", f"C-{place}", "Dhaka", "yes"))
    return text.getvalue().encode()


def imported(shop: Company, number: int) -> None:
    job = shop.post("/v1/imports", {"file_name": "people.csv"})
    upload = job["upload"]
    httpx.put(upload["url"], content=people(number), headers=upload["headers"], timeout=60).raise_for_status()
    shop.post(f"/v1/imports/{job['id']}/start")
    done = until(
        "the import", lambda: shop.get(f"/v1/imports/{job['id']}"), lambda now: now["state"] in ("done", "failed"),
        patience=LONGEST,
    )  # fmt: skip
    assert done["created"] == number, done


class Watch:
    """Looks at the workers' memory until the block ends."""

    def __init__(self) -> None:
        self.largest: dict[int, float] = {}
        self._over = threading.Event()

    @contextlib.contextmanager
    def looking(self) -> Iterator["Watch"]:
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.3):
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError, ValueError):
                    if ((process / "cwd").readlink() / WORKER).exists():
                        pages = int((process / "statm").read_text().split()[1])
                        held = pages * os.sysconf("SC_PAGE_SIZE") / 1024**2
                        self.largest[int(process.name)] = max(held, self.largest.get(int(process.name), 0.0))


def campaign(stack: Stack, recipients: int) -> dict[str, Any]:
    """One tenant, its people, one campaign to all of them."""
    with founded(stack, f"bench{secrets.token_hex(3)}") as shop, Watch().looking() as watch:
        began = time.monotonic()
        imported(shop, recipients)
        took = time.monotonic() - began
        said = {"subject": newsletter.SUBJECT, "html": newsletter.html(), "content": newsletter.CONTENT}
        made = shop.post("/v1/campaigns", {"name": "November", "audience": {"everyone": True}, **said})["id"]
        began = time.monotonic()
        shop.post(f"/v1/campaigns/{made}/launch")
        results = until(
            "everybody's turn", lambda: shop.results(made),
            lambda now: (now["recipients"], now["open"]) == (recipients, 0),
            patience=LONGEST,
        )  # fmt: skip
        return {
            "recipients": recipients, "seconds": time.monotonic() - began, "import_seconds": took,
            "sent": results["sent"], "workers": len(watch.largest), "worker": max(watch.largest.values(), default=0.0),
        }  # fmt: skip


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]]
    told, sys.stdout = sys.stdout, sys.stderr
    with (
        tempfile.TemporaryDirectory(prefix="drumbeat-bench-") as folder,
        up(Plan(Path(folder), TIME_SCALE, ports=(0, 0))) as (stack, _),
    ):
        found = [campaign(stack, size) for size in sizes]
    told.write(json.dumps(found))


if __name__ == "__main__":
    main()
