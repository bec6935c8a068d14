"""People who read the mails: they fetch the pixel, follow links and unsubscribe over HTTP, and remember what they did.

Machines act too: scanners that follow every link at once, and proxies that prefetch images. What they did is kept
apart, so a product that takes them for people shows in the numbers. Who does what follows from seed and address alone.

Only addresses of this machine are ever fetched, after the host map; anything else is listed as skipped.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

MAX_THREADS = 8
PAGE = 500
POLL_S = 0.2
LEAVING = r"unsubscribe|preference|opt-?out"
RECEIVED = ("delivered", "complained")
LOCAL_HOSTS = ("127.0.0.1", "localhost")

HUMAN_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Thunderbird/115.12.0",
)
# Where the people live who read with these: CloudFront in front of the API would say it in this header.
COUNTRIES = dict(zip(HUMAN_AGENTS, ("BD", "BD", "US", "IN", "BD"), strict=True))
SCANNER_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Barracuda Sentinel (EE)",
    "Mozilla/5.0 (compatible; Proofpoint URL Defense; +https://www.proofpoint.com)",
    "python-requests/2.32.3",
)
# Apple Mail Privacy Protection sends the bare prefix; Yahoo's proxy names itself.
PREFETCH_AGENTS = ("Mozilla/5.0", "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html")


@dataclass(frozen=True)
class Behaviour:
    """Shares of the people who received a mail. Clickers open first; `twice` of openers and clickers do it again."""

    opens: float = 0.30
    clicks: float = 0.03
    unsubscribes: float = 0.005
    twice: float = 0.10
    scanners: float = 0.02
    prefetches: float = 0.10


@dataclass
class Log:
    """What happened, by lower-case address. `clicked` and `machine_clicked` map an address to the links that answered.

    `failed` lists requests without the answer that they should have had, `skipped` links that lie outside this machine.
    """

    received: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    clicked: dict[str, set[str]] = field(default_factory=dict)
    unsubscribed: set[str] = field(default_factory=set)
    machine_opened: set[str] = field(default_factory=set)
    machine_clicked: dict[str, set[str]] = field(default_factory=dict)
    requests: int = 0
    failed: list[str] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Plan:
    """What one person, and the machines on the way, do with one mail."""

    opens: int
    clicks: int
    unsubscribes: bool
    scanned: bool
    prefetched: bool


def plan(address: str, behaviour: Behaviour, seed: int) -> Plan:
    """Decided by seed and address; `opens` and `clicks` are 0, 1 or 2 times."""
    chance = random.Random(f"{seed}:{address.lower()}")
    draws = [chance.random() for _ in range(6)]
    clicks = draws[0] < behaviour.clicks
    # One draw for both, so that the clickers are among the openers and the share of openers stays as asked.
    opens = draws[0] < max(behaviour.opens, behaviour.clicks)
    again = 2 if draws[1] < behaviour.twice else 1
    unsubscribes, scanned, prefetched = (
        draw < share
        for draw, share in zip(
            draws[2:5], (behaviour.unsubscribes, behaviour.scanners, behaviour.prefetches), strict=True
        )
    )
    return Plan(again if opens else 0, again if clicks else 0, unsubscribes, scanned, prefetched)


class _Browser:
    """HTTP with one kept connection for each thread and host; thread-safe."""

    def __init__(self, hosts: dict[str, str]) -> None:
        self._hosts = {urlsplit(public).netloc: urlsplit(local) for public, local in hosts.items()}
        self._of_thread = threading.local()
        self._opened: list[http.client.HTTPConnection] = []

    def target(self, url: str) -> tuple[str, int, str, str] | None:
        """Host and port to connect to, Host header and path; None when it is not on this machine."""
        parts = urlsplit(url)
        place = self._hosts.get(parts.netloc, parts)
        if place.hostname not in LOCAL_HOSTS or place.scheme != "http":
            return None
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return place.hostname, place.port or 80, parts.netloc, path

    def fetch(self, method: str, url: str, agent: str, body: str = "") -> tuple[int, str]:
        """Status and Location; 0 when there was no answer. The Host header is the public one."""
        target = self.target(url)
        if target is None:
            return 0, ""
        host, port, public, path = target
        headers = {"User-Agent": agent, "Host": public, "Accept": "*/*"}
        if agent in COUNTRIES:
            headers["CloudFront-Viewer-Country"] = COUNTRIES[agent]
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        # A kept connection may have been closed by the other side meanwhile, so a failure is tried once on a new one.
        for attempt in (1, 2):
            connection = self._connection(host, port)
            try:
                connection.request(method, path, body or None, headers)
                response = connection.getresponse()
                response.read()
                return response.status, response.headers.get("Location", "")
            except (OSError, http.client.HTTPException):
                connection.close()
                if attempt == 2:
                    break
        return 0, ""

    def close(self) -> None:
        """Close the kept connections of all threads."""
        for connection in self._opened:
            connection.close()

    def _connection(self, host: str, port: int) -> http.client.HTTPConnection:
        if not hasattr(self._of_thread, "kept"):
            self._of_thread.kept = {}
        kept: dict[tuple[str, int], http.client.HTTPConnection] = self._of_thread.kept
        if (host, port) not in kept:
            kept[host, port] = http.client.HTTPConnection(host, port, timeout=30)
            self._opened.append(kept[host, port])
        return kept[host, port]


class Recipients:
    """One run over the mails of a mailbox."""

    def __init__(self, behaviour: Behaviour, seed: int, hosts: dict[str, str], leaving: str) -> None:
        self._behaviour, self._seed, self._leaving = behaviour, seed, re.compile(leaving, re.IGNORECASE)
        self.browser = _Browser(hosts)
        self._lock = threading.Lock()
        self.log = Log()

    def machines(self, mail: dict[str, Any]) -> None:
        """Proxies and scanners, before any person looks."""
        for address in mail["to"]:
            doing, chance = plan(address, self._behaviour, self._seed), random.Random(f"{self._seed}:{mail['id']}:m")
            if doing.prefetched and self._images(mail, chance.choice(PREFETCH_AGENTS)):
                self._note(self.log.machine_opened, address)
            if doing.scanned:
                agent = chance.choice(SCANNER_AGENTS)
                # Scanners take every address, the unsubscribe page included: a GET must change nothing.
                for link in dict.fromkeys([*mail["links"], *([mail["unsubscribe"]] if mail["unsubscribe"] else [])]):
                    if self._get(link, agent):
                        self._note_link(self.log.machine_clicked, address, link)

    def people(self, mail: dict[str, Any]) -> None:
        """Opens, clicks, unsubscribes."""
        for address in mail["to"]:
            self._note(self.log.received, address)
            doing, chance = plan(address, self._behaviour, self._seed), random.Random(f"{self._seed}:{address}")
            agent = chance.choice(HUMAN_AGENTS)
            for _ in range(doing.opens):
                if self._images(mail, agent):
                    self._note(self.log.opened, address)
            content = [link for link in mail["links"] if not self._leads_out(link, mail)]
            if doing.clicks and content:
                link = chance.choice(content)
                for _ in range(doing.clicks):
                    if self._get(link, agent):
                        self._note_link(self.log.clicked, address, link)
            if doing.unsubscribes and mail["unsubscribe"] and mail["one_click"]:
                self._unsubscribe(mail["unsubscribe"], address, agent)

    def _unsubscribe(self, url: str, address: str, agent: str) -> None:
        """RFC 8058: the mail program posts this body, without cookies, and follows nothing."""
        status, _ = self._fetch("POST", url, agent, "List-Unsubscribe=One-Click")
        if 200 <= status < 300:
            self._note(self.log.unsubscribed, address)

    def _images(self, mail: dict[str, Any], agent: str) -> bool:
        """Load all images; the mail was opened when one that lies on this machine answered."""
        answered = [self._get(image, agent) for image in mail["images"]]
        return any(answered)

    def _get(self, url: str, agent: str) -> bool:
        status, location = self._fetch("GET", url, agent)
        return 200 <= status < 300 or (300 <= status < 400 and bool(location))

    def _fetch(self, method: str, url: str, agent: str, body: str = "") -> tuple[int, str]:
        if self.browser.target(url) is None:
            with self._lock:
                self.log.skipped.add(url)
            return 0, ""
        answer = self.browser.fetch(method, url, agent, body)
        with self._lock:
            self.log.requests += 1
            if not 200 <= answer[0] < 400:
                self.log.failed.append(f"{method} {url}: {answer[0]}")
        return answer

    def _note(self, seen: set[str], address: str) -> None:
        with self._lock:
            seen.add(address.lower())

    def _note_link(self, seen: dict[str, set[str]], address: str, link: str) -> None:
        with self._lock:
            seen.setdefault(address.lower(), set()).add(link)

    def _leads_out(self, link: str, mail: dict[str, Any]) -> bool:
        """The link is about leaving, not about content."""
        return link == mail["unsubscribe"] or bool(self._leaving.search(urlsplit(link).path))


class Reader:
    """Reads the simulator's mailbox from where it was; `tag` is `name:value`."""

    def __init__(self, mailbox_url: str, tag: str = "", since: str = "") -> None:
        self._parts, self._cursor = urlsplit(mailbox_url), "0"
        self._filter = {"tag": tag, "since": since, "order": "asc", "links": "true", "limit": str(PAGE)}

    def new(self) -> list[dict[str, Any]]:
        """The mails since the last call that reached somebody, oldest first, with their links."""
        mails: list[dict[str, Any]] = []
        host, port = self._parts.hostname or "", self._parts.port
        with contextlib.closing(http.client.HTTPConnection(host, port, timeout=60)) as connection:
            while True:
                connection.request("GET", f"/mailbox.json?{urlencode({**self._filter, 'cursor': self._cursor})}")
                page = json.loads(connection.getresponse().read())
                if not page["mails"]:
                    return mails
                mails += [mail for mail in page["mails"] if mail["status"] in RECEIVED]
                self._cursor = page["cursor"]


def act(
    mailbox_url: str,
    *,
    seed: int,
    behaviour: Behaviour | None = None,
    hosts: dict[str, str] | None = None,
    tag: str = "",
    since: str = "",
    until: Callable[[], bool] | None = None,
    settle_s: float = 0.0,
    leaving: str = LEAVING,
    threads: int = MAX_THREADS,
    progress: Callable[[int, int], None] | None = None,
) -> Log:
    """Let everybody act once on every mail received, machines first, and say what they did.

    `hosts` maps public origins to local ones (`{"https://track.example": "http://127.0.0.1:8080"}`). With `until` the
    machines follow the mailbox while it is false, so they act within a second of delivery; people begin `settle_s`
    after them. `leaving` finds the links, by path, that are not content. `progress(done, total)` counts mails twice.
    """
    crowd = Recipients(behaviour or Behaviour(), seed, hosts or {}, leaving)
    reader = Reader(mailbox_url, tag, since)
    mails: list[dict[str, Any]] = []
    with ThreadPoolExecutor(max_workers=max(1, min(threads, MAX_THREADS))) as pool:
        done = itertools.count(1)
        for found in _rounds(reader, until or (lambda: True)):
            mails += found
            for _ in pool.map(crowd.machines, found):
                _tell(progress, next(done), 2 * len(mails))
        time.sleep(settle_s)
        for _ in pool.map(crowd.people, mails):
            _tell(progress, next(done), 2 * len(mails))
    crowd.browser.close()
    return crowd.log


def _rounds(reader: Reader, until: Callable[[], bool]) -> Iterator[list[dict[str, Any]]]:
    """New mails again and again, and once more after `until` has become true."""
    while not until():
        if found := reader.new():
            yield found
        else:
            time.sleep(POLL_S)
    yield reader.new()


def _tell(progress: Callable[[int, int], None] | None, done: int, total: int) -> None:
    if progress:
        progress(done, total)
