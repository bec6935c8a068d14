"""SES's reports about what the simulator accepted: late, twice, in any order, but all within the grace."""

import json
import os
import random
from typing import Any

from drumbeat import clock

from tests.unit.mail import Provider
from tests.world import client

# In sweeps: together at most an hour and a half, the grace is two hours.
LATEST = 6


class Reports:
    """What is still to be told of each accepted mail, and what will have been told of whom."""

    def __init__(self, mails: Provider, chance: random.Random) -> None:
        self._mails, self._chance, self._cursor = mails, chance, "0"
        self._due: list[tuple[int, dict[str, Any]]] = []
        self.accepted = 0
        self.delivered: set[str] = set()
        self.bounced: set[str] = set()
        self.complained: set[str] = set()

    @property
    def all_told(self) -> bool:
        return not self._due

    def collect(self, now: int) -> None:
        """Decide what becomes of the mails that were accepted since the last time."""
        query = {"order": "asc", "limit": "1000", "cursor": self._cursor}
        answer = self._mails.http.get("/mailbox.json", params=query).json()
        self._cursor = answer["cursor"] or self._cursor
        self.accepted += len(answer["mails"])
        for mail in answer["mails"]:
            for event in self._events(mail):
                copies = self._chance.choice((1, 1, 2, 3))
                self._due += [(now + self._chance.randrange(LATEST), event) for _ in range(copies)]

    def deliver(self, now: int) -> None:
        """Put the reports that are due on the queue."""
        due = [event for at, event in self._due if at <= now]
        self._due = [(at, event) for at, event in self._due if at > now]
        self._chance.shuffle(due)
        for start in range(0, len(due), 10):
            entries = [
                {"Id": str(place), "MessageBody": json.dumps(event)}
                for place, event in enumerate(due[start : start + 10])
            ]
            client("sqs").send_message_batch(QueueUrl=os.environ["QUEUE_FEEDBACK"], Entries=entries)

    def _events(self, mail: dict[str, Any]) -> list[dict[str, Any]]:
        """One mail in nine bounces, one in eleven is complained about."""
        (address,) = mail["to"]
        number = int(address.partition("@")[0][1:])
        at = clock.iso(clock.wall())
        head = {
            "messageId": mail["id"], "timestamp": at, "source": "news@acme.example", "destination": [address],
            "tags": {name: [value] for name, value in mail["tags"].items()},
        }  # fmt: skip
        to = [{"emailAddress": address}]
        events: list[dict[str, Any]] = [{"eventType": "Send", "mail": head, "send": {}}]
        if number % 9 == 0:
            self.bounced.add(address)
            bounce = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": to, "timestamp": at}
            return [*events, {"eventType": "Bounce", "mail": head, "bounce": bounce}]
        self.delivered.add(address)
        delivery = {"timestamp": at, "recipients": [address]}
        events.append({"eventType": "Delivery", "mail": head, "delivery": delivery})
        if number % 11 == 0:
            self.complained.add(address)
            complaint = {"complainedRecipients": to, "timestamp": at}
            events.append({"eventType": "Complaint", "mail": head, "complaint": complaint})
        return events
