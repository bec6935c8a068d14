"""Which events, and which stays in segments, somebody waits for: by name, with who it is. Contexts above write it;
whoever records one of these names marks its row as `waited`, so that it reaches the queue `happened`.

pk                     sk
INTEREST#<tenant>      INTEREST
"""

from collections.abc import Collection, Mapping
from typing import Any

from drumbeat import table
from drumbeat.contacts.model import CompactJSON
from drumbeat.table import Entity

# Topics: names of events, and ids of segments that are joined and left.
EVENT, JOINED, LEFT = "event", "segment.joined", "segment.left"


class Interest(Entity):
    """Who waits for what: topic → name → ids."""

    TYPE = "INTEREST"

    topics = CompactJSON(default=dict)

    @staticmethod
    def key(tenant: str) -> tuple[str, str]:
        return f"INTEREST#{tenant}", "INTEREST"


def names(row: Interest | None, topic: str = EVENT) -> frozenset[str]:
    """The names that somebody waits for."""
    return frozenset(_topic(row, topic))


def waited(tenant: str) -> frozenset[str]:
    """The same, as they are now: one small consistent read. So who waits since before an event was recorded hears of
    it. Reads Interest."""
    return names(Interest.fetch(*Interest.key(tenant)))


def listeners(tenant: str, topic: str, name: str) -> tuple[str, ...]:
    """Who waits for this. Reads Interest."""
    return tuple(_topic(Interest.fetch(*Interest.key(tenant)), topic).get(name, ()))


def _topic(row: Interest | None, topic: str) -> Mapping[str, list[str]]:
    found: Mapping[str, list[str]] = (row.topics or {}).get(topic, {}) if row else {}
    return found


def declare(tenant: str, who: str, wanted: Mapping[str, Collection[str]]) -> None:
    """Say what somebody waits for from now on, by topic, and nothing else; nothing at all takes them off. Writes
    Interest."""

    def once() -> Interest:
        key = Interest.key(tenant)
        row = Interest.fetch(*key)
        topics = _without(row.topics or {} if row else {}, who)
        for topic, names in wanted.items():
            for name in names:
                topics.setdefault(topic, {}).setdefault(name, []).append(who)
        if row is None:
            row = Interest(*key, topics=topics)
            row.create()
        else:
            row.change(Interest.topics.set(topics), unchanged=True)
        return row

    table.retried(once)


def wanted_by(tenant: str, who: str) -> dict[str, list[str]]:
    """What somebody waits for, by topic. Reads Interest."""
    row = Interest.fetch(*Interest.key(tenant))
    topics: dict[str, Any] = (row.topics or {}) if row else {}
    found = {topic: [name for name, ids in names.items() if who in ids] for topic, names in topics.items()}
    return {topic: names for topic, names in found.items() if names}


def _without(topics: Mapping[str, Any], who: str) -> dict[str, Any]:
    left = {
        topic: {name: rest for name, ids in names.items() if (rest := [one for one in ids if one != who])}
        for topic, names in topics.items()
    }
    return {topic: names for topic, names in left.items() if names}
