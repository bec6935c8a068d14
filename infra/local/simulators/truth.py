"""What the simulator itself saw, in numbers: the other side of every comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .mailbox import READING, STATUS, Mail

# Each once: several kinds of happenings make a mail a delivered one.
_STATES = tuple(dict.fromkeys(STATUS.values()))


@dataclass
class Tally:
    """Counts of one group of mails. Addresses are compared in lower case."""

    accepted: int = 0
    times: Counter[str] = field(default_factory=Counter)
    happened: dict[str, Counter[str]] = field(default_factory=dict)
    notified: Counter[str] = field(default_factory=Counter)

    def add(self, mail: Mail) -> None:
        """Count one mail: once for each of its recipients."""
        addresses = [address.lower() for address in mail.recipients]
        self.accepted += len(addresses)
        self.times.update(addresses)
        for happening in (one for one in mail.happened if one.kind not in READING):
            of_kind = self.happened.setdefault(STATUS.get(happening.kind, happening.kind), Counter())
            of_kind.update(address.lower() for address in happening.recipients)
        self.notified.update(mail.notified)

    def as_json(self, addresses: bool = False) -> dict[str, Any]:
        """`duplicates` are acceptances beyond the first for an address; `<kind>_recipients` counts addresses once."""
        doubled = sorted(address for address, count in self.times.items() if count > 1)
        answer: dict[str, Any] = {
            "accepted": self.accepted,
            "recipients": len(self.times),
            "duplicates": self.accepted - len(self.times),
            "duplicate_addresses": doubled if addresses else doubled[:20],
        }
        for kind in _STATES:
            seen = self.happened.get(kind, Counter())
            answer[kind] = seen.total()
            answer[f"{kind}_recipients"] = len(seen)
        answer["notified"] = dict(self.notified)
        if addresses:
            answer["addresses"] = {"accepted": sorted(self.times)}
            answer["addresses"] |= {
                kind: sorted(self.happened.get(kind, ())) for kind in dict.fromkeys(STATUS.values())
            }
        return answer


def count(mails: Iterable[Mail], tag: str, value: str | None = None, addresses: bool = False) -> dict[str, Any]:
    """Groups by the value of `tag` (mails without it: the empty name), or only the group `value`, and the total."""
    groups: dict[str, Tally] = {}
    total = Tally()
    for mail in mails:
        key = mail.tags.get(tag, "")
        if value is not None and key != value:
            continue
        groups.setdefault(key, Tally()).add(mail)
        total.add(mail)
    # Two sends to one person are no duplicate, so the total adds up the groups.
    summary = total.as_json() | {"duplicates": sum(one.accepted - len(one.times) for one in groups.values())}
    summary["duplicate_addresses"] = sorted({a for one in groups.values() for a, n in one.times.items() if n > 1})[:20]
    return {"tag": tag, "groups": {key: one.as_json(addresses) for key, one in groups.items()}, "total": summary}
