"""How the demo asks: requests that wait for a busy machine, bars that show how far things are."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.local.stack import Stack

console = Console(highlight=False)
PATIENCE = 120.0


class Stuck(Exception):
    """Something did not come about in time; the text says what."""


def api_of(stack: Stack) -> httpx.Client:
    return httpx.Client(base_url=stack.api_url, headers={"X-API-Key": stack.api_key}, timeout=60)


@contextlib.contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, a line elsewhere; the yielded function says how far it is."""
    began = time.monotonic()
    if not console.is_terminal:
        yield lambda done: None
        console.print(f"{title}: {time.monotonic() - began:.1f} s")
        return
    columns = (TextColumn("{task.description:<24}"), BarColumn(bar_width=40), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.update(task, completed=done)


def get(api: httpx.Client, path: str, **query: Any) -> Any:
    reply = api.get(path, params=query)
    for _ in range(5):
        if reply.status_code < 500:
            break
        time.sleep(1.0)  # a busy machine: the emulator gives a function no more than its timeout
        reply = api.get(path, params=query)
    if reply.status_code != 200:
        raise Stuck(f"GET {path}: {reply.text}")
    return reply.json()["data"]


def until(look: Callable[[], Any], good: Callable[[Any], bool], what: str, pause: float = 0.5) -> Any:
    """Look until it is good. Raises Stuck."""
    end = time.monotonic() + PATIENCE
    while not good(found := look()):
        if time.monotonic() > end:
            raise Stuck(f"{what}: still {found} after {PATIENCE:.0f} s")
        time.sleep(pause)
    return found


def results(api: httpx.Client, campaign: str) -> Any:
    return get(api, f"/v1/campaigns/{campaign}/performance")


def ledger(api: httpx.Client, campaign: str, tell: Callable[[int], None]) -> list[dict[str, Any]]:
    """Everybody whom a campaign was sent to."""
    sent: list[dict[str, Any]] = []
    cursor = None
    while True:
        query = {"outcome": "sent", "limit": 100, **({"cursor": cursor} if cursor else {})}
        page = get(api, f"/v1/campaigns/{campaign}/recipients", **query)
        sent += page["items"]
        tell(len(sent))
        cursor = page["next_cursor"]
        if cursor is None:
            return sent
