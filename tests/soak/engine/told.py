"""What SES reports about the mails that the provider accepted: tripled, shuffled, up to hours late, a few never."""

import random
import threading
from collections.abc import Iterator
from typing import Any

import httpx
from drumbeat import clock

# How late four copies out of five are, most of the others, and the rest: in seconds, or in shares of the latest.
SOON, LATER = 30.0, 1 / 6
COPIES = 3
LOST = 0.0005
BOUNCED, SOFTLY, COMPLAINED = 50, 77, 1_999
SIZES = (1, 100, 500, 500, 500)
# An event may come before others that lie so many places before it: mails of one call are told of together.
NEIGHBOURS = 600


class Told:
    """Reads the provider's mailbox from where it was, and says what is to be reported about whom, and when: at most
    `latest` seconds after the acceptance."""

    def __init__(self, http: httpx.Client, send: str, seed: int, latest: float) -> None:
        self._http, self._send = http, send
        self._chance, self._seed = random.Random(f"{seed}:told"), seed
        self._lateness = ((0.80, SOON), (0.95, LATER * latest), (1.0, latest))
        self._cursor, self._lock = "0", threading.Lock()
        self.lost: set[str] = set()
        self.delivered: set[str] = set()
        self.bounced: set[str] = set()
        self.complained: set[str] = set()

    def batches(self) -> Iterator[tuple[float, list[dict[str, Any]]]]:
        """Batches of events about new mails, each with how many seconds later it comes."""
        with self._lock:
            due: dict[float, list[dict[str, Any]]] = {late: [] for _, late in self._lateness}
            for mail in self._new():
                for event in self._events(mail):
                    for _ in range(COPIES):
                        drawn = self._chance.random()
                        due[next(late for share, late in self._lateness if drawn < share)].append(event)
            for late, ordered in due.items():
                moved = [(place + self._chance.uniform(0, NEIGHBOURS), event) for place, event in enumerate(ordered)]
                events = [event for _, event in sorted(moved, key=lambda pair: pair[0])]
                while events:
                    size = self._chance.choice(SIZES)
                    yield late - self._chance.uniform(0, 20), events[:size]
                    events = events[size:]

    def _new(self) -> Iterator[dict[str, Any]]:
        while True:
            query = {"order": "asc", "limit": "1000", "cursor": self._cursor, "tag": f"send:{self._send}"}
            found = self._http.get("/mailbox.json", params=query).raise_for_status().json()
            self._cursor = found["cursor"] or self._cursor
            yield from found["mails"]
            if len(found["mails"]) < 1000:
                return

    def _events(self, mail: dict[str, Any]) -> list[dict[str, Any]]:
        (address,) = mail["to"]
        if self._chance.random() < LOST:
            self.lost.add(address)
            return []
        number = int(address.partition("@")[0][1:]) + self._seed
        at = clock.iso(clock.wall())
        head = {
            "messageId": mail["id"], "timestamp": at, "source": "news@acme.example", "destination": [address],
            "tags": {name: [value] for name, value in mail["tags"].items()},
        }  # fmt: skip
        to = [{"emailAddress": address}]
        if number % BOUNCED == 0 or number % SOFTLY == 0:
            self.bounced.add(address)
            kind = "Permanent" if number % BOUNCED == 0 else "Transient"
            bounce = {"bounceType": kind, "bounceSubType": "General", "bouncedRecipients": to, "timestamp": at}
            return [{"eventType": "Bounce", "mail": head, "bounce": bounce}]
        self.delivered.add(address)
        events = [{"eventType": "Delivery", "mail": head, "delivery": {"timestamp": at, "recipients": [address]}}]
        if number % COMPLAINED == 0:
            self.complained.add(address)
            complaint = {"complainedRecipients": to, "timestamp": at}
            events.append({"eventType": "Complaint", "mail": head, "complaint": complaint})
        return events
